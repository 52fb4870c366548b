"""TensorFlow imported without Keras, in a process of its own."""

import subprocess
import sys

SCRIPT = """
import sys
from pipelines.lean_import import keras_left_out

with keras_left_out():
    import tensorflow as tf
assert not [x for x in sys.meta_path if "lean_import" in type(x).__module__]
assert "keras" not in sys.modules, "before"
from cxr_tf.saved import load
from pipelines import films
assert "keras" not in sys.modules, "what asks a model"
dense = tf.keras.layers.Dense(3)
import keras
assert isinstance(dense, keras.layers.Dense)
assert dense(tf.ones([2, 4])).shape == (2, 3)
print("done")
"""


def test_keras_is_imported_when_it_is_asked_for():
    command = [sys.executable, "-c", SCRIPT]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert output == "done\n"
