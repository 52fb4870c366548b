"""Why a film may have been refused: it is a chest film, but turned or inverted."""

import tensorflow as tf

#: What a film was, if it passes once put right in the way of `put_right`, in that order.
REASONS = ("upside down?", "lying on its side?", "lying on its side?", "grey scale inverted?")
#: It passes in no way.
NO_CHEST = "no frontal chest?"
#: The mask's quality is below its threshold.
DOUBTFUL_MASK = "the mask of the lungs is doubtful"


def put_right(film: tf.Tensor, enhance: bool) -> tf.Tensor:
    """Turn a normalised film by 180, 90 and 270 degrees, and invert it.

    Args:
        film: float32 [S, S] in 0..255.
        enhance: it was equalised and its gamma corrected: inverted before both, as a film
            is, 255 (e/255)^0.5 becomes 255 (1 - e/255)^0.5.

    Returns:
        float32 [4, S, S] in 0..255, in the order of `REASONS`.
    """
    turned = [tf.image.rot90(film[:, :, None], k)[:, :, 0] for k in (2, 1, 3)]
    scaled = film / 255.0
    inverted = tf.sqrt(tf.maximum(1.0 - scaled * scaled, 0.0)) if enhance else 1.0 - scaled
    return tf.stack([*turned, 255.0 * inverted])


def reason(scores: tf.Tensor, threshold: tf.Tensor | float) -> tf.Tensor:
    """Put into words what a refused film may be.

    Args:
        scores: float32 [4], of the film put right in each way.
        threshold: below it a film is refused.

    Returns:
        string scalar.
    """
    best = tf.argmax(scores, output_type=tf.int32)
    words = tf.constant([*REASONS, NO_CHEST])
    return words[tf.where(scores[best] >= threshold, best, len(REASONS))]
