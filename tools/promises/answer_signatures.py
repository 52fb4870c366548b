"""Answers of an exported model's signatures; needs TensorFlow and NumPy alone, of any version.

`python tools/promises/answer_signatures.py MODEL/VERSION FILMS.npz ANSWERS.npz`, where FILMS.npz
holds `files`, the content of image files, and `pixels`, one film.
`tools.promises.serving_version` runs it.
"""

import os
import sys

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf


def main(model: str, films: str, answers: str) -> int:
    """Run every signature.

    Args:
        model: a version folder.
        films: the inputs.
        answers: where the outputs go, named signature/output; `tensorflow` is the version.

    Returns:
        The exit status.
    """
    given = np.load(films)
    # An array of bytes would lose zeros at its ends: lengths stand beside the bytes.
    ends = np.cumsum(given["lengths"])
    content = given["files"].tobytes()
    starts = [0, *ends[:-1]]
    files = [content[start:end] for start, end in zip(starts, ends, strict=True)]
    module = tf.saved_model.load(model)
    found = {"tensorflow": np.array(tf.__version__)}
    images = tf.constant(files)
    pixels = {
        "pixels": tf.constant(given["pixels"][None], tf.uint16),
        "padding": tf.constant([-1], tf.int32),
        "seed": tf.constant([5], tf.int64),
        "patches": tf.constant([20], tf.int32),
    }
    for name, signature in module.signatures.items():
        inputs = pixels if name == "predict_pixels" else {"image_bytes": images}
        for output, value in signature(**inputs).items():
            array = value.numpy()
            found[f"{name}/{output}"] = array.astype("S") if array.dtype == object else array
    np.savez(answers, **found)  # type: ignore[arg-type]  # no output is called allow_pickle
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
