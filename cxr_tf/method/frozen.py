"""Networks as functions whose weights are constants."""

from collections.abc import Callable

import tensorflow as tf

from cxr_tf.runtime.tf_private import freeze


def frozen(
    function: Callable[[tf.Tensor], tf.Tensor], spec: tf.TensorSpec
) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Trace a function of a network and turn its variables into constants.

    oneDNN packs constant filters once; variables are packed again at every call.

    Args:
        function: of one tensor.
        spec: shape and type of the tensor.

    Returns:
        The frozen function; it gives a list of tensors.
    """
    concrete = tf.function(function, autograph=False).get_concrete_function(spec)
    constant = freeze(concrete, lower_control_flow=False)
    return lambda x: constant(x)
