"""Checks that many tests share: one operation, run in all the ways it is used."""

import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.as_written import as_written


def _arrays(nest: Any) -> list[np.ndarray]:
    return [np.asarray(x) for x in tf.nest.flatten(nest)]


def check_op(function: Callable[..., Any], *inputs: Any, atol: float = 0.0) -> Any:
    """Run an operation eagerly, as a graph, inside tf.data, and exported and loaded again.

    Args:
        function: of tensors, giving a nest of tensors.
        inputs: its arguments.
        atol: largest difference allowed between the four ways.

    Returns:
        The eager result.
    """
    tensors = [tf.convert_to_tensor(x) for x in inputs]
    eager = function(*tensors)
    graph = tf.function(function, autograph=False)(*tensors)
    dataset = tf.data.Dataset.from_tensors(tuple(tensors)).map(as_written(function))
    piped = dataset.get_single_element()
    module = tf.Module()
    module.call = tf.function(
        lambda *x: {str(i): y for i, y in enumerate(tf.nest.flatten(function(*x)))},
        input_signature=[tf.TensorSpec([None] * x.shape.rank, x.dtype) for x in tensors],
        autograph=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder)
        loaded = tf.saved_model.load(folder).call(*tensors)
    exported = [loaded[str(index)] for index in range(len(loaded))]
    expected = _arrays(eager)
    for way, result in {"graph": graph, "tf.data": piped, "exported": exported}.items():
        found = _arrays(result)
        assert len(found) == len(expected), way
        for left, right in zip(expected, found, strict=True):
            assert left.dtype == right.dtype and left.shape == right.shape, way
            if left.dtype.kind in "fiub":
                np.testing.assert_allclose(left, right, rtol=0, atol=atol, err_msg=way)
            else:
                np.testing.assert_array_equal(left, right, err_msg=way)
    return eager
