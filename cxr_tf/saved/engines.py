"""Networks in the form of other engines, ONNX Runtime and OpenVINO, by Keras' own exporters."""

import contextlib
import ctypes
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.extras import EXTRAS, missing

Engine = Literal["onnx", "openvino"]
Floats = npt.NDArray[np.float32]
#: From a network's input to its logits.
Run = Callable[[Floats], Floats]
LOGITS = "logits"
#: What the file of a network ends in.
SUFFIX: dict[Engine, str] = {"onnx": ".onnx", "openvino": ".xml"}


def check_engines(engines: Sequence[Engine]) -> None:
    """Refuse engines whose packages are not installed.

    Args:
        engines: which are asked for; each is also the extra that it needs.

    Raises:
        UsageError: packages are missing.
    """
    for engine in engines:
        if gone := missing(EXTRAS[engine].needs):
            raise UsageError(
                f"--also {engine} needs {', '.join(gone)}: pip install 'cxr-tf[{engine}]'"
            )


def write_network(network: Any, engine: Engine, path: Path, shape: tuple[int, ...]) -> None:
    """Write a network, for any number of inputs at a time.

    Args:
        network: a Keras model of one input, whose output is the logits or has them by name.
        engine: what shall run it.
        path: the file; OpenVINO's weights come beside it as .bin.
        shape: of one input.
    """
    import keras
    import tensorflow as tf

    outputs = network.output if isinstance(network.output, dict) else {LOGITS: network.output}
    model = keras.Model(network.inputs[0], outputs)
    spec = tf.TensorSpec([None, *shape], tf.float32, network.inputs[0].name)
    if engine == "openvino":
        import_openvino()
    with warnings.catch_warnings():  # the converters' own, on NumPy and protobuf
        warnings.simplefilter("ignore")
        model.export(str(path), format=engine, verbose=False, input_signature=[spec])


def open_network(engine: Engine, path: Path, precision: Literal["f32", "bf16"] = "f32") -> Run:
    """Open a network that was written.

    Args:
        engine: what runs it, on the processor.
        path: the file.
        precision: what OpenVINO computes in. ONNX Runtime computes in what the file says.
    """
    if engine == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda x: cast(Floats, session.run([LOGITS], {name: x})[0])
    core = import_openvino().Core()
    # By itself OpenVINO computes in bfloat16 where the processor can.
    with _signal_stack_kept():
        compiled = core.compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": precision})
    return lambda x: cast(Floats, compiled(x)[compiled.output(LOGITS)])


class _SignalStack(ctypes.Structure):
    """Linux' `stack_t`."""

    _fields_ = (
        ("start", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("size", ctypes.c_size_t),
    )


@contextlib.contextmanager
def _signal_stack_kept() -> Iterator[None]:
    """Give the thread the stack back that it takes signals on.

    OpenVINO puts one of its own there that is too small for Python's handlers: after it, Ctrl-C
    and SIGTERM ended the process by a segmentation fault.
    """
    if sys.platform != "linux":
        yield
        return
    change, before = ctypes.CDLL(None).sigaltstack, _SignalStack()
    change(None, ctypes.byref(before))
    try:
        yield
    finally:
        change(ctypes.byref(before), None)


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would report imports and conversions.

    Returns:
        The package `openvino`.
    """
    modules = cast(dict[str, object], sys.modules)
    modules["openvino_telemetry"] = None  # importing it now fails, and OpenVINO does without
    import openvino

    return openvino
