"""Warm-up records: what TensorFlow Serving runs before it takes requests (the extra `serving`)."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.runtime.progress import Reporter

WARMUP = Path("assets.extra") / "tf_serving_warmup_requests"


def drawn_chest() -> npt.NDArray[np.uint16]:
    """Draw a body, two lungs cut flat below and a heart, so that a warm-up passes gate and all.

    Returns:
        uint16 [256, 256]. The shipped model gives it a film score of 0.997.
    """
    rows, columns = np.mgrid[:256, :256] / 256.0

    def oval(x: float, y: float, width: float, height: float, edge: float) -> Any:
        distance = np.hypot((columns - x) / width, (rows - y) / height)
        return np.clip((1.0 - distance) / edge, 0.0, 1.0)

    lungs = np.maximum(oval(0.29, 0.52, 0.155, 0.42, 0.25), oval(0.71, 0.52, 0.155, 0.42, 0.25))
    lungs *= np.clip((0.78 - rows) / 0.03, 0.0, 1.0)
    spine = np.exp(-(((columns - 0.5) / 0.05) ** 4))
    body = oval(0.5, 0.7, 0.56, 0.72, 0.1)
    film = (0.7 + 0.15 * spine) * body - 0.45 * lungs * (1.0 - oval(0.52, 0.62, 0.2, 0.19, 0.15))
    return np.round((film - film.min()) / np.ptp(film) * 65535).astype(np.uint16)


def write_warmup(path: Path, name: str = "cxr_triage") -> bool:
    """Write records that TensorFlow Serving runs before it takes requests.

    Args:
        path: `assets.extra/tf_serving_warmup_requests` of the model.
        name: name that the model is served under.

    Returns:
        False, with a notice on stderr, where tensorflow-serving-api is not installed.
    """
    if importlib.util.find_spec("tensorflow_serving") is None:
        Reporter().warn(
            "no warm-up records: install the extra 'serving' to have them, or pass --no-warmup"
        )
        return False
    import tensorflow as tf
    from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

    image = tf.io.encode_png(drawn_chest()[..., None]).numpy()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature in ("serving_default", "segment", "explain"):
            request = predict_pb2.PredictRequest(
                model_spec=model_pb2.ModelSpec(name=name, signature_name=signature)
            )
            request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([image]))
            record = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(record.SerializeToString())
    return True
