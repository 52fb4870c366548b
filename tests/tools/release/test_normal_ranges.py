import json

import numpy as np
import pytest

from cxr_tf.saved.model_folders import write_card
from cxr_tf.scoring.report.cases import MARKERS
from cxr_tf.scoring.report.ranges import read_ranges
from pipelines.manifest.table import Manifest, ManifestRow, write_manifest
from tests.cards import made_up_card
from tools.release import normal_ranges

CARD = made_up_card(model_version="v1")


@pytest.fixture
def place(tmp_path):
    """A manifest of 60 films, the analysis of them, and a model."""
    rows, lines = [], []
    for number in range(60):
        path = tmp_path / "films" / f"{number}.png"
        label = "viral" if number % 10 == 9 else "normal"
        split = "test" if number % 10 == 8 else "train"
        cohort = "adult" if number < 50 else "paediatric"
        rows.append(ManifestRow(path=path, label=label, split_classification=split, cohort=cohort))
        value = "" if number == 0 else f"{number / 100:.6f}"
        status = "unreadable" if number == 1 else "ok"
        lines.append(f"films/{number}.png,{status}" + f",{value}" * len(MARKERS))
    write_manifest(Manifest(tmp_path, tuple(rows)), tmp_path / "manifest.csv")
    header = ",".join(["path", "status", *(name for name, *_ in MARKERS)])
    (tmp_path / "biomarkers.csv").write_text("\n".join([header, *lines]) + "\n")
    (tmp_path / "analysis.json").write_text(json.dumps({"model": "v1"}))
    version = tmp_path / "models" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"graph")
    write_card(version, CARD)
    return tmp_path


def arguments(place):
    pairs = {"analysis": place, "data": place / "manifest.csv", "model": place / "models"}
    return [text for name, path in pairs.items() for text in (f"--{name}", str(path))]


def test_only_normal_training_films_count_by_cohort(place):
    assert normal_ranges.main(arguments(place)) == 0
    (group,) = read_ranges(place / "models" / "1", CARD)  # eight children are too few
    assert (group["name"], group["films"]) == ("adult", 39)
    marker = group["markers"]["lung_mean"]
    values = [number / 100 for number in range(2, 50) if number % 10 < 8]
    assert marker["n"] == len(values) == 38  # film 0 has no figure, film 1 cannot be read
    low, median, high = np.percentile(values, (2.5, 50, 97.5))
    assert [marker[k] for k in ("low", "median", "high")] == pytest.approx([low, median, high])


def test_an_analysis_by_another_model_is_refused(place, capsys):
    (place / "analysis.json").write_text(json.dumps({"model": "v0"}))
    with pytest.raises(SystemExit, match="2"):
        normal_ranges.main(arguments(place))
    assert "made by model v0, not by v1" in capsys.readouterr().err
