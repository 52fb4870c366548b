"""`python -m cxr_tf.analyse` on films and masks written to disk."""

import csv
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from cxr_tf.analyse import main, run
from cxr_tf.analysis.cohort import select_films
from cxr_tf.analysis.masks import PredictedMasks
from cxr_tf.analysis.options import AnalysisOptions, check_options
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from pipelines.manifest.table import Manifest, ManifestRow, write_manifest
from pipelines.sizes import SEGMENTATION_SIZE
from tests.cards import made_up_card
from tests.cxr_tf.fake_runs import film

CLASSES = ("normal", "bacterial", "covid19")
VIEWS = ("PA", "AP Supine")


def _masks(lung_rows=slice(60, 200)):
    """Two lungs and a heart on a frame of 256: a cardiothoracic ratio of 60 / 190."""
    masks = {name: np.zeros((256, 256), np.uint8) for name in ("heart", "left_lung", "right_lung")}
    masks["right_lung"][lung_rows, 30:100] = 255
    masks["left_lung"][lung_rows, 150:220] = 255
    masks["heart"][120:200, 100:150] = 255
    masks["heart"][150:160, 90:150] = 255  # behind the right lung: lungs stand before the heart
    return masks


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Four films of each of three classes, with masks; the last of all without a heart's."""
    folder = tmp_path_factory.mktemp("data")
    files = {}
    for name, mask in _masks().items():
        files[f"mask_{name}"] = folder / f"{name}.png"
        cv2.imwrite(str(files[f"mask_{name}"]), mask)
    rows = []
    for number in range(12):
        path = folder / f"film{number}.png"
        cv2.imwrite(str(path), film(number, 300))
        rows.append(
            ManifestRow(
                path,
                CLASSES[number % 3],
                patient_id=str(number % 11),
                view=VIEWS[number == 11],
                source="one" if number < 6 else "two",
                split_classification="test",
                cohort="adult" if number else "paediatric",
                **(files if number < 11 else files | {"mask_heart": None}),
            )
        )
    manifest = Manifest(folder / "manifest.csv", tuple(rows))
    write_manifest(manifest, manifest.root)
    return manifest


class Segments:
    """A model that finds the masks above, but no lung on a film that is dark at the corner."""

    model_version = "fake-1"

    def __init__(self):
        self.card = made_up_card(resolution_limit=200)
        self.calls = 0

    def segment(self, pixels, padding):
        self.calls += 1
        labels = np.zeros((256, 256), np.uint8)
        for value, name in ((1, "heart"), (2, "left_lung"), (3, "right_lung")):
            labels[_masks()[name] > 0] = value
        return labels, "ok"


def _rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _record(out):
    return json.loads((out / "analysis.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.slow
def test_true_masks_give_every_table_and_figure(data, tmp_path, capsys):
    out = tmp_path / "out"
    status = main(
        ["--data", str(data.root), "--out", str(out), "--masks", "true", "--overlays", "1"]
    )
    assert status == 0
    names = ("table_vi", "table_vii", "table_viii", "table_ix", "comparisons", "normality")
    names += ("under_segmentation", "heterogeneity")
    expected = {f"{name}.{kind}" for name in names for kind in ("md", "csv", "tex")}
    expected |= {"biomarkers.csv", "biomarkers.png", "heterogeneity.png", "overlays"}
    assert {path.name for path in out.iterdir()} == expected | {"summary.md", "analysis.json"}
    assert {path.name for path in (out / "overlays").iterdir()} == {
        f"film{number}.png" for number in range(3)
    }
    rows = _rows(out / "biomarkers.csv")
    assert len(rows) == 12 and {row["mask"] for row in rows} == {"true"}
    assert float(rows[0]["cardiothoracic_ratio"]) == pytest.approx(50 / 190, abs=1e-6)
    assert 0 < float(rows[0]["raw_lung_mean"]) < 1 and rows[0]["under_segmented"] == "0"
    assert (rows[11]["cardiothoracic_ratio"], rows[11]["reason"]) == ("", "no heart")
    record = _record(out)
    assert record["statuses"] == {"ok": 12} and record["data"]["patients"] == 11
    own = record["tables"]
    assert own["VII"]["classes"]["covid19"]["n"] == 4
    assert own["VIII"]["classes"]["covid19"]["n"] == 3  # without AP Supine
    assert own["IX"]["classes"]["covid19"]["n"] == 3  # without the film that has no heart
    values = [float(row["lung_mean"]) for row in rows if row["class"] == "normal"]
    assert own["VI"]["classes"]["normal"]["mean"] == pytest.approx(np.mean(values), abs=1e-6)
    assert own["VI"]["classes"]["normal"]["sd"] == pytest.approx(np.std(values, ddof=1), abs=1e-6)
    printed = capsys.readouterr().out
    assert (out / "summary.md").read_text(encoding="utf-8") in printed
    assert "Not a medical device" in printed and "Table VIII" in printed


@pytest.mark.slow
def test_predicted_masks_are_found_for_every_film_and_kept(data, tmp_path):
    model, cache = Segments(), tmp_path / "cache"
    options = AnalysisOptions(data=data.root, out=tmp_path / "out", model=tmp_path, quiet=True)
    for _ in range(2):
        assert run(options, Reporter(quiet=True), lambda _: PredictedMasks(model, cache)) == 0
    assert model.calls == 12 == len(list((cache / "model-fake-1").glob("*.png")))
    record = _record(tmp_path / "out")
    assert (record["model"], record["resolution_limit"]) == ("fake-1", 200)
    rows = _rows(tmp_path / "out" / "biomarkers.csv")
    assert {row["mask"] for row in rows} == {"predicted"}
    assert {row["reason"] for row in rows} == {""}


def test_a_film_that_cannot_be_read_is_named_and_the_rest_goes_on(data, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    flat = tmp_path / "flat.png"
    cv2.imwrite(str(flat), np.full((80, 80), 900, np.uint16))
    rows = [
        ManifestRow(path, "normal", source="one", split_classification="test")
        for path in (broken, flat)
    ]
    manifest = Manifest(tmp_path / "manifest.csv", (*data.rows, *rows))
    write_manifest(manifest, manifest.root)
    options = AnalysisOptions(data=manifest.root, out=tmp_path / "out", model=tmp_path, quiet=True)
    model = Segments()
    assert run(options, Reporter(quiet=True), lambda _: PredictedMasks(model, None)) == 1
    record = _record(tmp_path / "out")
    assert record["statuses"] == {"constant": 1, "ok": 12, "unreadable": 1}
    assert model.calls == 12


def test_a_film_whose_measuring_breaks_counts_nowhere(data, tmp_path):
    class Breaks(Segments):
        def segment(self, pixels, padding):
            if self.calls == 2:
                self.calls += 1
                raise RuntimeError("out of memory")
            return super().segment(pixels, padding)

    options = AnalysisOptions(data=data.root, out=tmp_path / "out", model=tmp_path, quiet=True)
    assert run(options, Reporter(quiet=True), lambda _: PredictedMasks(Breaks(), None)) == 1
    row = _rows(tmp_path / "out" / "biomarkers.csv")[2]
    assert (row["status"], row["lung_mean"]) == ("failed", "") and "out of memory" in row["error"]
    record = _record(tmp_path / "out")
    assert record["failed"] == 1 and record["tables"]["VI"]["classes"]["covid19"]["n"] == 3


def test_films_are_chosen_by_split_cohort_and_masks(data):
    def count(**changes):
        options = AnalysisOptions(data=data.root, out=data.root, masks="true", **changes)
        return len(select_films(data, options))

    assert (count(), count(split="test"), count(cohort="adult"), count(films=5)) == (12, 12, 11, 5)
    assert count(source="two") == 6
    with pytest.raises(UsageError, match="are: adult, paediatric.*are: one, two"):
        count(cohort="none")
    with pytest.raises(UsageError, match="no film left"):
        count(split="train")
    bare = Manifest(data.root, tuple(ManifestRow(row.path, row.label) for row in data))
    with pytest.raises(UsageError, match="no film left"):
        select_films(bare, AnalysisOptions(data=data.root, out=data.root, masks="true"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "--masks true"),
        ({"model": "a", "run": "b"}, "--masks true"),
        ({"masks": "true", "model": "a"}, "needs no model"),
        ({"masks": "true", "seed": -1}, "--seed -1"),
        ({"masks": "true", "overlays": -1}, "start at 0"),
        ({"masks": "true", "patches": 5}, "--patches"),
        ({"model": "a", "patches": 500}, "1 to 400"),
    ],
)
def test_wrong_usage_is_told(changes, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        check_options(AnalysisOptions(data=tmp_path, out=tmp_path, **changes))


def test_exit_status_2_names_the_cause(data, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main(["--data", str(data.root), *out]) == 2
    assert "name what finds the masks" in capsys.readouterr().err
    assert main(["--data", str(data.root), *out, "--model", str(tmp_path / "none")]) == 2
    assert "cxr_tf.export" in capsys.readouterr().err
    assert main(["--data", str(tmp_path / "none"), *out, "--masks", "true"]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_help_needs_no_tensorflow():
    code = (
        "import sys; from cxr_tf.analyse import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'tensorflow', 'matplotlib', 'keras', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--overlays" in done.stdout


def test_a_run_of_segmentation_gives_the_masks(data, tmp_path, fake_segmentation):
    out = tmp_path / "out"
    options = AnalysisOptions(
        data=data.root, out=out, run=fake_segmentation, cache=tmp_path / "cache", films=2
    )
    assert run(options, Reporter(quiet=True)) == 0
    kept = list((tmp_path / "cache").rglob("*.png"))
    assert len(kept) == 2
    shape = cv2.imread(str(kept[0]), cv2.IMREAD_GRAYSCALE).shape
    assert shape == (SEGMENTATION_SIZE, SEGMENTATION_SIZE)


@pytest.mark.slow
def test_patches_of_test_films_are_measured(data, tmp_path, from_python):
    out = tmp_path / "out"
    options = AnalysisOptions(data=data.root, out=out, model=tmp_path, patches=5, films=3)
    assert run(options, Reporter(quiet=True), lambda _: PredictedMasks(from_python, None)) == 0
    rows = _rows(out / "patches.csv")
    assert len(rows) == 15 and {row["class"] for row in rows} == set(CLASSES)
    assert all(0 < float(row["mean"]) < 1 for row in rows)
    assert (out / "patch_means.md").is_file() and (out / "patch_comparisons.csv").is_file()
