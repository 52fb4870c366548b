"""The networks in ONNX Runtime and OpenVINO, by way of PyTorch's ONNX export."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cxr_tf.saved.engines import import_openvino
from tools.bench.contenders import OPENVINO, ORT

Forward = Callable[[np.ndarray], np.ndarray]


def onnx_file(network: nn.Module, shape: tuple[int, ...], path: Path) -> Path:
    """Write a network as ONNX.

    Args:
        network: in evaluation mode.
        shape: of its input, channels first.
        path: the file.
    """
    with warnings.catch_warnings():
        # The older exporter needs no further package; PyTorch says that it will go.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.zeros(shape),), str(path), input_names=["x"], dynamo=False
        )
    return path


def runtimes(network: nn.Module, shape: tuple[int, ...], threads: int) -> dict[str, Forward]:
    """Load a network into both runtimes.

    Args:
        network: in evaluation mode; of several outputs the first counts.
        shape: of its input, channels first; fixed, as ours is.
        threads: threads of each.

    Returns:
        Forward passes by the runtime's name, from and to arrays with channels first.
    """
    import onnxruntime

    openvino = import_openvino()

    with tempfile.TemporaryDirectory() as folder:
        file = str(onnx_file(network, shape, Path(folder) / "network.onnx"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(file),
            "CPU",
            {
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",
            },
        )
    request = compiled.create_infer_request()
    return {
        OPENVINO: lambda x: request.infer({0: x}, share_inputs=True)[compiled.output(0)],
        ORT: lambda x: session.run(None, {"x": x})[0],
    }
