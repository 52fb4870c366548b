"""A model in this process: it decides, explains and segments decoded films."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.films.collage import one_film
from cxr_tf.films.entrance import Entered, entered
from cxr_tf.films.other_rule import decided_by
from cxr_tf.films.prediction import Prediction
from cxr_tf.films.questions import FilmQuestions, FilmSource, notices_of, read_source
from cxr_tf.films.results import Segmentation
from cxr_tf.films.rows import reason_of
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.outputs import given_by
from cxr_tf.method.question import dense_tensors, vote_tensors
from cxr_tf.method.reliability.feature_names import FEATURES
from cxr_tf.method.vote_options import DENSE, VoteOptions, asked_vote
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.text import one_line
from pipelines.normalise import NO_PADDING
from pipelines.sizes import SEGMENTATION_SIZE
from pipelines.status import OK

#: What only an explained answer holds.
_SHOWN = {each.name for each in given_by("explain")} - {each.name for each in given_by("decide")}


def _not_segmented() -> dict[str, npt.NDArray[Any]]:
    """Give the outputs for a film that is not segmented."""
    side = (SEGMENTATION_SIZE, SEGMENTATION_SIZE)
    return {
        "mask": np.zeros(side, np.uint8),
        "uncertainty": np.zeros(side, np.float32),
        "features": np.zeros(len(FEATURES), np.float32),
    }


class TriageModel(FilmQuestions):
    """A trained model: `score`, `explain`, `segment` and `plot` one film, `predict` a decoded one.

    Attributes:
        card: the model card; `classes` and `model_version` are its own.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Mapping[str, Any]]],
        card: ModelCard,
    ):
        """Take the entry points.

        Args:
            functions: `predict_film`, `decide_film`, `explain_film` and `segment_film` of `Triage`,
                and those of the dense vote where it has them.
            card: the model card.
        """
        self._functions = functions
        self._process = os.getpid()
        self.card = card

    def check_process(self) -> None:
        """Refuse to work in a child that was forked after the model was loaded; see `predict`.

        Raises:
            UsageError: TensorFlow's threads did not come along, and the answer never would.
        """
        if os.getpid() != self._process:
            raise UsageError(
                f"this model was loaded in another process ({self._process}), of which this one "
                "is a fork, and TensorFlow does not work across one: load the model in each "
                'process, or start processes by "spawn" (multiprocessing.get_context("spawn"))'
            )

    def predict(
        self,
        pixels: Any,
        padding: float | None = NO_PADDING,
        vote: VoteOptions | str | None = None,
        *,
        explain: bool = False,
        unweighted: bool = False,
        **changes: Any,
    ) -> Prediction:
        """Decide on one film.

        Args:
            pixels: [H, W], bright where dense; see `cxr_tf.films.entrance.levels_of`.
            padding: value of the array to leave out, -1 or None for none.
            vote: how the film is put to the vote: the options, or `patches` or `dense` alone.
            explain: give mask, saliency and patches too.
            unweighted: with `explain`, give the map without the patches' probabilities too.
            **changes: fields of `VoteOptions` by name, such as `seed=3` or `patches=50`.

        Returns:
            The answer; a film that has none is told by its status.

        Raises:
            UsageError: an option is out of range, the array is no film, the model has no
                classifier, `explain` is asked for with a vote that ends early, or this process was
                forked from the one that loaded the model.
        """
        self.check_process()
        asked = asked_vote(vote, changes)
        decision = self.card.asked_with(asked)
        early = asked.ends_early
        if explain and early:
            raise UsageError("a vote that ends early has no map: choose explain or an early end")
        anew = decision.rule != self.card.decision.rule and not early
        dense = decision.vote == DENSE
        name = "explain_film" if explain or anew else "decide_film" if early else "predict_film"
        name += "_densely" if dense else ""
        if name not in self._functions:
            raise UsageError("this model only segments; give a classification run too")
        film = entered(pixels, padding)
        if film.status == OK and asked.gate:
            film = one_film(film, self.card, self.look)
        if film.status != OK:
            patches = 0 if dense else asked.patches
            return self._refused(film, patches, explain, unweighted)
        at_stride = replace(asked, stride=decision.stride)
        answer = self._functions[name](
            tf.constant(film.pixels),
            tf.constant(film.padding),
            *(dense_tensors(asked) if dense else vote_tensors(at_stride)),
            *([tf.constant(asked.enough)] if early else []),
            *([tf.constant(unweighted)] if explain or anew else []),
        )
        if anew:
            answer = decided_by(decision.rule, answer, self.card)
        dropped = set() if explain else _SHOWN
        if not unweighted:
            dropped = dropped | {"saliency_unweighted"}
        answer = {name: value for name, value in answer.items() if name not in dropped}
        return Prediction.from_tensors(answer, decision.refer_below)

    def look(
        self, pixels: npt.NDArray[np.uint16], padding: int = NO_PADDING
    ) -> tuple[float, npt.NDArray[np.uint8]]:
        """Segment a film, or a part of one; no other check is made.

        Args:
            pixels: uint16 [H, W] over the full range, bright where dense.
            padding: grey level to leave out, -1 for none.

        Returns:
            How sure the gate is of a chest film, 0 to 1 (-1 where the model has no gate), and the
            label map.
        """
        answer = self._functions["segment_film"](tf.constant(pixels), tf.constant(padding))
        return float(answer["film_score"]), np.asarray(answer["mask"])

    def _refused(self, film: Entered, patches: int, explain: bool, unweighted: bool) -> Prediction:
        """Answer as the graph does for a film that is not looked at."""
        patches = 1 if self.card.options.approach == "global" else patches
        answer = Prediction.without_answer(
            film.status, film.reason, self.card, patches, explain=explain
        )
        if unweighted:
            answer = replace(answer, saliency_unweighted=answer.saliency)
        return answer

    def segment(
        self,
        film: FilmSource,
        padding: float | None = NO_PADDING,
        *,
        voi: bool = False,
        name: str = "",
    ) -> Segmentation:
        """Segment heart and lungs of one film.

        Args:
            film: see `score`.
            padding: of an array, the value to leave out, -1 or None for none.
            voi: apply a DICOM file's VOI LUT, or its first window.
            name: what the answer calls it, by default the path.

        Returns:
            The label map with its status, which unpacks as `mask, status`; a film that has no
            answer is told by status and error.

        Raises:
            UsageError: what was given is no film, or see `check_process`.
        """
        self.check_process()
        path, reading = read_source(film, padding=padding, voi=voi, name=name)
        status, notices, reason = reading.status, notices_of(self.card), ""
        found: Mapping[str, Any] = _not_segmented()
        if status == OK:
            status, reason, found = self._segmented(reading.pixels, reading.padding)
        error = one_line(reading.error or reason_of(status, reason))
        return Segmentation(
            np.asarray(found["mask"]), status, error, path, notices, reading.pixels,
            reading.padding, np.asarray(found["uncertainty"]) if "uncertainty" in found else None,
        )  # fmt: skip

    def _segmented(self, pixels: Any, padding: float | None) -> tuple[str, str, Mapping[str, Any]]:
        """Give status, its reason, and the outputs of a film; zero where it is refused."""
        film = entered(pixels, padding)
        if film.status != OK:
            return film.status, film.reason, _not_segmented()
        answer = self._functions["segment_film"](
            tf.constant(film.pixels), tf.constant(film.padding)
        )
        return np.asarray(answer["status"]).item().decode(), "", answer

    def describe(
        self, pixels: Any, padding: float | None = NO_PADDING
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], str]:
        """Give the features that gate and quality of the mask are judged by.

        Args:
            pixels: see `predict`.
            padding: see `predict`.

        Returns:
            float32 [F], in the order of `cxr_tf.method.reliability.feature_names.FEATURES`; mask
            and status as `segment` gives them.

        Raises:
            UsageError: see `predict`.
        """
        self.check_process()
        status, _, found = self._segmented(pixels, padding)
        return np.asarray(found["features"]), np.asarray(found["mask"]), status
