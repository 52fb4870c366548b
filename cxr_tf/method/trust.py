"""How far an answer can be trusted: the gate, the mask's quality, calibration and abstention."""

import tensorflow as tf

from cxr_tf.method.collage import REASON as COLLAGE
from cxr_tf.method.collage import WAYS, collage_way, has_lungs
from cxr_tf.method.outputs import UNKNOWN
from cxr_tf.method.preparation import PreparedFilm
from cxr_tf.method.reliability.calibration import calibrate, conformal_set, unsure
from cxr_tf.method.reliability.judgement import score
from cxr_tf.method.reliability.parameters import Reliability
from cxr_tf.method.reliability.refusal import DOUBTFUL_MASK, put_right, reason
from cxr_tf.method.segmenter import Segmenter
from cxr_tf.method.traced import traced_once
from cxr_tf.method.triage_options import TriageOptions
from pipelines.status import NOT_CHEST_FILM, OK

Tensors = dict[str, tf.Tensor]


class Trust:
    """Judges films and answers by the numbers that were fitted for a model."""

    def __init__(
        self, fitted: Reliability | None, segmenter: Segmenter, options: TriageOptions
    ) -> None:
        """Take the numbers.

        Args:
            fitted: what was fitted of this model; without it no film is refused, no class is ruled
                out, and the scores are `UNKNOWN`.
            segmenter: looks again at a refused film that is put right.
            options: how the films are prepared.
        """
        self._fitted, self._segmenter, self._options = fitted, segmenter, options
        side = options.film_size
        self._collage_way = traced_once(self._way, tf.TensorSpec([side, side]))
        self._is_chest = traced_once(self._passes, tf.TensorSpec([segmenter.size] * 2))

    def scores(self, status: tf.Tensor, features: tf.Tensor) -> Tensors:
        """Judge a film and its mask.

        Args:
            status: string scalar, `ok` for a film that was segmented.
            features: float32 [F] of film and masks.

        Returns:
            `film_score`, of being a chest film, and `mask_quality`; 0 for a film that was not
            segmented.
        """
        if self._fitted is None:
            found = [tf.constant(UNKNOWN)] * 2
        else:
            found = [score(each, features) for each in (self._fitted.gate, self._fitted.mask)]
        film_score, mask_quality = (tf.where(status == OK, x, 0.0) for x in found)
        return {"film_score": film_score, "mask_quality": mask_quality}

    def gated(self, status: tf.Tensor, film_score: tf.Tensor, gate: tf.Tensor | bool) -> tf.Tensor:
        """Refuse a film that does not look like an upright frontal chest film.

        Args:
            status: string scalar so far.
            film_score: float32 scalar.
            gate: bool scalar, whether to refuse at all.

        Returns:
            The status, string scalar.
        """
        if self._fitted is None:
            return status
        refused = (status == OK) & gate & (film_score < self._fitted.gate.threshold)
        return tf.where(refused, NOT_CHEST_FILM, status)

    def collage(self, film: PreparedFilm, gate: tf.Tensor | bool) -> tf.Tensor:
        """Say why a picture that holds several films is refused.

        Args:
            film: the prepared film.
            gate: bool scalar, whether to refuse at all.

        Returns:
            string scalar, '' for a single film.
        """
        if self._fitted is None:
            return tf.constant("")
        way = tf.cond(
            (film.status == OK) & gate,
            lambda: self._collage_way(film.large),
            lambda: tf.constant(-1),
        )
        reasons = tf.constant([*(COLLAGE.format(each) for each in WAYS), ""])
        return reasons[tf.where(way >= 0, way, len(WAYS))]

    def _way(self, large: tf.Tensor) -> tf.Tensor:
        return collage_way(large, self._options.enhance, self._is_chest, self._segmenter.size)

    def _passes(self, small: tf.Tensor) -> tf.Tensor:
        """Tell whether a part of a picture is a chest film."""
        assert self._fitted is not None
        fitted = self._fitted.gate
        _, labels, features = self._segmenter.look(small)
        return (score(fitted, features) >= fitted.threshold) & has_lungs(labels)

    def warning(self, status: tf.Tensor, small: tf.Tensor, mask_quality: tf.Tensor) -> tf.Tensor:
        """Say what to know beside the answer, or why a film was refused; '' for nothing.

        Args:
            status: string scalar, after the gate.
            small: float32 [S, S] in 0..255, the prepared film.
            mask_quality: float32 scalar.
        """
        if self._fitted is None:
            return tf.constant("")
        gate, mask = self._fitted.gate, self._fitted.mask
        doubtful = (status == OK) & (mask_quality < mask.threshold)

        def refused() -> tf.Tensor:
            films = put_right(small, self._options.enhance)
            scores = tf.map_fn(
                lambda film: score(gate, self._segmenter.look(film).features),
                films,
                parallel_iterations=1,
            )
            return reason(scores, gate.threshold)

        return tf.cond(
            status == NOT_CHEST_FILM, refused, lambda: tf.where(doubtful, DOUBTFUL_MASK, "")
        )

    def sureness(self, status: tf.Tensor, probabilities: tf.Tensor, chosen: tf.Tensor) -> Tensors:
        """Calibrate the probabilities, list the classes that are possible, and say to abstain.

        Args:
            status: string scalar, after the gate.
            probabilities: float32 [C], the mean softmax.
            chosen: int32 scalar, the class that won.

        Returns:
            `calibrated_probabilities`, `conformal_set`, `abstain`.
        """
        if self._fitted is None:
            classes = tf.ones([len(self._options.classes)], tf.int32)
            calibrated, abstain = probabilities, tf.constant(False)
        else:
            calibrated = calibrate(probabilities, self._fitted.temperature)
            classes = conformal_set(calibrated, self._fitted.conformal)
            abstain = unsure(classes, tf.maximum(chosen, 0))
        return {
            "calibrated_probabilities": tf.where(status == OK, calibrated, 0.0),
            "conformal_set": tf.where(status == OK, classes, 0),
            "abstain": (status == OK) & abstain,
        }
