"""The films of three protocols are the same, and their figures those of the decisions."""

from collections import Counter
from itertools import product

import pandas as pd
import pytest

from pipelines.manifest.checks import crossing_patients
from pipelines.manifest.table import Manifest, ManifestRow, read_manifest, write_manifest
from tests.tools.leave_one_out.made_up import decision, table
from tools.paper.protocols import main, split

CLASSES = "normal,viral=viral+covid19"
TASK = "classification"


def _films(folder):
    """Sixty films of each of two sources, two of a patient, and others that take no part."""
    rows = [
        ManifestRow(folder / source / f"{n}.png", "covid19" if n % 4 < 2 else "normal",
                    patient_id=f"{source}-{n // 2}", source=source,
                    split_classification=("train", "test")[n // 2 % 2])
        for source in ("here", "there") for n in range(60)
    ]  # fmt: skip
    rows.append(ManifestRow(folder / "t.png", "tuberculosis", split_classification="train"))
    rows.append(ManifestRow(folder / "n.png", "normal"))
    return Manifest(folder / "manifest.csv", tuple(rows))


def test_both_splits_test_the_same_films_and_only_one_shares_patients(tmp_path):
    films = _films(tmp_path)
    found = split(films, CLASSES, 0.3, 0)
    image, patient = (found[name].rows for name in ("image", "patient"))
    tested = [[row.path for row in rows if row.split(TASK) == "test"] for rows in (image, patient)]
    assert tested[0] == tested[1]
    counts = Counter((row.source, row.label) for row in patient if row.split(TASK) == "test")
    groups = product(("here", "there"), ("normal", "covid19"))
    assert counts == dict.fromkeys(groups, 9)
    known = {row.path: row.patient_id for row in films}
    torn = {known[path] for path in tested[0]} & {
        known[row.path] for row in image if row.split(TASK) == "train"
    }
    assert len(torn) > 10 and not any(row.patient_id for row in image)
    assert not list(crossing_patients([r for r in patient if r.split(TASK)], TASK))
    assert not {p.path for p in patient if p.split(TASK)} & {tmp_path / "t.png", tmp_path / "n.png"}
    trained = [sum(r.split(TASK) == "train" for r in rows) for rows in (image, patient)]
    assert trained[0] == 72 > trained[1] > 10
    assert split(films, CLASSES, 0.3, 1)["image"].rows != image


def test_split_writes_manifests(tmp_path, capsys):
    films = _films(tmp_path)
    write_manifest(films, films.root)
    given = ["split", str(films.root), "--out", str(tmp_path / "m"), "--classes", CLASSES]
    assert main(given) == 0
    assert "72 train, 12 validation, 36 test" in capsys.readouterr().out
    written = read_manifest(tmp_path / "m" / "by_image.csv").rows
    assert written == split(films, CLASSES, 0.3, 0)["image"].rows
    assert main([*given, "--test", "0.9"]) == 2
    assert "share above 0" in capsys.readouterr().err


def _folders(tmp_path, wrong):
    """Decisions about eight films by three protocols, of which so many are wrong."""
    folders = []
    for name, count in wrong.items():
        rows = []
        for n in range(8):
            truth = "tuberculosis" if n % 2 else "normal"
            label = (
                {"tuberculosis": "normal", "normal": "tuberculosis"}[truth] if n < count else truth
            )
            rows.append(decision(f"x/films/{n}.png", "here" if n < 4 else "there", truth, label,
                                 p=0.9 if label == "tuberculosis" else 0.1))  # fmt: skip
        found = table(*rows)
        found["patient_id"] = "" if name == "image" else [f"p{n // 2}" for n in range(8)]
        found["patient"] = found["patient_id"]
        folder = tmp_path / name
        folder.mkdir()
        file = "decisions.csv" if name == "source" else "predictions.csv"
        found.to_csv(folder / file, index=False)
        folders.append(str(folder))
    return folders


def test_figures_are_those_of_the_decisions(tmp_path, capsys):
    folders = _folders(tmp_path, {"image": 0, "patient": 2, "source": 4})
    out = tmp_path / "out"
    given = ["compare", "--out", str(out), "--samples", "50"]
    assert main([*given, "--local", *folders, "--whole", *folders]) == 0
    text = capsys.readouterr().out
    assert "same 8 films of 4 patients" in text  # the ids that the split by image had emptied
    rows = (line.split("|")[1:-1] for line in text.splitlines() if "|" in line)
    lines = [[cell.strip() for cell in row] for row in rows]
    accuracy = {tuple(line[:2]): line[2].split(" ")[0] for line in lines}
    assert accuracy["global", "by image"] == "1.000" and accuracy["local", "by patient"] == "0.750"
    assert accuracy["local", "source left out"] == "0.500"
    assert accuracy["local", "by image less by patient"] == "0.250"
    assert ["here", "4", *["1.000", "0.500", "0.000"] * 2] in lines
    assert (out / "protocols.png").read_bytes()[:4] == b"\x89PNG"
    assert (out / "protocols.md").read_text() + "\n" == text
    assert len(pd.read_csv(out / "decisions.csv")) == 6 * 8
    assert main(given) == 0  # from the stored decisions
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    "given, said",
    [([], "decisions.csv is missing"), (["--local", "a"], "name three folders"),
     (["--local", "a", "b", "c"], "no decisions can be read")],
)  # fmt: skip
def test_missing_decisions_are_told(tmp_path, capsys, given, said):
    assert main(["compare", "--out", str(tmp_path), *given]) == 2
    assert said in capsys.readouterr().err


def test_films_must_be_the_same(tmp_path, capsys):
    folders = _folders(tmp_path, {"image": 0, "patient": 0, "source": 0})
    path = tmp_path / "image" / "predictions.csv"
    path.write_text(path.read_text().replace("/films/", "/others/"))
    assert main(["compare", "--out", str(tmp_path), "--local", *folders]) == 2
    assert "no film was decided by all" in capsys.readouterr().err
