"""The whole method as one graph: a film goes in, the vote and its reasons come out.

The module is what `cxr_tf.export` saves and what Python uses directly, so both give the same
answers. Every film runs through calls of fixed shape (one film at a time, sub-batches of patches,
the last one padded): an answer does not depend on what else is in a batch.

Follow a film through `Triage._answer`: it is prepared (`preparation`), segmented (`segmenter`),
passes the gate (`trust`), and its patches vote (`vote`, or all over the lungs `dense_vote`) and
show why (`maps`).
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from cxr_tf.method.classifier import Classifier
from cxr_tf.method.dense_vote import DenseVote
from cxr_tf.method.maps import Maps
from cxr_tf.method.outputs import Giver, given_by
from cxr_tf.method.preparation import Preparation, PreparedFilm
from cxr_tf.method.question import (
    ENOUGH_SPEC,
    FILM_SPECS,
    GATE_SPEC,
    UNWEIGHTED_SPEC,
    VOTE_SPECS,
    Question,
)
from cxr_tf.method.reliability.features import uncertainty_map
from cxr_tf.method.reliability.parameters import Reliability
from cxr_tf.method.segmenter import Segmenter
from cxr_tf.method.triage_options import TriageOptions
from cxr_tf.method.trust import Trust
from cxr_tf.method.vote import PatchVote, Tensors
from cxr_tf.method.vote_options import DENSE
from cxr_tf.method.voting import decision
from pipelines.masks import LEAST_LUNG_FRACTION, lung_fraction
from pipelines.sizes import MOST_WINDOWS
from pipelines.status import NO_LUNG, NOT_CHEST_FILM, OK

#: The signatures of an exported model, with what they take.
SIGNATURE_SPECS: dict[str, tuple[tf.TensorSpec, ...]] = {
    "serving_default": (tf.TensorSpec([None], tf.string, "image_bytes"),),
    "predict_pixels": (
        tf.TensorSpec([None, None, None], tf.uint16, "pixels"),
        tf.TensorSpec([None], tf.int32, "padding"),
        tf.TensorSpec([None], tf.int64, "seed"),
        tf.TensorSpec([None], tf.int32, "patches"),
    ),
    "segment": (tf.TensorSpec([None], tf.string, "image_bytes"),),
    "explain": (tf.TensorSpec([None], tf.string, "image_bytes"),),
}
#: What the functions for one decoded film take.
FUNCTION_SPECS: dict[str, tuple[tf.TensorSpec, ...]] = {
    "predict_film": (*FILM_SPECS, *VOTE_SPECS),
    "decide_film": (*FILM_SPECS, *VOTE_SPECS, ENOUGH_SPEC),
    "explain_film": (*FILM_SPECS, *VOTE_SPECS, UNWEIGHTED_SPEC),
    "segment_film": FILM_SPECS,
}
#: Further ones of a network that learnt to vote densely.
DENSE_SPECS: dict[str, tuple[tf.TensorSpec, ...]] = {
    "predict_film_densely": (*FILM_SPECS, GATE_SPEC),
    "explain_film_densely": (*FILM_SPECS, GATE_SPEC, UNWEIGHTED_SPEC),
}


class Triage(tf.Module):
    """From film to decision. See the class attributes of `TriageOptions` for the choices."""

    def __init__(
        self,
        segmentation: keras.Model,
        classification: keras.Model | None,
        options: TriageOptions,
        reliability: Reliability | None = None,
    ):
        """Freeze the networks and set up the entry points.

        Args:
            segmentation: network from films in 0..1, of the size it was trained at, to logits.
            classification: network from scaled patches to logits and features; None leaves only
                segmentation.
            options: how the films are prepared.
            reliability: what was fitted of this model; without it no film is refused, no class
                is ruled out, and the scores are `UNKNOWN`.
        """
        super().__init__(name="triage")
        self._options = options
        self._segmenter = Segmenter(segmentation, options.clean_masks)
        self._preparation = Preparation(self._segmenter.size, options)
        self._trust = Trust(reliability, self._segmenter, options)
        if classification is not None:
            network = Classifier(classification, options)
            maps = Maps(options, network.head, network.side)
            self._vote = PatchVote(network, maps, options)
            #: Patches of the signatures, and the most that they show.
            self.patches, self.shown = self._vote.patches, self._vote.shown
            #: Whether the network learnt to vote densely too.
            self.has_dense = network.windows is not None
            if network.windows is not None:
                self._dense = DenseVote(network.windows, maps, options)
                self.shown = MOST_WINDOWS if options.vote == DENSE else self.shown

    def _answer(self, film: PreparedFilm, question: Question) -> Tensors:
        """Answer for one prepared film."""
        _, labels, features = self._segmenter.look_if_ok(film)
        fraction = lung_fraction(labels)
        scores = self._trust.scores(film.status, features)
        without = (film.status == OK) & (fraction < LEAST_LUNG_FRACTION)
        status = tf.where(without, NO_LUNG, film.status)
        several = self._trust.collage(film, question.gate)
        status = tf.where(several == "", status, NOT_CHEST_FILM)
        status = self._trust.gated(status, scores["film_score"], question.gate)
        answered = status == OK
        # Ahead of the branches: within one a known number would be a constant, by whose reciprocal
        # the optimiser multiplies; signatures and Python would differ in the last bit.
        patches = tf.constant(0) if question.dense else self._vote.count_of(question.patches)
        question = question._replace(patches=patches)
        way = self._dense if question.dense else self._vote
        result: Tensors = tf.cond(
            answered,
            lambda: way.of_film(film.large, labels, question),
            lambda: self._vote.missing(question),
        )
        names = tf.constant([*self._options.classes, ""])
        chosen = tf.where(answered, result["class_index"], len(self._options.classes))
        result |= {
            "status": status,
            "label": names[chosen],
            "lung_fraction": tf.where(answered, fraction, 0.0),
            "model_version": tf.constant(self._options.version),
            "film_score": scores["film_score"],
            "mask_quality": tf.where(answered, scores["mask_quality"], 0.0),
        }
        why = tf.where(several == "", film.reason, several)
        result["warning"] = tf.cond(
            why == "",
            lambda: self._trust.warning(status, film.small, scores["mask_quality"]),
            lambda: why,
        )
        result["decision"] = decision(result["label"], result["margin"], self._options.refer_below)
        result |= self._trust.sureness(status, result["probabilities"], result["class_index"])
        if question.explain:
            result["mask"] = tf.where(answered, labels, tf.zeros_like(labels))
        return result

    def _masks(self, film: PreparedFilm) -> Tensors:
        """Masks of one prepared film."""
        probabilities, labels, features = self._segmenter.look_if_ok(film)
        unsure = tf.clip_by_value(uncertainty_map(probabilities), 0.0, 1.0)
        found = {
            "mask": labels,
            "probabilities": probabilities,
            "uncertainty": tf.where(film.status == OK, unsure, 0.0),
            "status": film.status,
        }
        return found | self._trust.scores(film.status, features) | {"features": features}

    # The signatures: batches of films.

    def _own(self, question: Question) -> Question:
        """Put a question in the way that the model was exported with."""
        return question._replace(stride=self._options.stride, dense=self._options.vote == DENSE)

    def serving_default(self, image_bytes: tf.Tensor) -> Tensors:
        """Decide on PNG or JPEG files.

        Args:
            image_bytes: string [B].

        Returns:
            Every output that `cxr_tf.method.outputs` gives to `decide`, with a leading [B].
        """
        question = self._own(Question(patches=self.patches))
        return self._each(
            lambda image: self._answer(self._preparation.of_bytes(image), question),
            image_bytes,
            "decide",
        )

    def predict_pixels(
        self, pixels: tf.Tensor, padding: tf.Tensor, seed: tf.Tensor, patches: tf.Tensor
    ) -> Tensors:
        """Decide on decoded films of one size.

        Args:
            pixels: uint16 [B, H, W], bright where dense; see `pipelines.full_range`.
            padding: int32 [B], grey level to leave out; -1 for none.
            seed: int64 [B], seed of the centres.
            patches: int32 [B], 1 to 400; what lies outside is moved to the nearest bound. Neither
                matters to a model that was exported with a grid, or to vote densely.

        Returns:
            As `serving_default`.
        """

        def one(film: tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]) -> Tensors:
            pixels, padding, seed, patches = film
            question = self._own(Question(seed, patches))
            return self._answer(self._preparation.of_pixels(pixels, padding), question)

        return self._each(one, (pixels, padding, seed, patches), "decide")

    def explain(self, image_bytes: tf.Tensor) -> Tensors:
        """Decide on PNG or JPEG files and show why.

        Args:
            image_bytes: string [B].

        Returns:
            Every output that `cxr_tf.method.outputs` gives to `explain`, with a leading [B].
        """
        question = self._own(Question(patches=self.patches, explain=True))
        return self._each(
            lambda image: self._answer(self._preparation.of_bytes(image), question),
            image_bytes,
            "explain",
        )

    def segment(self, image_bytes: tf.Tensor) -> Tensors:
        """Segment heart and lungs of PNG or JPEG files.

        Args:
            image_bytes: string [B].

        Returns:
            Every output that `cxr_tf.method.outputs` gives to `segment`, with a leading [B]; zero
            where `status` is not `ok`.
        """
        return self._each(
            lambda image: self._masks(self._preparation.of_bytes(image)), image_bytes, "segment"
        )

    def _each(self, one: Callable[[Any], Tensors], films: Any, entry: Giver) -> Tensors:
        """Ask about films one after another, for the outputs that an entry point gives."""
        classes = len(self._options.classes)
        patches = self.shown if entry != "segment" else 0
        specs = {
            output.name: tf.TensorSpec(output.lengths(classes, patches), output.dtype)
            for output in given_by(entry)
        }

        def chosen(film: Any) -> Tensors:
            found = one(film)
            if entry == "explain" and (self._options.stride or self._options.vote == DENSE):
                found |= {
                    name: _filled(found[name], self.shown, missing) for name, missing in _OF_PATCHES
                }
            return {name: found[name] for name in specs}

        return tf.map_fn(chosen, films, fn_output_signature=specs, parallel_iterations=1)

    # One decoded film, for Python.

    def predict_film(
        self,
        pixels: tf.Tensor,
        padding: tf.Tensor,
        seed: tf.Tensor,
        patches: tf.Tensor,
        stride: tf.Tensor,
        gate: tf.Tensor,
    ) -> Tensors:
        """Decide on one decoded film; see `predict_pixels`.

        With a `stride`, int32, above 0 the centres are the points of a grid on the lungs (at least
        `LEAST_STRIDE` pixels apart), and `seed` and `patches` do not matter. Without `gate`, bool,
        no film is refused for not looking like a frontal chest.
        """
        film = self._preparation.of_pixels(pixels, padding)
        return self._answer(film, Question(seed, patches, stride, gate))

    def decide_film(
        self,
        pixels: tf.Tensor,
        padding: tf.Tensor,
        seed: tf.Tensor,
        patches: tf.Tensor,
        stride: tf.Tensor,
        gate: tf.Tensor,
        enough: tf.Tensor,
    ) -> Tensors:
        """Decide on one decoded film, and stop where the vote is settled.

        As `predict_film`; votes, mean probabilities and `patches_used` are those up to the stop.
        With `enough`, float32, at infinity the label is the same; else it may differ where the
        leader was ahead by more than that many standard deviations (`patches_needed_more`).
        """
        film = self._preparation.of_pixels(pixels, padding)
        return self._answer(film, Question(seed, patches, stride, gate, enough))

    def explain_film(
        self,
        pixels: tf.Tensor,
        padding: tf.Tensor,
        seed: tf.Tensor,
        patches: tf.Tensor,
        stride: tf.Tensor,
        gate: tf.Tensor,
        unweighted: tf.Tensor,
    ) -> Tensors:
        """Decide on one decoded film and show why; see `explain` and `predict_film`.

        With `unweighted`, bool, `saliency_unweighted` is the map without the probability of each
        patch; else zeros.
        """
        film = self._preparation.of_pixels(pixels, padding)
        question = Question(seed, patches, stride, gate, explain=True, unweighted=unweighted)
        return self._answer(film, question)

    def predict_film_densely(
        self, pixels: tf.Tensor, padding: tf.Tensor, gate: tf.Tensor
    ) -> Tensors:
        """Decide on one decoded film by the dense vote; see `predict_film`."""
        film = self._preparation.of_pixels(pixels, padding)
        return self._answer(film, Question(gate=gate, dense=True))

    def explain_film_densely(
        self, pixels: tf.Tensor, padding: tf.Tensor, gate: tf.Tensor, unweighted: tf.Tensor
    ) -> Tensors:
        """Decide on one decoded film by the dense vote and show why; see `explain_film`."""
        film = self._preparation.of_pixels(pixels, padding)
        question = Question(gate=gate, explain=True, unweighted=unweighted, dense=True)
        return self._answer(film, question)

    def segment_film(self, pixels: tf.Tensor, padding: tf.Tensor) -> Tensors:
        """Segment one decoded film; see `segment`. `features`, float32 [F], are `FEATURES`."""
        return self._masks(self._preparation.of_pixels(pixels, padding))


def entry_points(module: Triage) -> dict[str, Any]:
    """Give the functions of a module with the shapes that they take.

    Args:
        module: the inference module.

    Returns:
        `tf.function`s by name: the signatures, and those for one decoded film in Python; a module
        that only segments has the ones for segmentation alone.
    """
    specs = SIGNATURE_SPECS | FUNCTION_SPECS
    if not hasattr(module, "patches"):
        specs = {name: spec for name, spec in specs.items() if name.startswith("segment")}
    elif module.has_dense:
        specs |= DENSE_SPECS
    return {
        name: tf.function(getattr(module, name), input_signature=spec, autograph=False)
        for name, spec in specs.items()
    }


#: Outputs with a row a patch, and what stands in the rows behind the last one of a film.
_OF_PATCHES = (("centres", -1), ("patch_probabilities", 0))


def _filled(rows: tf.Tensor, length: int, missing: int) -> tf.Tensor:
    """Add rows up to a length, so that films with fewer patches fit into one batch."""
    behind = length - tf.shape(rows)[0]
    return tf.pad(rows, [[0, behind], [0, 0]], constant_values=tf.cast(missing, rows.dtype))
