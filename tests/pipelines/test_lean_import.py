"""TensorFlow imported without what it can do without, in processes of their own."""

import subprocess
import sys

import pytest

WITHOUT_KERAS = """
import sys
from pipelines.lean_import import left_out

with left_out("keras"):
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

WITHOUT_ITS_EXTRAS = """
import sys
from pipelines.lean_import import KERAS_EXTRAS
from pipelines.native_logs import start_tensorflow

start_tensorflow()
assert "keras" in sys.modules
assert not set(KERAS_EXTRAS) & set(sys.modules)
import keras
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
import matplotlib.pyplot
import numpy as np
import pandas
model.fit(np.ones((4, 2)), pandas.Series([1.0] * 4), verbose=0)
print("done")
"""


@pytest.mark.parametrize("script", [WITHOUT_KERAS, WITHOUT_ITS_EXTRAS], ids=["keras", "its extras"])
def test_a_package_is_imported_when_it_is_asked_for(script):
    command = [sys.executable, "-c", script]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert output == "done\n"
