"""What comes back of one film asked about from Python: typed, and shown in notebook or terminal."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cxr_tf.films import display
from cxr_tf.films.columns import Value
from pipelines.status import OK

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cxr_tf.films.figure import FilmFigure
    from cxr_tf.films.prediction import Prediction

Labels = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint16]


class _Shown:
    """Shows itself in a notebook, in a terminal and through rich; names and text are escaped."""

    def facts(self) -> display.Facts:
        """Gather what is shown."""
        raise NotImplementedError

    def __str__(self) -> str:
        return display.as_text(self.facts())

    def _repr_html_(self) -> str:
        return display.as_html(self.facts())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("..." if cycle else str(self))

    def __rich__(self) -> "RenderableType":
        return display.as_rich(self.facts())


@dataclass(frozen=True, eq=False, repr=False)
class Score(_Shown):
    """The decision on one film. Research use only.

    Attributes:
        record: column to value of the film's row of `scores.csv`: the same from Python, from the
            command line and through a server; fractions have six decimals.
        classes: names in order.
        prediction: the model's own answer; None where the film could not be read.
        notices: what must be said beside the answer.
    """

    record: dict[str, Value]
    classes: tuple[str, ...]
    prediction: "Prediction | None"
    notices: tuple[str, ...]

    @property
    def path(self) -> str:
        """Which film."""
        return str(self.record["path"])

    @property
    def status(self) -> str:
        """`ok`, or why there is no answer."""
        return str(self.record["status"])

    @property
    def label(self) -> str:
        """The decided class, '' without an answer."""
        return str(self.record["label"])

    @property
    def error(self) -> str:
        """One line: why there is no answer; '' where there is one."""
        return str(self.record["error"])

    @property
    def votes(self) -> dict[str, int]:
        """Votes by class."""
        return {name: int(self.record[f"votes_{name}"]) for name in self.classes}

    @property
    def probabilities(self) -> dict[str, float]:
        """Mean probability by class."""
        return {name: float(self.record[f"p_{name}"]) for name in self.classes}

    @property
    def agreement(self) -> float:
        """The winner's share of the votes."""
        return float(self.record["agreement"])

    def facts(self) -> display.Facts:
        """Gather what is shown: the decision, the classes, then the record's other columns."""
        apart = {"path", "status", "label", "error"}
        apart |= {f"{kind}_{name}" for kind in ("votes", "p") for name in self.classes}
        classes = {
            name: (self.votes[name], self.probabilities[name])
            for name in (self.classes if self.status == OK else ())
        }
        rest = {name: value for name, value in self.record.items() if name not in apart}
        return display.Facts(
            self.notices, self.path, self.label or self.status, self.error, classes, rest
        )

    def __repr__(self) -> str:
        shown = ", ".join(f"{x}={self.record[x]!r}" for x in ("path", "status", "label"))
        return f"{type(self).__name__}({shown})"


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Score):
    """A decision with what it rests on: mask, saliency and patches.

    Attributes:
        pixels: uint16 [H, W], the film as it was read; None where it could not be.
        padding: grey level that is left out, -1 for none.
    """

    pixels: Pixels | None = field(default=None)
    padding: int = -1

    @property
    def mask(self) -> Labels | None:
        """Label map uint8 [256, 256]: 1 heart, 2 left lung, 3 right lung; None without one."""
        return None if self.prediction is None else self.prediction.mask

    @property
    def saliency(self) -> dict[str, npt.NDArray[np.float32]]:
        """Map float32 [256, 256] in 0..1 by class (eq. 5); empty without a decision."""
        found = None if self.prediction is None else self.prediction.saliency
        if found is None or self.status != OK:
            return {}
        return dict(zip(self.classes, found, strict=True))

    def plot(self) -> "FilmFigure":
        """Draw film, mask outlines, saliency of the decided class on a fixed scale, and votes.

        Returns:
            A matplotlib figure.
        """
        from cxr_tf.films.figure import film_figure

        saliency = self.saliency.get(self.label)
        return film_figure(super().facts(), self.pixels, self.padding, self.mask, saliency)

    def facts(self) -> display.Facts:
        """Gather what is shown, with a picture where the film was read."""
        facts = super().facts()
        if self.pixels is None or self.mask is None:
            return facts
        saliency = self.saliency.get(self.label)
        return facts.with_picture(self.pixels, self.padding, self.mask, saliency)


@dataclass(frozen=True, eq=False, repr=False)
class Segmentation(_Shown):
    """Heart and lungs of one film; unpacks as `mask, status`.

    Attributes:
        mask: uint8 [256, 256] of the whole frame: 0 background, 1 heart, 2 left lung, 3 right
            lung (the patient's left); all 0 without an answer.
        status: `ok`, or why there is no answer.
        error: one line: why, or ''.
        path: which film, '' for an array without a name.
        notices: what must be said beside the answer.
        pixels: uint16 [H, W], the film as it was read; None where it could not be.
        padding: grey level that is left out, -1 for none.
        uncertainty: float32 [256, 256], how unsure each pixel's part is: 0 certain, 1 all four
            equally likely; 0 without an answer, None from a model that does not give it.
    """

    mask: Labels
    status: str
    error: str = ""
    path: str = ""
    notices: tuple[str, ...] = ()
    pixels: Pixels | None = None
    padding: int = -1
    uncertainty: npt.NDArray[np.float32] | None = None

    def __iter__(self) -> Iterator[Any]:
        yield from (self.mask, self.status)

    def __getitem__(self, place: int) -> Any:
        return (self.mask, self.status)[place]

    def facts(self) -> display.Facts:
        """Gather what is shown: the share of the frame by part."""
        rest: dict[str, Value] = {}
        if self.status == OK:
            for label, name in enumerate(("heart", "left lung", "right lung"), start=1):
                rest[f"{name}, share of the film"] = round(float((self.mask == label).mean()), 6)
        facts = display.Facts(self.notices, self.path, self.status, self.error, {}, rest)
        if self.pixels is None or self.status != OK:
            return facts
        return facts.with_picture(self.pixels, self.padding, self.mask, None)

    def __repr__(self) -> str:
        return f"Segmentation(path={self.path!r}, status={self.status!r})"
