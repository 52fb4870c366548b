"""What is used of TensorFlow's inside, each with the reason; nothing else imports it from there.

These names can go with any release of TensorFlow, which is why `requirements.txt` pins its line.
"""

from typing import Any

# RewriterConfig: a session's configuration holds one, and no public name tells its values.
# SavedModel: `tf.saved_model.load` alone reads one, as Python functions that copy every weight.
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.eager import context

# Freezing: its public fellow, `tf.compat.v1.graph_util`, takes sessions and no function.
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2 as freeze,
)

__all__ = ["RewriterConfig", "SavedModel", "eager_config", "freeze"]


def eager_config() -> Any:
    """Return devices and threads of TensorFlow's eager mode as a ConfigProto.

    `tf.config` tells them one by one, and not the limits of each device's memory in that form.
    """
    return context.context().config
