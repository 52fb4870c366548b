"""Answers of a model about films by one way, for `determinism`; each way is a process.

    python -m tools.promises.film_answers python|c_api MODEL FOLDER THREADS OUT

`python` is `cxr_tf.load`, asked film by film; `c_api` the signature `serving_default` through the
C API, the loader behind TensorFlow Serving. OUT.npz holds rounds of answers: `first`, in order;
`again`, backwards, so that other films come before; `batch`, of `c_api` alone, all in one request.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

#: What is compared of an answer.
OUTPUTS = (
    "status",
    "label",
    "class_index",
    "votes",
    "probabilities",
    "agreement",
    "lung_fraction",
    "patches_used",
    "film_score",
    "mask_quality",
    "warning",
    "calibrated_probabilities",
    "conformal_set",
    "abstain",
)
SIGNATURE = "serving_default"

Answers = dict[str, np.ndarray]


def library() -> Path:
    """Name the library that holds the C API; TensorFlow's wheel has it on Linux."""
    import importlib.util

    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "libtensorflow_cc.so.2"


def graph_names(model: Path) -> tuple[str, dict[str, str]]:
    """Find the tensors of the signature in the graph.

    Args:
        model: version folder.

    Returns:
        The input's name, and those of the outputs by what the signature calls them.
    """
    from cxr_tf.runtime.tf_private import SavedModel

    saved = SavedModel()
    saved.ParseFromString((model / "saved_model.pb").read_bytes())
    signature = saved.meta_graphs[0].signature_def[SIGNATURE]
    outputs = {name: signature.outputs[name].name for name in OUTPUTS}
    return signature.inputs["image_bytes"].name, outputs


def by_python(model: Path, films: Sequence[Path], threads: int) -> Answers:
    """Ask `cxr_tf.load` film by film, forwards and backwards.

    Args:
        model: version folder.
        films: image files.
        threads: of TensorFlow.
    """
    import tensorflow as tf

    from cxr_tf.saved.load import load
    from pipelines.films import read_film

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    loaded = load(model)
    found = {}
    for name, order in (("first", films), ("again", films[::-1])):
        answers = {}
        for path in order:
            film = read_film(path)
            if film.pixels is None:
                raise ValueError(f"{path}: {film.error}")
            answers[path] = loaded.predict(film.pixels, film.padding)
        for output in OUTPUTS:
            values = [np.asarray(getattr(answers[path], output)) for path in films]
            found[f"{name}/{output}"] = np.stack(values)
    return found


def by_c_api(model: Path, films: Sequence[Path], threads: int, out: Path) -> Answers:
    """Ask through the C API: each film alone, forwards and backwards, and all at once.

    Args:
        model: version folder.
        films: image files.
        threads: of TensorFlow.
        out: a file for the answers on their way.
    """
    feed, outputs = graph_names(model)
    alone = [[str(path)] for path in films]
    request = {
        "library": str(library()),
        "model": str(model),
        "threads": threads,
        "requests": [*alone, *alone[::-1], [str(path) for path in films]],
        "signatures": {SIGNATURE: (feed, outputs)},
        "out": str(out),
    }
    command = [sys.executable, "-m", "tools.promises.c_api"]
    done = subprocess.run(command, input=json.dumps(request), text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"the C API failed: {done.stderr[-2000:]}")
    count, found = len(films), {}
    with np.load(out) as given:
        for output in OUTPUTS:
            rounds = [given[f"{n}/{SIGNATURE}/{output}"] for n in range(2 * count + 1)]
            found[f"first/{output}"] = np.concatenate(rounds[:count])
            found[f"again/{output}"] = np.concatenate(rounds[count : 2 * count][::-1])
            found[f"batch/{output}"] = rounds[-1]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: way, model, folder of films, threads, file; None: those of the process.

    Returns:
        Exit status: 0 written, 2 wrong usage.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 5 or given[0] not in ("python", "c_api"):
        print(__doc__, file=sys.stderr)
        return 2
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    way, model, folder, threads, out = given
    films = sorted(Path(folder).iterdir())
    if way == "python":
        found = by_python(Path(model), films, int(threads))
    else:
        found = by_c_api(Path(model), films, int(threads), Path(out).with_suffix(".c_api.npz"))
    np.savez(out, **found)  # type: ignore[arg-type]  # no output is called allow_pickle
    return 0


if __name__ == "__main__":
    sys.exit(main())
