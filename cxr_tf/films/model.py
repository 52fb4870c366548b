"""A model in this process: it decides, explains and segments decoded films."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.films.prediction import Prediction
from cxr_tf.films.questions import FilmQuestions, FilmSource, notices_of, read_source
from cxr_tf.films.results import Segmentation
from cxr_tf.films.rows import REASONS
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.question import vote_tensors
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.text import one_line
from pipelines.normalise import NO_PADDING
from pipelines.sizes import (
    SEGMENTATION_SIZE,
)
from pipelines.status import OK


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
            functions: `predict_film`, `decide_film`, `explain_film` and `segment_film` of `Triage`.
            card: the model card.
        """
        self._functions = functions
        self.card = card

    def predict(
        self,
        pixels: npt.NDArray[np.uint16],
        padding: int = NO_PADDING,
        vote: VoteOptions | None = None,
        *,
        explain: bool = False,
        unweighted: bool = False,
        **changes: Any,
    ) -> Prediction:
        """Decide on one film.

        Args:
            pixels: uint16 [H, W] over the full range, bright where dense.
            padding: grey level to leave out, -1 for none.
            vote: how the film is put to the vote.
            explain: give mask, saliency and patches too.
            unweighted: with `explain`, give the map without the patches' probabilities too.
            **changes: fields of `VoteOptions` by name, such as `seed=3` or `patches=50`.

        Returns:
            The answer; a film that has none is told by its status.

        Raises:
            UsageError: an option is out of range, the model has no classifier, or `explain` is
                asked for with a vote that ends early.
        """
        asked = (vote or VoteOptions()).changed(changes)
        asked.check()
        decision = self.card.decision.asked_with(asked)
        early = asked.ends_early
        if explain and early:
            raise UsageError("a vote that ends early has no map: choose explain or an early end")
        name = "explain_film" if explain else "decide_film" if early else "predict_film"
        if name not in self._functions:
            raise UsageError("this model only segments; give a classification run too")
        answer = self._functions[name](
            tf.constant(pixels, tf.uint16),
            tf.constant(padding, tf.int32),
            *vote_tensors(asked),
            *([tf.constant(asked.enough)] if early else []),
            *([tf.constant(unweighted)] if explain else []),
        )
        if not unweighted:
            answer = {k: v for k, v in answer.items() if k != "saliency_unweighted"}
        return Prediction.from_tensors(answer, decision.refer_below)

    def segment(
        self,
        film: FilmSource,
        padding: int = NO_PADDING,
        *,
        voi: bool = False,
        name: str = "",
    ) -> Segmentation:
        """Segment heart and lungs of one film.

        Args:
            film: path or address, uint8 or uint16 [H, W] (bright where dense), or a `Film`.
            padding: of an array, the grey level to leave out, -1 for none.
            voi: apply a DICOM file's VOI LUT, or its first window.
            name: what the answer calls it, by default the path.

        Returns:
            The label map with its status, which unpacks as `mask, status`; a film that has no
            answer is told by status and error.

        Raises:
            UsageError: the array is no film.
        """
        path, reading = read_source(film, padding=padding, voi=voi, name=name)
        status, notices = reading.status, notices_of(self.card)
        mask = np.zeros((SEGMENTATION_SIZE, SEGMENTATION_SIZE), np.uint8)
        if status == OK:
            answer = self._functions["segment_film"](
                tf.constant(reading.pixels, tf.uint16), tf.constant(reading.padding, tf.int32)
            )
            mask = np.asarray(answer["mask"])
            status = np.asarray(answer["status"]).item().decode()
        error = one_line(reading.error or REASONS.get(status, ""))
        return Segmentation(mask, status, error, path, notices, reading.pixels, reading.padding)

    def describe(
        self, pixels: npt.NDArray[np.uint16], padding: int = NO_PADDING
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], str]:
        """Give the features that gate and quality of the mask are judged by.

        Args:
            pixels: uint16 [H, W] over the full range, bright where dense.
            padding: grey level to leave out, -1 for none.

        Returns:
            float32 [F], in the order of `cxr_tf.method.reliability.feature_names.FEATURES`; mask
            and status as `segment` gives them.
        """
        answer = self._functions["segment_film"](
            tf.constant(pixels, tf.uint16), tf.constant(padding, tf.int32)
        )
        mask, features = np.asarray(answer["mask"]), np.asarray(answer["features"])
        return features, mask, np.asarray(answer["status"]).item().decode()
