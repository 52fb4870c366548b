"""The vote of a film's patches: they are cut, classified, counted, and shown where asked."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from cxr_tf.method.classifier import Classifier
from cxr_tf.method.maps import Maps
from cxr_tf.method.outcome import by_rule, outcome
from cxr_tf.method.question import Question
from cxr_tf.method.rules import lead
from cxr_tf.method.segmenter import MASK_SHAPE
from cxr_tf.method.triage_options import TriageOptions
from cxr_tf.method.voting import count_votes, mean_probabilities, patches_needed_more
from pipelines.lung_square import reduce_view
from pipelines.masks import lungs_at_full_size, select_content
from pipelines.patches import cut_patches, draw_centres, grid_centres
from pipelines.sizes import CLASSIFICATION_SIZE, LEAST_STRIDE, MOST_PATCHES, PATCHES

Tensors = dict[str, tf.Tensor]
#: Patches a call of the classifier. Measured: 10 to 25 beat 100 at once.
SUB_BATCH = 20
#: Calls of a vote that ends where it is settled are multiples of this: it sees at most one less
#: than this number of patches too many. Measured: less time than 5 or 1.
EARLY_STEP = 2
#: Patches a call of a vote that ends where it is likely settled.
FAST_STEP = 5


class Patches(NamedTuple):
    """The patches of one film.

    Attributes:
        centres: int32 [most, 2], row and column in pixels of the film.
        count: int32 scalar, how many of them vote.
        cut: from some centres, int32 [n, 2], to their patches, float32 [n, S, S] in 0..255.
        square: int32 [3], the part of the film that is looked at as a whole, see `lung_square`;
            None for patches, or all of it.
    """

    centres: tf.Tensor
    count: tf.Tensor
    cut: Callable[[tf.Tensor], tf.Tensor]
    square: tf.Tensor | None = None


class PatchVote:
    """The classifier at work on one film's patches."""

    def __init__(self, network: Classifier, maps: Maps, options: TriageOptions):
        """Take the network.

        Args:
            network: the classifier.
            maps: makes the maps.
            options: how the films are prepared.
        """
        self._network, self._maps, self._options = network, maps, options
        self._local = options.approach != "global"
        self._sub_batch = SUB_BATCH if self._local else 1
        self._most = MOST_PATCHES if self._local else 1
        #: Patches of the signatures; those on a grid are as many as its points on the lungs.
        self.patches = PATCHES if self._local else 1
        #: Most patches that a signature shows.
        self.shown = self._most if self._local and options.stride else self.patches

    def count_of(self, patches: tf.Tensor | int) -> tf.Tensor:
        """Move a number of patches into the range of what is possible.

        Args:
            patches: int32 scalar.
        """
        return tf.clip_by_value(tf.convert_to_tensor(patches), 1, self._most)

    def of_film(self, large: tf.Tensor, labels: tf.Tensor, question: Question) -> Tensors:
        """Let the patches of one film with lungs vote.

        Args:
            large: float32 [L, L] in 0..255, the normalised film.
            labels: uint8 [256, 256], its label map.
            question: what is asked.

        Returns:
            `class_index`, `votes`, `probabilities`, `agreement` with its interval, `margin`,
            `patches_used`, and where asked the maps and the patches.
        """
        lungs = lungs_at_full_size(labels, self._options.film_size)
        patches = self._patches(large, lungs, question)
        if question.enough is not None and self._local:
            return self._up_to_the_end(patches, question.enough)
        return self._all(patches, lungs, question)

    def missing(self, question: Question) -> Tensors:
        """Give what stands in place of a vote where there is none.

        Args:
            question: what is asked.
        """
        classes = len(self._options.classes)
        result = {
            "class_index": tf.constant(-1),
            "votes": tf.zeros([classes], tf.int32),
            "probabilities": tf.zeros([classes]),
            "agreement": tf.zeros([]),
            "patches_used": tf.constant(0),
        }
        result |= {
            name: tf.zeros([], tf.float64) for name in ("margin", "agreement_low", "agreement_high")
        }
        if question.explain:
            count = question.patches
            result["saliency"] = tf.zeros([classes, *MASK_SHAPE])
            if question.unweighted is not None:
                result["saliency_unweighted"] = tf.zeros([classes, *MASK_SHAPE])
            result["centres"] = tf.fill([count, 2], -1)
            result["patch_probabilities"] = tf.zeros([count, classes])
        return result

    def _patches(self, large: tf.Tensor, lung_mask: tf.Tensor, question: Question) -> Patches:
        seen = select_content(large, lung_mask, self._options.content)
        size, count = self._options.patch_size, tf.convert_to_tensor(question.patches)
        if not self._local:
            return self._whole(seen, lung_mask, count)

        def drawn() -> tuple[tf.Tensor, tf.Tensor]:
            return draw_centres(lung_mask, question.seed, self._most), count

        def on_grid() -> tuple[tf.Tensor, tf.Tensor]:
            stride = tf.maximum(question.stride, LEAST_STRIDE) * self._options.film_size
            points = grid_centres(lung_mask, -(-stride // CLASSIFICATION_SIZE))
            found = tf.shape(points)[0]
            return tf.pad(points, [[0, self._most - found], [0, 0]]), found

        if isinstance(question.stride, int):
            centres, count = on_grid() if question.stride else drawn()
        else:
            centres, count = tf.cond(question.stride > 0, on_grid, drawn)
        centres = tf.ensure_shape(centres, [self._most, 2])
        return Patches(centres, count, lambda some: cut_patches(seen, some, size))

    def _whole(self, seen: tf.Tensor, lung_mask: tf.Tensor, count: tf.Tensor) -> Patches:
        """Take the film, or the square around its lungs, for the only patch."""
        options = self._options
        whole, square = reduce_view(seen, lung_mask, options.field_of_view, options.patch_size)
        if square is None:
            middle = tf.fill([1, 2], options.film_size // 2)
        else:
            middle = (square[:2] + square[2] // 2)[None]
        return Patches(middle, count, lambda some: whole[None], square)

    def _all(self, patches: Patches, lungs: tf.Tensor, question: Question) -> Tensors:
        """Let every patch vote."""
        classes, batch = len(self._options.classes), self._sub_batch
        centres, count, cut, square = patches
        calls = (count + batch - 1) // batch
        kept = [tf.TensorArray(tf.float32, calls, element_shape=[batch, classes])]
        if question.explain:
            shape = [batch, *self._maps.shape]
            kept.append(tf.TensorArray(tf.float32, calls, element_shape=shape))

        def look(index: tf.Tensor, *arrays: tf.TensorArray) -> tuple[tf.Tensor, ...]:
            some = tf.ensure_shape(centres[index * batch : (index + 1) * batch], [batch, 2])
            logits, features = self._network.of_patches(cut(some))
            found = [tf.nn.softmax(logits)]
            if question.explain:
                found.append(self._maps.of_patches(features))
            written = [a.write(index, x) for a, x in zip(arrays, found, strict=True)]
            return index + 1, *written

        _, *kept = tf.while_loop(
            lambda index, *_: index < calls, look, (0, *kept), parallel_iterations=1
        )
        probabilities, *maps = [array.concat() for array in kept]
        used = tf.range(calls * batch) < count
        votes = count_votes(probabilities, used)
        result = outcome(votes, mean_probabilities(probabilities, used), count)
        rule, size = self._options.rule, self._options.patch_size
        result = by_rule(rule, result, probabilities[:count], centres[:count], lungs, size)
        if not self._local:  # a single vote is always ahead by one
            exact = tf.cast(result["probabilities"], tf.float64)
            result["margin"] = lead(exact, result["class_index"])
        if question.explain:
            centres = centres[: calls * batch]
            result |= self._shown(maps[0], probabilities, centres, used, square, question)
            result["centres"] = centres[:count] * CLASSIFICATION_SIZE // self._options.film_size
            result["patch_probabilities"] = probabilities[:count]
        return result

    def _shown(
        self,
        maps: tf.Tensor,
        probabilities: tf.Tensor,
        centres: tf.Tensor,
        used: tf.Tensor,
        square: tf.Tensor | None,
        question: Question,
    ) -> Tensors:
        """Saliency of the film, and where asked the one that weighs all patches alike."""
        found = {"saliency": self._maps.of_film(maps, probabilities, centres, used, square)}
        if question.unweighted is not None:
            ones = tf.ones_like(probabilities)
            found["saliency_unweighted"] = tf.cond(
                question.unweighted,
                lambda: self._maps.of_film(maps, ones, centres, used, square),
                lambda: tf.zeros([len(self._options.classes), *MASK_SHAPE]),
            )
        return found

    def _up_to_the_end(self, patches: Patches, enough: tf.Tensor) -> Tensors:
        """Let patches vote up to where the vote is settled (`patches_needed_more`).

        A call takes no more patches than are needed at least, rounded up to `EARLY_STEP`, and no
        more than a sub-batch; where a lead can be `enough`, `FAST_STEP` patches.
        """
        fast = tf.math.is_finite(enough)
        step, most = tf.where(fast, FAST_STEP, EARLY_STEP), tf.where(fast, FAST_STEP, SUB_BATCH)
        classes = len(self._options.classes)
        centres, count, cut, _ = patches

        def needed(votes: tf.Tensor) -> tf.Tensor:
            return patches_needed_more(votes, count, enough)

        def look(votes: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            seen = tf.reduce_sum(votes)
            size = tf.minimum(-(-needed(votes) // step) * step, most)
            logits, _ = self._network.of_patches(cut(centres[seen : seen + size]))
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
        return outcome(votes, total / tf.cast(seen, tf.float32), seen)
