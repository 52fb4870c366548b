"""What docs/security.md promises and no other test asserts."""

import ast
import csv
from pathlib import Path

import numpy as np
import pytest

from cxr_tf.drawing.overlays import overlay_names
from cxr_tf.films import addresses
from cxr_tf.films.inputs import Input
from cxr_tf.films.table import Table
from cxr_tf.runtime.text import one_line
from pipelines.films import is_film, read_film
from pipelines.manifest.table import Manifest, ManifestRow, read_manifest, write_manifest
from pipelines.spreadsheet_text import plain_cell, plain_path
from tests.gathered import gather
from tests.samples import encode, ramp

ROOT = Path(__file__).parents[1]
FORMULAS = ("=1+1.png", "+1.png", "-1.png", "@a.png", "\ta.png", "\ra.png")
#: Modules that run what a file says, and calls that do; keras.Lambda and model files are such.
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml"}
FORBIDDEN_CALLS = {"load_model", "model_from_json", "Lambda", "enable_unsafe_deserialization"}
FORBIDDEN_BUILTINS = {"eval", "exec"}
RISKY = {"allow_pickle": "True", "shell": "True", "safe_mode": "False"}


def sources():
    for package in ("cxr_tf", "pipelines", "tools"):
        yield from sorted((ROOT / package).rglob("*.py"))


def test_nothing_that_runs_what_a_file_says_is_imported_or_called():
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").split(".")[0]]
            bad = set(names) & FORBIDDEN_MODULES
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                bad |= {called.split(".")[-1]} & FORBIDDEN_CALLS | {called} & FORBIDDEN_BUILTINS
                words = {word.arg: ast.unparse(word.value) for word in node.keywords}
                bad |= {name for name, value in RISKY.items() if words.get(name) == value}
            found += [
                f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}: {name}"
                for name in sorted(bad)
            ]
    assert found == []


def test_numpy_refuses_objects_unless_it_is_told_otherwise(tmp_path):
    np.savez(tmp_path / "objects.npz", a=np.array([{}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "objects.npz")["a"]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_cell_of_a_table_is_a_formula_and_paths_still_name_the_film(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(encode(ramp(), "PNG"))
    (item,) = gather([Path(name)], is_film).inputs
    assert item.name == plain_path(name) == f"./{name}" and read_film(item.name).status == "ok"
    assert Input(Path(item.name)).name == item.name
    table = Table(tmp_path / "t.csv", ("path", "PatientID", "p"))
    table.add((item.name, name, -0.5))
    table.commit()
    with open("t.csv", newline="", encoding="utf-8") as file:
        _, (path, text, number) = csv.reader(file)
    assert (path, text, number) == (f"./{name}", f"'{name}", "-0.500000")


def test_numbers_and_harmless_text_stay_as_they_are():
    for text in ("-1", "+4.5e-3", "-.5", "", "a=b", "1-2", "films/=1.png"):
        assert plain_cell(text) == text
    assert plain_cell("-1+1") == "'-1+1" and plain_path("a/-1") == "a/-1"
    assert plain_cell(one_line("\t=1")) == "'=1"


def test_a_manifest_has_no_formula_and_still_names_the_film(tmp_path):
    film = tmp_path / "=1.png"
    write_manifest(Manifest(tmp_path, (ManifestRow(film, "normal"),)), tmp_path / "m.csv")
    assert "\n./=1.png," in (tmp_path / "m.csv").read_text()
    assert read_manifest(tmp_path / "m.csv")[0].path == film


def test_no_name_of_a_film_leads_an_overlay_out_of_its_folder():
    names = overlay_names(
        ["../../etc/passwd", "/abs/x.png", "..", "a\\..\\b.png", "s3://b/..", "\0"]
    )
    assert len(set(names)) == len(names)
    for name in names:
        assert Path(name).name == name and name.endswith(".png") and "\\" not in name


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/latest", "file:///etc/passwd", "s3://a::http://h/x", "ssh://h/x"],
)
def test_a_table_cannot_make_it_ask_another_host(tmp_path, address):
    table = tmp_path / "list.csv"
    table.write_text(f"path\n{address}\n")
    (item,) = gather([table], is_film).inputs
    film = addresses.read_location(item.path)
    assert film.status == "unreadable" and "is not read" in film.error and not film.transient
