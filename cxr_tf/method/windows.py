"""The network at work on all patches of a film at once: windows of one feature map."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import keras
import tensorflow as tf

from cxr_tf.models.grey_patches import behind_first, first_layers
from cxr_tf.models.names import feature_stride
from cxr_tf.models.resnet import LOGITS
from pipelines.windows import window_centres, window_means, windowed_film

#: Cells of black around the lungs' windows that the network sees; beyond them stands what it makes
#: of black. On 20 films beside a margin of 240 pixels the probabilities of ResNet-18's windows
#: differ by 0.004 on average (by 0.002 with the whole margin of 112; a patch by itself and its
#: window by 0.029), at three quarters of the arithmetic.
MARGIN = 1.5
#: Cells along a black picture in whose middle the network sees nothing else: its field is 435
#: pixels, 13.6 cells, and behind the third stage 211 pixels, 13.2 cells.
_BLACK = 15


class Windows(NamedTuple):
    """What the network makes of the windows of a film.

    Attributes:
        logits: float32 [n, C].
        centres: int32 [n, 2], row and column on the film.
        cells: int32 [n, 2], row and column of each window's first cell on the feature map.
        features: float32 [U, V, k].
        means: float32 [n, k], the features averaged over each window.
    """

    logits: tf.Tensor
    centres: tf.Tensor
    cells: tf.Tensor
    features: tf.Tensor
    means: tf.Tensor


@dataclass(frozen=True)
class WindowNetwork:
    """A classifier that takes whole films, of which its patches are windows.

    Attributes:
        trunk: from float32 [1, H, W] in 0..255 to the last feature map, float32 [1, U, V, k].
        dense: from averaged features, float32 [n, k], to logits, float32 [n, C].
        size: side of a patch in pixels, a multiple of the stride.
        content: what of the film it sees; see `pipelines.masks.select_content`.
        stride: pixels for a cell of the feature map.
    """

    trunk: Callable[[tf.Tensor], tf.Tensor]
    dense: Callable[[tf.Tensor], tf.Tensor]
    size: int
    content: str
    stride: int

    def black(self) -> tf.Tensor:
        """Give what the trunk makes of a black film, float32 [k]."""
        side, middle = _BLACK * self.stride, (_BLACK - 1) // 2
        return self.trunk(tf.zeros([1, side, side]))[0, middle, middle]

    def look(self, seen: tf.Tensor, lung_mask: tf.Tensor, black: tf.Tensor) -> Windows:
        """Classify the patch around every place of the grid that lies on a lung.

        Args:
            seen: float32 [S, S] in 0..255, what the network may see of the film.
            lung_mask: bool [S, S] with at least one true pixel.
            black: of `black`.
        """
        left_out = self._left_out()
        centres = window_centres(lung_mask, self.stride)
        film = windowed_film(seen, centres, self.size, self.stride, left_out)
        features = self.trunk(film.box[None])[0]
        margin = [[left_out, left_out], [left_out, left_out], [0, 0]]
        inside = tf.pad(tf.ones_like(features[..., :1], tf.bool), margin)
        features = tf.where(inside, tf.pad(features, margin), black)
        means = window_means(features, film.cells, self.size // self.stride)
        return Windows(self.dense(means), centres, film.cells, features, means)

    def _left_out(self) -> int:
        """Rings of cells that are left out: where the film is black beyond `MARGIN`."""
        if self.content in ("whole", "outside"):
            return 0
        return int(max(0.0, self.size / 2 / self.stride - MARGIN))


def window_network(
    network: keras.Model, *, scaling: str, patch_size: int, content: str
) -> WindowNetwork:
    """Let a network that is still learning look at films, with the weights that it has then.

    Args:
        network: of `build_classifier`, from [B, H, W, 3] of any size to logits and features.
        scaling: of its input; see `pipelines.patches.network_input`.
        patch_size: side of a patch in pixels.
        content: what of the film it sees.
    """
    first, rest = first_layers(network, scaling, None), behind_first(network)
    return WindowNetwork(
        lambda boxes: rest(first(boxes))["features"],
        network.get_layer(LOGITS),
        patch_size,
        content,
        feature_stride(network.name),
    )
