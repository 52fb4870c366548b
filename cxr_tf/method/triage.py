"""The whole method as one graph: a film goes in, the vote and its reasons come out.

The module is what `cxr_tf.export` saves and what Python uses directly, so both give the same
answers. Every film runs through calls of fixed shape (one film at 256 x 256, sub-batches of
patches, the last one padded): an answer does not depend on what else is in a batch.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

from cxr_tf.method.reliability.calibration import calibrate, conformal_set, unsure
from cxr_tf.method.reliability.features import FEATURES, mask_features
from cxr_tf.method.reliability.parameters import Reliability
from cxr_tf.method.reliability.refusal import DOUBTFUL_MASK, put_right, reason
from cxr_tf.method.saliency import (
    global_grad_cam,
    grad_cam,
    gradient_weights,
    normalised,
    probabilistic_grad_cam,
    reduce_by_area,
)
from cxr_tf.method.voting import count_votes, decide, mean_probabilities, patches_needed_more
from cxr_tf.models.grey_patches import grey_network
from cxr_tf.models.resnet import LOGITS
from cxr_tf.models.split_channels import in_pieces
from pipelines.components import clean_labels
from pipelines.decode import MAX_PIXELS, decode_film, guard, header_status
from pipelines.masks import (
    LEAST_LUNG_FRACTION,
    lung_fraction,
    lungs_at_full_size,
    select_content,
)
from pipelines.normalise import (
    NO_PADDING,
    normalise,
    resize,
)
from pipelines.patches import (
    cut_patches,
    draw_centres,
    grid_centres,
)
from pipelines.sizes import (
    CLASSIFICATION_SIZE,
    LEAST_STRIDE,
    MOST_PATCHES,
    PATCHES,
    SEGMENTATION_SIZE,
)
from pipelines.status import CONSTANT, NO_LUNG, NOT_CHEST_FILM, OK, TOO_LARGE, UNREADABLE

Tensors = dict[str, tf.Tensor]
SERVING_SEED = 0
#: Patches a call of the classifier. Measured: 10 to 25 beat 100 at once.
SUB_BATCH = 20
#: Calls of a vote that ends where it is settled are multiples of this: it sees at most one less
#: than this number of patches too many. Measured: less time than 5 or 1.
EARLY_STEP = 2
#: Patches a call of a vote that ends where it is likely settled.
FAST_STEP = 5
#: Film score and mask quality of a model that was exported without `--reliability`.
UNKNOWN = -1.0
_MASK = [SEGMENTATION_SIZE, SEGMENTATION_SIZE]
_LARGE = [CLASSIFICATION_SIZE, CLASSIFICATION_SIZE]


@dataclasses.dataclass(frozen=True)
class TriageOptions:
    """How films were prepared for training; inference must do the same.

    Attributes:
        classes: names in order.
        approach: `local` (patches) or `global` (the film at patch size).
        patch_size: side of a patch in pixels.
        content: what of the film the classifier sees.
        scaling: range of the classifier's input.
        resolution_limit: longest side kept before the resize, 0 for none.
        enhance: equalise and correct gamma.
        clean_masks: leave of each part the largest region, and fill its holes.
        version: names weights and options.
    """

    classes: tuple[str, ...]
    approach: str = "local"
    patch_size: int = 224
    content: str = "lungs"
    scaling: str = "imagenet"
    resolution_limit: int = 0
    enhance: bool = True
    clean_masks: bool = False
    version: str = ""


def frozen(
    function: Callable[[tf.Tensor], tf.Tensor], spec: tf.TensorSpec
) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Trace a function of a network and turn its variables into constants.

    oneDNN packs constant filters once; variables are packed again at every call.

    Args:
        function: of one tensor.
        spec: its fixed shape.

    Returns:
        The frozen function; it gives a list of tensors.
    """
    concrete = tf.function(function).get_concrete_function(spec)
    constant = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    return lambda x: constant(x)


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
        self._reliability = reliability
        self._local = options.approach == "local"
        self._sub_batch = SUB_BATCH if self._local else 1
        self._most = MOST_PATCHES if self._local else 1
        self.patches = PATCHES if self._local else 1
        #: Side of the film that the segmentation sees; its probabilities are enlarged to the mask.
        self._small = [segmentation.input_shape[1]] * 2
        logits = in_pieces(segmentation)
        self._segmentation = frozen(
            lambda x: tf.nn.softmax(tf.cast(logits(x / 255.0), tf.float32)),
            tf.TensorSpec([1, *self._small, 1], tf.float32, "film"),
        )
        if classification is None:
            return
        size = options.patch_size
        grey = grey_network(classification, options.scaling)
        self._classification = frozen(
            lambda x: [grey(x)[name] for name in ("logits", "features")],
            tf.TensorSpec([None, size, size], tf.float32, "patches"),
        )
        dense = classification.get_layer(LOGITS)
        self._kernel, self._bias = np.asarray(dense.kernel), np.asarray(dense.bias)

    # Preparing films.

    def _prepare(
        self, pixels: tf.Tensor, padding: tf.Tensor | int
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Status, and the film at both sizes."""
        sizes = (self._small[0], CLASSIFICATION_SIZE)
        limit = self._options.resolution_limit or None
        (small, large), constant = normalise(pixels, padding, sizes, limit, self._options.enhance)
        return tf.where(constant, CONSTANT, OK), small, large

    def _prepare_bytes(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        header = header_status(image)

        def decode(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            return self._prepare(decode_film(image), NO_PADDING)

        status, small, large = guard(decode, image, self._blank(UNREADABLE))
        return tf.where(header == OK, status, header), small, large

    def _prepare_pixels(
        self, pixels: tf.Tensor, padding: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        count = tf.size(pixels, out_type=tf.int64)
        return tf.case(
            [
                (count == 0, lambda: self._blank(UNREADABLE)),
                (count > MAX_PIXELS, lambda: self._blank(TOO_LARGE)),
            ],
            lambda: self._prepare(pixels, padding),
        )

    def _blank(self, status: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return tf.constant(status), tf.zeros(self._small), tf.zeros(_LARGE)

    # One film.

    def _probabilities(self, small: tf.Tensor) -> tf.Tensor:
        probabilities = self._segmentation(small[None, :, :, None])[0]
        return tf.image.resize(probabilities, _MASK)[0]

    def _head(self, features: tf.Tensor) -> tf.Tensor:
        pooled = tf.reduce_mean(features, [1, 2])
        return tf.matmul(pooled, tf.constant(self._kernel)) + tf.constant(self._bias)

    def _patches(
        self,
        large: tf.Tensor,
        lung_mask: tf.Tensor,
        seed: tf.Tensor,
        count: tf.Tensor,
        stride: tf.Tensor | int,
    ) -> tuple[tf.Tensor, tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        """All centres, how many of them count, and a function that cuts the patches of some."""
        seen = select_content(large, lung_mask, self._options.content)
        size = self._options.patch_size
        if not self._local:
            whole = resize(seen, size)[None]
            centres = tf.fill([1, 2], CLASSIFICATION_SIZE // 2)
            return centres, count, lambda some: whole

        def drawn() -> tuple[tf.Tensor, tf.Tensor]:
            return draw_centres(lung_mask, seed, self._most), count

        def on_grid() -> tuple[tf.Tensor, tf.Tensor]:
            points = grid_centres(lung_mask, tf.maximum(stride, LEAST_STRIDE))
            found = tf.shape(points)[0]
            return tf.pad(points, [[0, self._most - found], [0, 0]]), found

        if isinstance(stride, int) and stride == 0:
            centres, count = drawn()
        else:
            centres, count = tf.cond(stride > 0, on_grid, drawn)
        centres = tf.ensure_shape(centres, [self._most, 2])
        return centres, count, lambda some: cut_patches(seen, some, size)

    def _classify(
        self,
        large: tf.Tensor,
        labels: tf.Tensor,
        seed: tf.Tensor,
        count: tf.Tensor,
        stride: tf.Tensor | int,
        explain: bool,
        unweighted: tf.Tensor | None,
    ) -> Tensors:
        """Votes of one film with lungs, and the maps where asked."""
        classes, batch = len(self._options.classes), self._sub_batch
        lung_mask = lungs_at_full_size(labels)
        centres, count, cut = self._patches(large, lung_mask, seed, count, stride)
        calls = (count + batch - 1) // batch
        side = -(-self._options.patch_size // 32)
        kept = [tf.TensorArray(tf.float32, calls, element_shape=[batch, classes])]
        if explain:
            shape = [batch, classes, side, side]
            kept.append(tf.TensorArray(tf.float32, calls, element_shape=shape))

        def look(index: tf.Tensor, *arrays: tf.TensorArray) -> tuple[tf.Tensor, ...]:
            some = tf.ensure_shape(centres[index * batch : (index + 1) * batch], [batch, 2])
            logits, features = self._classification(cut(some))
            found = [tf.nn.softmax(logits)]
            if explain:
                weights = gradient_weights(self._head, features, classes)
                maps = grad_cam(features, weights)
                found.append(normalised(maps, self._options.patch_size))
            written = [a.write(index, x) for a, x in zip(arrays, found, strict=True)]
            return index + 1, *written

        _, *kept = tf.while_loop(
            lambda index, *_: index < calls, look, (0, *kept), parallel_iterations=1
        )
        probabilities, *maps = [array.concat() for array in kept]
        used = tf.range(calls * batch) < count
        votes = count_votes(probabilities, used)
        mean = mean_probabilities(probabilities, used)
        chosen = decide(votes, mean)
        result = {
            "class_index": chosen,
            "votes": votes,
            "probabilities": mean,
            "agreement": tf.cast(votes[chosen], tf.float32) / tf.cast(count, tf.float32),
            "patches_used": count,
        }
        if explain:
            centres = centres[: calls * batch]
            result["saliency"] = self._saliency(maps[0], probabilities, centres, used)
            if unweighted is not None:
                ones = tf.ones_like(probabilities)
                result["saliency_unweighted"] = tf.cond(
                    unweighted,
                    lambda: self._saliency(maps[0], ones, centres, used),
                    lambda: tf.zeros([classes, *_MASK]),
                )
            result["centres"] = centres[:count]
            result["patch_probabilities"] = probabilities[:count]
        return result

    def _decide_early(
        self,
        large: tf.Tensor,
        labels: tf.Tensor,
        seed: tf.Tensor,
        count: tf.Tensor,
        stride: tf.Tensor | int,
        enough: tf.Tensor,
    ) -> Tensors:
        """Votes of one film with lungs, up to where the vote is settled (`patches_needed_more`).

        A call takes no more patches than are needed at least, rounded up to `EARLY_STEP`, and no
        more than a sub-batch; where a lead can be `enough`, `FAST_STEP` patches.
        """
        fast = tf.math.is_finite(enough)
        step, most = tf.where(fast, FAST_STEP, EARLY_STEP), tf.where(fast, FAST_STEP, SUB_BATCH)
        classes = len(self._options.classes)
        lung_mask = lungs_at_full_size(labels)
        centres, count, cut = self._patches(large, lung_mask, seed, count, stride)

        def needed(votes: tf.Tensor) -> tf.Tensor:
            return patches_needed_more(votes, count, enough)

        def look(votes: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            seen = tf.reduce_sum(votes)
            size = tf.minimum(-(-needed(votes) // step) * step, most)
            logits, _ = self._classification(cut(centres[seen : seen + size]))
            probabilities = tf.ensure_shape(tf.nn.softmax(logits), [None, classes])
            used = seen + tf.range(size) < count
            kept = tf.where(used[:, None], probabilities, 0.0)
            return votes + count_votes(probabilities, used), total + tf.reduce_sum(kept, 0)

        votes, total = tf.while_loop(
            lambda votes, total: needed(votes) > 0,
            look,
            (tf.zeros([classes], tf.int32), tf.zeros([classes])),
            parallel_iterations=1,
        )
        seen = tf.reduce_sum(votes)
        mean = total / tf.cast(seen, tf.float32)
        chosen = decide(votes, mean)
        return {
            "class_index": chosen,
            "votes": votes,
            "probabilities": mean,
            "agreement": tf.cast(votes[chosen], tf.float32) / tf.cast(seen, tf.float32),
            "patches_used": seen,
        }

    def _saliency(
        self, maps: tf.Tensor, probabilities: tf.Tensor, centres: tf.Tensor, used: tf.Tensor
    ) -> tf.Tensor:
        if not self._local:
            return global_grad_cam(maps, SEGMENTATION_SIZE)
        large = probabilistic_grad_cam(
            maps, probabilities, centres, used, self._options.patch_size, CLASSIFICATION_SIZE
        )
        return reduce_by_area(large, SEGMENTATION_SIZE)

    def _no_answer(self, count: tf.Tensor, explain: bool, unweighted: tf.Tensor | None) -> Tensors:
        classes = len(self._options.classes)
        result = {
            "class_index": tf.constant(-1),
            "votes": tf.zeros([classes], tf.int32),
            "probabilities": tf.zeros([classes]),
            "agreement": tf.zeros([]),
            "patches_used": tf.constant(0),
        }
        if explain:
            result["saliency"] = tf.zeros([classes, *_MASK])
            if unweighted is not None:
                result["saliency_unweighted"] = tf.zeros([classes, *_MASK])
            result["centres"] = tf.fill([count, 2], -1)
            result["patch_probabilities"] = tf.zeros([count, classes])
        return result

    def _examine(
        self,
        prepared: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        seed: tf.Tensor | int,
        count: tf.Tensor | int,
        explain: bool,
        stride: tf.Tensor | int = 0,
        gate: tf.Tensor | bool = True,
        unweighted: tf.Tensor | None = None,
        enough: tf.Tensor | None = None,
    ) -> Tensors:
        """The answer for one prepared film."""
        status, small, large = prepared
        count = tf.clip_by_value(tf.convert_to_tensor(count), 1, self._most)
        blank = tf.zeros(_MASK, tf.uint8)
        labels, features = tf.cond(
            status == OK,
            lambda: self._look(small)[1:],
            lambda: (blank, tf.zeros([len(FEATURES)])),
        )
        fraction = lung_fraction(labels)
        without = (status == OK) & (fraction < LEAST_LUNG_FRACTION)
        film_score, mask_quality = self._scores(status, features)
        status = tf.where(without, NO_LUNG, status)
        if self._reliability is not None:
            refused = (status == OK) & gate & (film_score < self._reliability.gate.threshold)
            status = tf.where(refused, NOT_CHEST_FILM, status)

        def answer() -> Tensors:
            if enough is not None and self._local:
                return self._decide_early(large, labels, seed, count, stride, enough)
            return self._classify(large, labels, seed, count, stride, explain, unweighted)

        result: Tensors = tf.cond(
            status == OK,
            answer,
            lambda: self._no_answer(count, explain, unweighted),
        )
        names = tf.constant([*self._options.classes, ""])
        index = tf.where(status == OK, result["class_index"], len(self._options.classes))
        result["label"] = names[index]
        result["lung_fraction"] = tf.where(status == OK, fraction, 0.0)
        result["status"] = status
        result["model_version"] = tf.constant(self._options.version)
        result["film_score"] = film_score
        result["mask_quality"] = tf.where(status == OK, mask_quality, 0.0)
        result["warning"] = self._warning(status, small, mask_quality)
        result |= self._sureness(status, result["probabilities"], result["class_index"])
        if explain:
            result["mask"] = tf.where(status == OK, labels, blank)
        return result

    # How far the answer can be trusted.

    def _look(self, small: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Probabilities, label map and features of one film."""
        probabilities = self._probabilities(small)
        labels = self._labels(probabilities)
        return probabilities, labels, mask_features(probabilities, labels, small)

    def _scores(self, status: tf.Tensor, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Of being a chest film, and of its mask; 0 for a film that was not segmented."""
        if self._reliability is None:
            found = [tf.constant(UNKNOWN)] * 2
        else:
            found = [f.score(features) for f in (self._reliability.gate, self._reliability.mask)]
        film_score, mask_quality = (tf.where(status == OK, x, 0.0) for x in found)
        return film_score, mask_quality

    def _warning(self, status: tf.Tensor, small: tf.Tensor, mask_quality: tf.Tensor) -> tf.Tensor:
        """What to know beside the answer, or why a film was refused; '' for nothing."""
        if self._reliability is None:
            return tf.constant("")
        gate, mask = self._reliability.gate, self._reliability.mask
        doubtful = (status == OK) & (mask_quality < mask.threshold)

        def refused() -> tf.Tensor:
            films = put_right(small, self._options.enhance)
            scores = tf.map_fn(
                lambda film: gate.score(self._look(film)[2]), films, parallel_iterations=1
            )
            return reason(scores, gate.threshold)

        return tf.cond(
            status == NOT_CHEST_FILM, refused, lambda: tf.where(doubtful, DOUBTFUL_MASK, "")
        )

    def _sureness(self, status: tf.Tensor, probabilities: tf.Tensor, chosen: tf.Tensor) -> Tensors:
        """Calibrated probabilities, the classes that are possible, and whether to abstain."""
        if self._reliability is None:
            classes = tf.ones([len(self._options.classes)], tf.int32)
            calibrated, abstain = probabilities, tf.constant(False)
        else:
            calibrated = calibrate(probabilities, self._reliability.temperature)
            classes = conformal_set(calibrated, self._reliability.conformal)
            abstain = unsure(classes, tf.maximum(chosen, 0))
        return {
            "calibrated_probabilities": tf.where(status == OK, calibrated, 0.0),
            "conformal_set": tf.where(status == OK, classes, 0),
            "abstain": (status == OK) & abstain,
        }

    def _labels(self, probabilities: tf.Tensor) -> tf.Tensor:
        labels = tf.cast(tf.argmax(probabilities, -1), tf.uint8)
        return clean_labels(labels) if self._options.clean_masks else labels

    # Batches.

    def _specs(self, explain: bool) -> dict[str, tf.TensorSpec]:
        classes = len(self._options.classes)
        specs = {
            "label": tf.TensorSpec([], tf.string),
            "class_index": tf.TensorSpec([], tf.int32),
            "votes": tf.TensorSpec([classes], tf.int32),
            "probabilities": tf.TensorSpec([classes], tf.float32),
            "agreement": tf.TensorSpec([], tf.float32),
            "lung_fraction": tf.TensorSpec([], tf.float32),
            "patches_used": tf.TensorSpec([], tf.int32),
            "status": tf.TensorSpec([], tf.string),
            "model_version": tf.TensorSpec([], tf.string),
            "film_score": tf.TensorSpec([], tf.float32),
            "mask_quality": tf.TensorSpec([], tf.float32),
            "warning": tf.TensorSpec([], tf.string),
            "calibrated_probabilities": tf.TensorSpec([classes], tf.float32),
            "conformal_set": tf.TensorSpec([classes], tf.int32),
            "abstain": tf.TensorSpec([], tf.bool),
        }
        if explain:
            specs["saliency"] = tf.TensorSpec([classes, *_MASK], tf.float32)
            specs["mask"] = tf.TensorSpec(_MASK, tf.uint8)
            specs["centres"] = tf.TensorSpec([self.patches, 2], tf.int32)
            specs["patch_probabilities"] = tf.TensorSpec([self.patches, classes], tf.float32)
        return specs

    def serving_default(self, image_bytes: tf.Tensor) -> Tensors:
        """Decide on PNG or JPEG files.

        Args:
            image_bytes: string [B].

        Returns:
            `label` string [B], `class_index` int32 [B], `votes` int32 [B, C], `probabilities`
            float32 [B, C], `agreement`, `lung_fraction` float32 [B], `patches_used` int32 [B],
            `status`, `model_version` string [B]; `film_score`, `mask_quality` float32 [B] in 0..1
            (`UNKNOWN` for a model without), `warning` string [B], `calibrated_probabilities`
            float32 [B, C], `conformal_set` int32 [B, C], `abstain` bool [B]. Where `status` is not
            `ok`: '', -1, zeros and False, but `film_score` and `warning` of a film that was
            segmented.
        """
        return tf.map_fn(
            lambda image: self._examine(
                self._prepare_bytes(image), SERVING_SEED, self.patches, False
            ),
            image_bytes,
            fn_output_signature=self._specs(False),
            parallel_iterations=1,
        )

    def predict_pixels(
        self, pixels: tf.Tensor, padding: tf.Tensor, seed: tf.Tensor, patches: tf.Tensor
    ) -> Tensors:
        """Decide on decoded films of one size.

        Args:
            pixels: uint16 [B, H, W] over the full range 0..65535, bright where dense.
            padding: int32 [B], grey level to leave out; -1 for none.
            seed: int64 [B], seed of the centres.
            patches: int32 [B], 1 to 400; what lies outside is moved to the nearest bound.

        Returns:
            As `serving_default`.
        """
        return tf.map_fn(
            lambda film: self._examine(
                self._prepare_pixels(film[0], film[1]), film[2], film[3], False
            ),
            (pixels, padding, seed, patches),
            fn_output_signature=self._specs(False),
            parallel_iterations=1,
        )

    def explain(self, image_bytes: tf.Tensor) -> Tensors:
        """Decide on PNG or JPEG files and show why.

        Args:
            image_bytes: string [B].

        Returns:
            As `serving_default`, and `saliency` float32 [B, C, 256, 256] (Eq. 5), `mask` uint8
            [B, 256, 256], `centres` int32 [B, K, 2] (row, column; -1 where there is no answer),
            `patch_probabilities` float32 [B, K, C].
        """
        return tf.map_fn(
            lambda image: self._examine(
                self._prepare_bytes(image), SERVING_SEED, self.patches, True
            ),
            image_bytes,
            fn_output_signature=self._specs(True),
            parallel_iterations=1,
        )

    def segment(self, image_bytes: tf.Tensor) -> Tensors:
        """Segment heart and lungs of PNG or JPEG files.

        Args:
            image_bytes: string [B].

        Returns:
            `mask` uint8 [B, 256, 256], `probabilities` float32 [B, 256, 256, 4], `film_score` and
            `mask_quality` float32 [B], zero where `status`, string [B], is not `ok`.
        """
        specs = {
            "mask": tf.TensorSpec(_MASK, tf.uint8),
            "probabilities": tf.TensorSpec([*_MASK, 4], tf.float32),
            "status": tf.TensorSpec([], tf.string),
            "film_score": tf.TensorSpec([], tf.float32),
            "mask_quality": tf.TensorSpec([], tf.float32),
        }

        def one(image: tf.Tensor) -> Tensors:
            found = self._segmented(self._prepare_bytes(image))
            return {name: found[name] for name in specs}

        return tf.map_fn(
            one,
            image_bytes,
            fn_output_signature=specs,
            parallel_iterations=1,
        )

    def _segmented(self, prepared: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> Tensors:
        status, small, _ = prepared
        nothing = tf.zeros([*_MASK, 4]), tf.zeros(_MASK, tf.uint8), tf.zeros([len(FEATURES)])
        probabilities, mask, features = tf.cond(
            status == OK, lambda: self._look(small), lambda: nothing
        )
        film_score, mask_quality = self._scores(status, features)
        return {
            "mask": mask,
            "probabilities": probabilities,
            "status": status,
            "film_score": film_score,
            "mask_quality": mask_quality,
            "features": features,
        }

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
        prepared = self._prepare_pixels(pixels, padding)
        return self._examine(prepared, seed, patches, False, stride, gate)

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
        prepared = self._prepare_pixels(pixels, padding)
        return self._examine(prepared, seed, patches, False, stride, gate, enough=enough)

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
        prepared = self._prepare_pixels(pixels, padding)
        return self._examine(prepared, seed, patches, True, stride, gate, unweighted=unweighted)

    def segment_film(self, pixels: tf.Tensor, padding: tf.Tensor) -> Tensors:
        """Segment one decoded film; see `segment`. `features`, float32 [F], are `FEATURES`."""
        return self._segmented(self._prepare_pixels(pixels, padding))


_FILM = (
    tf.TensorSpec([None, None], tf.uint16, "pixels"),
    tf.TensorSpec([], tf.int32, "padding"),
)
_VOTE = (
    tf.TensorSpec([], tf.int64, "seed"),
    tf.TensorSpec([], tf.int32, "patches"),
    tf.TensorSpec([], tf.int32, "stride"),
    tf.TensorSpec([], tf.bool, "gate"),
)
#: What the functions for one decoded film take.
FILM_SPECS = {
    "predict_film": _FILM + _VOTE,
    "decide_film": (*_FILM, *_VOTE, tf.TensorSpec([], tf.float32, "enough")),
    "explain_film": (*_FILM, *_VOTE, tf.TensorSpec([], tf.bool, "unweighted")),
    "segment_film": _FILM,
}
