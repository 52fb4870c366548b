"""A figure of one explained film for notebooks: outlines, saliency, votes."""

from io import BytesIO
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from cxr_tf.drawing.overlays import cover_with_saliency, display_grey, draw_outlines
from cxr_tf.drawing.style import COLOURS, plain_text
from cxr_tf.films.display import Facts, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class FilmFigure(Figure):
    """A matplotlib figure that a notebook shows, whatever its backend; it needs no display."""

    def _repr_png_(self) -> bytes:
        file = BytesIO()
        self.savefig(file, format="png", dpi=110)
        return file.getvalue()


def _draw_votes(axes: "Axes", facts: Facts) -> None:
    """Draw the votes by class, the decided one in another colour."""
    names = list(facts.classes)
    votes = [facts.classes[name][0] for name in names]
    colours = [COLOURS[1] if name == facts.answer else COLOURS[0] for name in names]
    axes.barh(range(len(names)), votes, color=colours)
    axes.set_yticks(range(len(names)), [plain_text(printable(name)) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, max(1, sum(votes)))
    axes.set_xlabel("votes", fontsize=8)
    axes.tick_params(labelsize=8)


def film_figure(
    facts: Facts,
    pixels: npt.NDArray[np.uint16] | None,
    padding: int,
    mask: npt.NDArray[np.uint8] | None,
    saliency: npt.NDArray[np.float32] | None,
) -> FilmFigure:
    """Draw one film with its answer; what is missing is told in place of a picture.

    Args:
        facts: what is shown of the answer in words and votes.
        pixels: uint16 [H, W], the film; None where it could not be read.
        padding: grey level that is left out, -1 for none.
        mask: label map uint8 [256, 256], or None.
        saliency: float32 [256, 256] in 0..1 of the decided class, or None.

    Returns:
        Film with outlines of heart (red) and lungs (blue), saliency of the decided class on the
        fixed scale 0..1, and votes, under the notice that this is research software.
    """
    figure = FilmFigure(figsize=(11.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    shown = [*facts.notices, ": ".join(x for x in (facts.path, facts.answer, facts.error) if x)]
    figure.suptitle(plain_text("\n".join(printable(line) for line in shown)), fontsize=9)
    if pixels is None or mask is None:
        return figure
    film = cv2.cvtColor(display_grey(pixels, padding), cv2.COLOR_GRAY2RGB)
    if saliency is None:
        panels = [figure.subplots()]
    else:
        panels = list(figure.subplots(1, 3, width_ratios=(1, 1, 0.8)))
        covered = cover_with_saliency(film, saliency)
        draw_outlines(covered, mask)
        panels[1].imshow(covered)
        panels[1].set_title(plain_text(f"saliency of {printable(facts.answer)}"), fontsize=8)
        panels[1].set_axis_off()
        scale = figure.colorbar(ScalarMappable(cmap="turbo"), ax=panels[1], shrink=0.7)
        scale.ax.tick_params(labelsize=7)
        _draw_votes(panels[2], facts)
    outlined = film.copy()
    draw_outlines(outlined, mask)
    panels[0].imshow(outlined)
    panels[0].set_title("heart (red) and lungs (blue)", fontsize=8)
    panels[0].set_axis_off()
    return figure
