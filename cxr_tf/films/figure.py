"""A figure of one explained film for notebooks: outlines, saliency, votes."""

from io import BytesIO
from typing import TYPE_CHECKING

import cv2
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from cxr_tf.figures import COLOURS, plain_text
from cxr_tf.film_display import printable
from cxr_tf.overlays import cover_with_saliency, display_grey, draw_outlines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxr_tf.film_results import Explanation


class FilmFigure(Figure):
    """A matplotlib figure that a notebook shows, whatever its backend; it needs no display."""

    def _repr_png_(self) -> bytes:
        file = BytesIO()
        self.savefig(file, format="png", dpi=110)
        return file.getvalue()


def _votes(axes: "Axes", found: "Explanation") -> None:
    """Draw the votes by class, the decided one in another colour."""
    names = list(found.votes)
    colours = [COLOURS[1] if name == found.label else COLOURS[0] for name in names]
    axes.barh(range(len(names)), list(found.votes.values()), color=colours)
    axes.set_yticks(range(len(names)), [plain_text(printable(name)) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, max(1, int(found.record["patches_used"])))
    axes.set_xlabel("votes", fontsize=8)
    axes.tick_params(labelsize=8)


def explanation_figure(found: "Explanation") -> FilmFigure:
    """Draw an explanation; what is missing is told in place of a picture.

    Args:
        found: the explanation.

    Returns:
        Film with outlines of heart (red) and lungs (blue), saliency of the decided class on the
        fixed scale 0..1, and votes, under the notice that this is research software.
    """
    figure = FilmFigure(figsize=(11.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    facts = found.facts()
    shown = [*facts.notices, ": ".join(x for x in (facts.path, facts.answer, facts.error) if x)]
    figure.suptitle(plain_text("\n".join(printable(line) for line in shown)), fontsize=9)
    if found.pixels is None or found.mask is None:
        return figure
    film = cv2.cvtColor(display_grey(found.pixels, found.padding), cv2.COLOR_GRAY2RGB)
    saliency = found.saliency.get(found.label)
    if saliency is None:
        panels = [figure.subplots()]
    else:
        panels = list(figure.subplots(1, 3, width_ratios=(1, 1, 0.8)))
        covered = cover_with_saliency(film, saliency)
        draw_outlines(covered, found.mask)
        panels[1].imshow(covered)
        panels[1].set_title(plain_text(f"saliency of {printable(found.label)}"), fontsize=8)
        panels[1].set_axis_off()
        scale = figure.colorbar(ScalarMappable(cmap="turbo"), ax=panels[1], shrink=0.7)
        scale.ax.tick_params(labelsize=7)
        _votes(panels[2], found)
    outlined = film.copy()
    draw_outlines(outlined, found.mask)
    panels[0].imshow(outlined)
    panels[0].set_title("heart (red) and lungs (blue)", fontsize=8)
    panels[0].set_axis_off()
    return figure
