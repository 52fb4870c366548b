"""What all figures share: colours, heading, text that is safe to draw, and how they are written."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.runtime.whole_files import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Colour-blind safe (Okabe and Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Of what is not ours, beside it.
OTHERS_COLOUR = "#9aa5b1"
#: Outlines on films: of the heart, of the lungs, and of a mask that is known to be true.
HEART_COLOUR, LUNGS_COLOUR, TRUTH_COLOUR = "#ff4040", "#48a0ff", "#40ff40"


def new_figure(width: float, height: float, title: str, notice: str, dpi: int = 110) -> "Figure":
    """Open a figure that needs no display and no global state.

    Args:
        width: in inches.
        height: in inches.
        title: heading.
        notice: second line of the heading, '' for none.
        dpi: pixels an inch, when it is written.

    Returns:
        The figure; its text is wrapped to the width.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=dpi)
    FigureCanvasAgg(figure)
    lines = [line for text in (title, notice) for line in textwrap.wrap(text, int(11 * width))]
    figure.suptitle(plain_text("\n".join(lines)), fontsize=9)
    return figure


def plain_text(text: str) -> str:
    """Make text safe to draw.

    Args:
        text: such as a file's name.

    Returns:
        The text without matplotlib's mathematics, and without bytes that are no characters.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("$", r"\$")


def figure_pixels(figure: "Figure", dpi: int = 100) -> npt.NDArray[np.uint8]:
    """Draw a figure into an array.

    Args:
        figure: from `new_figure`.
        dpi: pixels an inch.

    Returns:
        RGB uint8 [h, w, 3].
    """
    figure.set_dpi(dpi)
    figure.canvas.draw()
    # Every figure here has the canvas of Agg, which alone has this method.
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()  # type: ignore[attr-defined]


def write_figure(path: Path, figure: "Figure") -> None:
    """Write a figure as PNG, whole or not at all.

    Args:
        path: PNG to write.
        figure: from `new_figure`.

    Raises:
        OSError: the file cannot be written.
    """
    with whole(path) as fresh:
        figure.savefig(fresh)
