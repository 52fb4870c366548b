"""What the check of the image's TensorFlow compares; the check itself fetches too much."""

import ast

import numpy as np

from tools.promises import serving_version


def answers(path, **changes):
    values = {
        "tensorflow": np.array("2"),
        "explain/votes": np.array([[3, 7]], np.int32),
        "explain/label": np.array([b"normal"]),
        "explain/saliency": np.zeros((1, 2, 4, 4), np.float32),
    }
    np.savez(path, **(values | changes))
    return path


def test_the_version_is_that_of_the_compose_file():
    assert serving_version.pinned_version() in serving_version.COMPOSE.read_text()


def test_answers_are_compared(tmp_path):
    ours = answers(tmp_path / "ours.npz")
    same = answers(
        tmp_path / "same.npz",
        **{
            "tensorflow": np.array("1"),
            "explain/saliency": np.full((1, 2, 4, 4), 5e-5, np.float32),
        },
    )
    assert serving_version.differences(same, ours) == []
    for name, value in {
        "explain/votes": np.array([[4, 6]], np.int32),
        "explain/label": np.array([b"viral"]),
        "explain/saliency": np.full((1, 2, 4, 4), np.nan, np.float32),
        "more": np.zeros(1),
    }.items():
        (line,) = serving_version.differences(answers(tmp_path / "x.npz", **{name: value}), ours)
        assert name in line


def test_films_come_back_as_they_were_written(tmp_path):
    serving_version.write_films(tmp_path / "films.npz")
    given = np.load(tmp_path / "films.npz")
    assert given["lengths"].sum() == len(given["files"]) and len(given["lengths"]) == 3
    assert given["files"][:4].tobytes() == b"\x89PNG"


def test_the_script_stands_alone():
    tree = ast.parse(serving_version._SCRIPT.read_text())
    imports = [node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.Import)]
    assert imports == ["os", "sys", "numpy", "tensorflow"]
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
