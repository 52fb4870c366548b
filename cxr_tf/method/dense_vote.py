"""The dense vote: every place of a grid on the lungs is a patch, and the network sees all at once.

The trunk runs once over the box of the lungs; a patch is a window of its last feature map. There is
no seed, and the lungs are covered in full, at about a sixth of the arithmetic of 100 patches.
"""

import tensorflow as tf

from cxr_tf.method.maps import Maps
from cxr_tf.method.outcome import by_rule, outcome
from cxr_tf.method.question import Question
from cxr_tf.method.segmenter import MASK_SHAPE
from cxr_tf.method.triage_options import TriageOptions
from cxr_tf.method.voting import count_votes, mean_probabilities
from cxr_tf.method.windows import WindowNetwork
from pipelines.masks import lungs_at_full_size, select_content
from pipelines.sizes import CLASSIFICATION_SIZE

Tensors = dict[str, tf.Tensor]


class DenseVote:
    """The classifier at work on all windows of a film."""

    def __init__(self, network: WindowNetwork, maps: Maps, options: TriageOptions):
        """Take the network, and let it look at black once.

        Args:
            network: the classifier for films.
            maps: makes the maps.
            options: how the films are prepared.
        """
        self._network, self._maps, self._options = network, maps, options
        self._black = network.black().numpy()

    def of_film(self, large: tf.Tensor, labels: tf.Tensor, question: Question) -> Tensors:
        """Let the windows of one film with lungs vote.

        Args:
            large: float32 [S, S] in 0..255, the normalised film.
            labels: uint8 [256, 256], its label map.
            question: what is asked; seed, number of patches and stride do not matter.

        Returns:
            What `PatchVote.of_film` gives.
        """
        side = self._options.film_size
        lung_mask = lungs_at_full_size(labels, side)
        seen = select_content(large, lung_mask, self._options.content)
        found = self._network.look(seen, lung_mask, tf.constant(self._black))
        probabilities = tf.nn.softmax(found.logits)
        probabilities = tf.ensure_shape(probabilities, [None, len(self._options.classes)])
        centres, count = found.centres, tf.shape(found.centres)[0]
        used = tf.ones([count], tf.bool)
        votes = count_votes(probabilities, used)
        result = outcome(votes, mean_probabilities(probabilities, used), count)
        rule, size = self._options.rule, self._options.patch_size
        result = by_rule(rule, result, probabilities, centres, lung_mask, size)
        if question.explain:
            maps = self._maps.of_windows(found.features, found.cells)
            result["saliency"] = self._maps.of_windowed_film(maps, probabilities, centres)
            if question.unweighted is not None:
                result["saliency_unweighted"] = tf.cond(
                    question.unweighted,
                    lambda: self._maps.of_windowed_film(maps, tf.ones_like(probabilities), centres),
                    lambda: tf.zeros([len(self._options.classes), *MASK_SHAPE]),
                )
            result["centres"] = centres * CLASSIFICATION_SIZE // side
            result["patch_probabilities"] = probabilities
        return result
