"""Does the TensorFlow of the pinned serving image read the export, and answer as ours does?

`python -m tools.promises.serving_version MODEL` makes an environment of its own with that
TensorFlow (some 300 MB to fetch, 1.3 GB on disk; `--environment DIR` keeps it), and runs every
signature on phantoms in it and here. Not part of the tests, because of what it fetches: run it
when the image in saved_models/serving/docker-compose.yml or the exported graph changes.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cxr_tf.runtime.progress import Reporter

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "saved_models" / "serving" / "docker-compose.yml"
_SCRIPT = ROOT / "tools" / "promises" / "answer_signatures.py"
#: The promise across builds and processors: probabilities and maps within this.
_TOLERANCE = 1e-4
_SIZE = 512


def pinned_version() -> str:
    """Read which TensorFlow the pinned image is of.

    Returns:
        Such as 2.19.1.

    Raises:
        ValueError: the compose file names no version.
    """
    found = re.search(r"image: tensorflow/serving:(\d+\.\d+\.\d+)", COMPOSE.read_text())
    if not found:
        raise ValueError(f"{COMPOSE} pins no version of tensorflow/serving: give image: its tag")
    return found[1]


def make_environment(folder: Path, version: str) -> Path:
    """Make an environment with a TensorFlow of the same minor version, or use it again.

    Args:
        folder: the environment.
        version: of TensorFlow.

    Returns:
        Its Python.

    Raises:
        subprocess.CalledProcessError: pip could not install it.
    """
    python = folder / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    minor = version.rpartition(".")[0]
    subprocess.run([python, "-m", "pip", "install", "-q", f"tensorflow-cpu=={minor}.*"], check=True)
    return python


def write_films(path: Path) -> None:
    """Write the inputs: two phantoms as PNG, one of them cut off as well, and one as pixels.

    Args:
        path: the npz file.
    """
    from pipelines.films import encode_png16
    from tools.phantoms.chest import phantom

    first, second = (
        phantom(label, np.random.default_rng(seed), _SIZE).pixels
        for seed, label in enumerate(("normal", "bacterial"))
    )
    files = [encode_png16(first), encode_png16(second), encode_png16(first)[:-500]]
    content = np.frombuffer(b"".join(files), np.uint8)
    np.savez(path, files=content, lengths=[len(each) for each in files], pixels=second)


def differences(found: Path, expected: Path) -> list[str]:
    """Compare two files of answers.

    Args:
        found: by the image's TensorFlow.
        expected: by ours.

    Returns:
        A line for each output that differs: text, votes and masks at all, others beyond 1e-4.
    """
    lines = []
    left, right = np.load(found), np.load(expected)
    if left.keys() != right.keys():
        lines.append(f"outputs differ: {sorted(set(left) ^ set(right))}")
    for name in sorted(set(left) & set(right) - {"tensorflow"}):
        one, other = left[name], right[name]
        if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
            lines.append(f"{name}: {one.dtype} {one.shape}, not {other.dtype} {other.shape}")
        elif one.dtype.kind == "f":
            most = float(np.abs(one - other).max(initial=0))
            print(f"{name}: differs by at most {most:.1e}")
            if not most <= _TOLERANCE:
                lines.append(f"{name}: differs by {most:.1e}")
        elif not np.array_equal(one, other):
            lines.append(f"{name}: {np.count_nonzero(one != other)} of {one.size} values differ")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: by default those of the process.

    Returns:
        The exit status: 0 where the answers are the same, 1 where they are not.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="saved_models/NAME or saved_models/NAME/VERSION")
    parser.add_argument("--environment", type=Path, help="where it is made, or is already")
    given = parser.parse_args(arguments)
    from cxr_tf.saved.model_folders import version_folder

    model = version_folder(given.model)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = make_environment(given.environment or folder / "environment", pinned_version())
        films = folder / "films.npz"
        write_films(films)
        results = {python: folder / "found.npz", Path(sys.executable): folder / "expected.npz"}
        for interpreter, path in results.items():
            # Isolated, so that nothing of this checkout is imported there.
            subprocess.run([interpreter, "-I", _SCRIPT, model, films, path], check=True)
        found, expected = results.values()
        versions = [str(np.load(path)["tensorflow"]) for path in (found, expected)]
        print(f"TensorFlow {versions[0]} beside {versions[1]}, {model}")
        lines = differences(found, expected)
        statuses = np.load(expected)["explain/status"].tolist()
        if b"ok" not in statuses:
            lines.append(f"no film was answered, so that nothing was compared: {statuses}")
    for line in lines:
        Reporter().error(line)
    print("differs" if lines else "the same answers")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
