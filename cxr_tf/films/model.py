"""A model in this process: it decides, explains and segments decoded films."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.films.prediction import Prediction
from cxr_tf.films.questions import FilmQuestions, FilmSource, notices_of, read_source
from cxr_tf.films.results import Segmentation
from cxr_tf.films.rows import REASONS
from cxr_tf.method.voting import FAST_LEAD
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.text import one_line
from pipelines.normalise import NO_PADDING
from pipelines.sizes import (
    CLASSIFICATION_SIZE,
    LEAST_STRIDE,
    MOST_PATCHES,
    PATCHES,
    SEGMENTATION_SIZE,
)
from pipelines.status import OK


class TriageModel(FilmQuestions):
    """A trained model: `score`, `explain`, `segment` and `plot` one film, `predict` a decoded one.

    Attributes:
        classes: names in order.
        model_version: names weights and options.
        card: the model card.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Mapping[str, Any]]],
        classes: tuple[str, ...],
        model_version: str,
        card: dict[str, Any],
    ):
        """Take the entry points.

        Args:
            functions: `predict_film`, `decide_film`, `explain_film` and `segment_film` of `Triage`.
            classes: names in order.
            model_version: names weights and options.
            card: the model card.
        """
        self._functions = functions
        self.classes = classes
        self.model_version = model_version
        self.card = card
        # A model exported by an earlier version takes no gate, and has none.
        self._gated = "reliability" in card

    def predict(
        self,
        pixels: npt.NDArray[np.uint16],
        padding: int = NO_PADDING,
        *,
        seed: int = 0,
        patches: int = PATCHES,
        stride: int = 0,
        explain: bool = False,
        unweighted: bool = False,
        decision_only: bool = False,
        fast: bool = False,
        gate: bool = True,
    ) -> Prediction:
        """Decide on one film.

        Args:
            pixels: uint16 [H, W] over the full range, bright where dense.
            padding: grey level to leave out, -1 for none.
            seed: seed of the patch centres.
            patches: 1 to 400.
            stride: above 0, patches on a grid of that many pixels at 1024 x 1024, from 50 to 1024,
                instead of random ones.
            explain: give mask, saliency and patches too.
            unweighted: with `explain`, give the map without the patches' probabilities too.
            decision_only: stop where no patch can change the decision any more; votes,
                probabilities and `patches_used` are those up to there.
            fast: stop where the decision is unlikely to change. Not exact: see
                `cxr_tf.method.voting.FAST_LEAD`.
            gate: refuse what does not look like an upright frontal chest film.

        Returns:
            The answer; a film that has none is told by its status.

        Raises:
            UsageError: `patches` or `stride` is out of range, the model has no classifier, or
                `explain` is asked for with `decision_only` or `fast`.
        """
        if not 1 <= patches <= MOST_PATCHES:
            raise UsageError(f"{patches} patches: choose 1 to {MOST_PATCHES}")
        if stride and not LEAST_STRIDE <= stride <= CLASSIFICATION_SIZE:
            raise UsageError(
                f"a stride of {stride}: choose {LEAST_STRIDE} to {CLASSIFICATION_SIZE}, or 0"
            )
        early = decision_only or fast
        if explain and early:
            raise UsageError("a vote that ends early has no map: choose explain or an early end")
        name = "explain_film" if explain else "decide_film" if early else "predict_film"
        if name not in self._functions:
            raise UsageError("this model only segments; give a classification run too")
        answer = self._functions[name](
            tf.constant(pixels, tf.uint16),
            tf.constant(padding, tf.int32),
            tf.constant(seed, tf.int64),
            tf.constant(patches, tf.int32),
            tf.constant(stride, tf.int32),
            *([tf.constant(gate)] if self._gated else []),
            *([tf.constant(FAST_LEAD if fast else math.inf)] if early else []),
            *([tf.constant(unweighted)] if explain else []),
        )
        if not unweighted:
            answer = {k: v for k, v in answer.items() if k != "saliency_unweighted"}
        return Prediction.from_tensors(answer)

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
            float32 [F], in the order of `cxr_tf.method.reliability.features.FEATURES`; mask and
            status as `segment` gives them.

        Raises:
            UsageError: the model was exported by an earlier version.
        """
        answer = self._functions["segment_film"](
            tf.constant(pixels, tf.uint16), tf.constant(padding, tf.int32)
        )
        if "features" not in answer:
            raise UsageError("this model gives no features: export it again with --model")
        mask, features = np.asarray(answer["mask"]), np.asarray(answer["features"])
        return features, mask, np.asarray(answer["status"]).item().decode()
