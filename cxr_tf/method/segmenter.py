"""Heart and lungs of a prepared film, and what its masks look like in numbers."""

from typing import NamedTuple

import keras
import tensorflow as tf

from cxr_tf.method.frozen import frozen
from cxr_tf.method.preparation import PreparedFilm
from cxr_tf.method.reliability.feature_names import FEATURES
from cxr_tf.method.reliability.features import mask_features
from cxr_tf.method.traced import traced_once
from cxr_tf.models.split_channels import in_pieces
from pipelines.components import clean_labels
from pipelines.sizes import SEGMENTATION_SIZE
from pipelines.status import OK

MASK_SHAPE = [SEGMENTATION_SIZE, SEGMENTATION_SIZE]


class SegmentedFilm(NamedTuple):
    """What the segmentation found on a film.

    Attributes:
        probabilities: float32 [256, 256, 4]: background, heart, left lung, right lung.
        labels: uint8 [256, 256], the likeliest of them.
        features: float32 [F], `FEATURES` of film and masks.
    """

    probabilities: tf.Tensor
    labels: tf.Tensor
    features: tf.Tensor


def label_map(probabilities: tf.Tensor, clean: bool) -> tf.Tensor:
    """Take the likeliest label of each pixel.

    Args:
        probabilities: float32 [256, 256, 4].
        clean: leave of each part the largest region, and fill its holes.

    Returns:
        uint8 [256, 256].
    """
    labels = tf.cast(tf.argmax(probabilities, -1), tf.uint8)
    return clean_labels(labels) if clean else labels


class Segmenter:
    """The segmentation network at work."""

    def __init__(self, network: keras.Model, clean_masks: bool):
        """Freeze the network.

        Args:
            network: from films in 0..1, of the size it was trained at, to logits.
            clean_masks: leave of each part the largest region, and fill its holes.
        """
        #: Side of the film that the network sees; its probabilities are enlarged to the mask.
        self.size: int = network.input_shape[1]
        self._clean = clean_masks
        logits = in_pieces(network)
        self._network = frozen(
            lambda x: tf.nn.softmax(tf.cast(logits(x / 255.0), tf.float32)),
            tf.TensorSpec([1, self.size, self.size, 1], tf.float32, "film"),
        )
        self._look = traced_once(self._segmented, tf.TensorSpec([self.size] * 2))

    def look(self, small: tf.Tensor) -> SegmentedFilm:
        """Segment one film.

        Args:
            small: float32 [S, S] in 0..255.
        """
        return SegmentedFilm(*self._look(small))

    def _segmented(self, small: tf.Tensor) -> SegmentedFilm:
        probabilities = self._network(small[None, :, :, None])[0]
        probabilities = tf.image.resize(probabilities, MASK_SHAPE)[0]
        labels = label_map(probabilities, self._clean)
        return SegmentedFilm(probabilities, labels, mask_features(probabilities, labels, small))

    def look_if_ok(self, film: PreparedFilm) -> SegmentedFilm:
        """Segment a film that could be prepared; of another one everything is zero.

        Args:
            film: the prepared film.
        """
        nothing = SegmentedFilm(
            tf.zeros([*MASK_SHAPE, 4]), tf.zeros(MASK_SHAPE, tf.uint8), tf.zeros([len(FEATURES)])
        )
        found = tf.cond(film.status == OK, lambda: self.look(film.small), lambda: nothing)
        return SegmentedFilm(*found)
