"""The exported model through the C API, as a server without Python loads it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.runtime.tf_private import SavedModel
from tests.cxr_tf.fake_runs import film, jpeg, png
from tools.promises import c_api

LIBRARY = Path(tf.__file__).parent / "libtensorflow_cc.so.2"


@pytest.mark.slow
@pytest.mark.skipif(not LIBRARY.is_file(), reason="TensorFlow's wheel has this library on Linux")
def test_every_signature_answers_as_in_python(exported, served, tmp_path):
    contents = [png(film()), jpeg(film(1)), b"no image", png(np.zeros((40, 50), np.uint16))]
    films = [tmp_path / str(index) for index in range(len(contents))]
    for path, content in zip(films, contents, strict=True):
        path.write_bytes(content)
    saved = SavedModel()
    saved.ParseFromString((exported / "1" / "saved_model.pb").read_bytes())
    names = {}
    for name, signature in saved.meta_graphs[0].signature_def.items():
        if set(signature.inputs) == {"image_bytes"}:
            outputs = {key: value.name for key, value in signature.outputs.items()}
            names[name] = (signature.inputs["image_bytes"].name, outputs)
    assert set(names) == {"serving_default", "segment", "explain"}
    request = {
        "library": str(LIBRARY),
        "model": str(exported / "1"),
        "requests": [[str(path) for path in films]],
        "signatures": names,
        "out": str(tmp_path / "found.npz"),
    }
    done = subprocess.run(
        [sys.executable, c_api.__file__], input=json.dumps(request), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(tmp_path / "found.npz") as found:
        for name, (_, outputs) in names.items():
            expected = served[name](image_bytes=tf.constant(contents))
            assert set(expected) == set(outputs)
            for key, value in expected.items():
                ours, theirs = value.numpy(), found[f"0/{name}/{key}"]
                if ours.dtype == object:
                    assert [x.decode() for x in ours] == theirs.tolist()
                else:
                    np.testing.assert_array_equal(theirs, ours, err_msg=key)
