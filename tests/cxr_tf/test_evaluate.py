"""`python -m cxr_tf.evaluate` with models whose answers are known, on films written to disk."""

import csv
import dataclasses
import json
import math
import subprocess
import sys

import cv2
import numpy as np
import pytest

from cxr_tf.evaluate import main, run
from cxr_tf.evaluation.evaluated_model import Subject
from cxr_tf.evaluation.options import ClassificationEvaluationOptions, SegmentationEvaluationOptions
from cxr_tf.evaluation.patch_store import read_patches
from cxr_tf.films.results import Segmentation
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from pipelines.classes import PAPER_CLASSES
from pipelines.films import Film
from pipelines.manifest.table import Manifest, ManifestError, ManifestRow, write_manifest
from tests.cards import made_up_card
from tests.cxr_tf.fake_answers import answered

CLASSES = PAPER_CLASSES.names
FIGURES = ("accuracy", "precision", "recall", "f1", "specificity", "roc_auc", "average_precision")


def _prediction(status="ok", index=-1, probabilities=(0.0,) * 4):
    votes = np.zeros(4, np.int32)
    votes[index] = 5 * (index >= 0)
    label = CLASSES[index] if index >= 0 else ""
    numbers = np.array(probabilities, np.float32)
    return answered(status, label, index, votes, numbers, 1.0, 0.3, 5, "fake-1")


class Reads:
    """A model that reads its answer off the film: the grey level is the class decided."""

    classes = CLASSES
    model_version = "fake-1"

    def __init__(self, **card):
        self.card = made_up_card(**card)
        self.calls = []

    def predict(self, pixels, padding, vote, *, explain=False, unweighted=False):
        assert not vote.gate  # films that are known to be chests
        self.calls.append((vote.seed, vote.patches, vote.stride, explain))
        answer = int(pixels[-1, 0]) // 257  # outside the lungs
        if answer == 99:
            return _prediction("no_lung")
        if answer == 98:
            raise RuntimeError("out of memory")
        probabilities = np.full(4, 0.1)
        probabilities[answer] = 0.7
        prediction = _prediction("ok", answer, probabilities)
        if not explain:
            return prediction
        # Three of five patches barely vote for the answer; the others, all lung, for the next one.
        mask = np.zeros((256, 256), np.uint8)
        mask[:, 128:] = 2
        centres = np.array([[500, 460]] * 3 + [[500, 700]] * 2)
        by_patch = np.zeros((5, 4))
        by_patch[:3, answer], by_patch[:3, answer - 3] = 0.55, 0.45
        by_patch[3:, answer - 3] = 1.0
        # The map of the answer is 0.8 in the lungs and 0.2 elsewhere, weighted by its 0.7.
        maps = np.zeros((4, 256, 256), np.float32)
        maps[answer] = np.where(mask == 2, 0.8, 0.2)
        return dataclasses.replace(
            prediction,
            mask=mask,
            centres=centres,
            patch_probabilities=by_patch,
            saliency=0.7 * maps,
            saliency_unweighted=maps,
        )

    def segment(self, pixels, padding):
        labels = np.zeros((256, 256), np.uint8)
        if pixels[0, 0] == pixels[-1, -1]:
            return Segmentation(labels, "no_lung", uncertainty=np.zeros((256, 256), np.float32))
        labels[64:192, 32:96], labels[64:192, 160:224], labels[128:192, 112:144] = 3, 2, 1
        unsure = np.full((256, 256), 0.2, np.float32)
        unsure[128:192, 160:224] = 0.9
        return Segmentation(labels, "ok", uncertainty=unsure)


def _film(folder, name, answer):
    film = np.full((40, 30), answer, np.uint8)
    film[:8] = 200  # not a constant film
    path = folder / f"{name}.png"
    assert cv2.imwrite(str(path), film)
    return path


@pytest.fixture
def decided(tmp_path):
    """Films with their class, patient, source and what the model will say of them."""
    films = [
        ("normal", "a", "jsrt", 0), ("normal", "a", "jsrt", 0), ("normal", "b", "jsrt", 3),
        ("bacterial", "c", "kermany", 1), ("bacterial", "d", "kermany", 99),
        ("tuberculosis", "e", "montgomery", 2), ("tuberculosis", "f", "montgomery", 0),
        ("viral", "g", "cohen", 3), ("covid19", "h", "cohen", 3), ("covid19", "i", "cohen", 1),
    ]  # fmt: skip
    rows = [
        ManifestRow(
            _film(tmp_path, f"film{number}", answer),
            label,
            patient_id=patient,
            source=source,
            cohort="paediatric" if source == "kermany" else "adult",
            paper_list="yes" if label == "covid19" else "",
            split_classification="test",
        )
        for number, (label, patient, source, answer) in enumerate(films)
    ]
    manifest = Manifest(tmp_path / "manifest.csv", tuple(rows))
    write_manifest(manifest, manifest.root)
    return manifest


@pytest.fixture
def segmented(tmp_path):
    """Films the model segments rightly, one by half, one not at all, one with a union only."""
    masks = {name: np.zeros((512, 512), np.uint8) for name in ("heart", "left_lung", "right_lung")}
    masks["right_lung"][128:384, 64:192] = 255
    masks["left_lung"][128:384, 320:448] = 255
    masks["heart"][256:384, 224:288] = 255
    masks["half"] = masks["left_lung"].copy()
    masks["half"][256:] = 0
    masks["lung"] = masks["left_lung"] | masks["right_lung"]
    for name, mask in masks.items():
        assert cv2.imwrite(str(tmp_path / f"{name}_mask.png"), mask)
    file = {name: tmp_path / f"{name}_mask.png" for name in masks}
    full = {f"mask_{name}": file[name] for name in ("heart", "left_lung", "right_lung")}
    films = [
        (full, 0, "jsrt"),
        (full | {"mask_left_lung": file["half"]}, 0, "jsrt"),
        (full, 200, "jsrt"),
        ({"mask_lung": file["lung"]}, 0, "montgomery"),
    ]
    rows = [
        ManifestRow(
            _film(tmp_path, f"film{number}", answer),
            "normal",
            patient_id=str(number),
            source=source,
            split_segmentation="test",
            **own,
        )
        for number, (own, answer, source) in enumerate(films)
    ]
    manifest = Manifest(tmp_path / "manifest.csv", tuple(rows))
    write_manifest(manifest, manifest.root)
    return manifest


def _run(manifest, out, model=None, kind=ClassificationEvaluationOptions, **changes):
    model = model or Reads(fingerprint=manifest.fingerprint())
    options = kind(data=manifest.root, run=out, out=out, quiet=True, samples=200, **changes)
    status = run(options, Reporter(quiet=True), lambda _: Subject(model, out, "local"))
    text = (out / "metrics.json").read_text(encoding="utf-8")
    return status, json.loads(text, parse_constant=pytest.fail)


def _rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_decisions_metrics_and_groups_are_right(decided, tmp_path, capsys):
    out = tmp_path / "out"
    model = Reads(fingerprint=decided.fingerprint())
    status, record = _run(decided, out, model, patches=7, seed=5)
    assert status == 0 and model.calls == [(5, 7, None, False)] * 10
    assert record["statuses"] == {"no_lung": 1, "ok": 9}
    assert [film["path"] for film in record["not_ok"]] == ["film4.png"]
    everything = record["groups"]["all"]
    assert everything["confusion"] == [
        [2, 0, 0, 1, 0], [0, 1, 0, 0, 1], [1, 0, 1, 0, 0], [0, 1, 0, 2, 0]
    ]  # fmt: skip
    assert (everything["n"], everything["patients"], everything["without_decision"]) == (10, 9, 1)
    overall = everything["overall"]
    assert overall["accuracy"]["value"] == 0.6
    assert overall["recall"]["value"] == pytest.approx((2 / 3 + 1 / 2 + 1 / 2 + 2 / 3) / 4)
    assert overall["precision"]["value"] == pytest.approx((2 / 3 + 1 / 2 + 1 + 2 / 3) / 4)
    assert tuple(overall) == FIGURES
    for figure in FIGURES[:-2]:
        own = overall[figure]
        assert own["low"] < own["value"] < own["high"]
    for figure in FIGURES[-2:]:
        assert overall[figure]["low"] is None  # most samples miss a class among so few films
        assert overall[figure]["n"] == 9
    assert {name: group["n"] for name, group in record["groups"].items()} == {
        "all": 10, "paper_list": 2, "cohort=adult": 8, "cohort=paediatric": 2,
        "source=cohen": 3, "source=jsrt": 3, "source=kermany": 2, "source=montgomery": 2,
        "view=unknown": 10, "sex=unknown": 10, "age_group=unknown": 10, "age=unknown": 10,
    }  # fmt: skip
    parts = record["sensitivity_by_manifest_class"]
    assert {name: (own["value"], own["n"]) for name, own in parts.items()} == {
        "viral": (1.0, 1), "covid19": (0.5, 2)
    }  # fmt: skip
    printed = capsys.readouterr()
    assert (out / "summary.md").read_text(encoding="utf-8") in printed.out
    assert "Not a medical device" in printed.out and printed.err == ""
    assert {path.name for path in out.iterdir()} == {
        "predictions.csv", "metrics.json", "summary.md", "subgroups.csv", "subgroups.md",
        "confusion.png", "roc.png", "pr.png",
    }  # fmt: skip


def test_figures_stand_with_and_without_the_films_that_segmentation_has_seen(decided, tmp_path):
    trained = ManifestRow(
        _film(tmp_path, "trained", 0),
        "normal",
        patient_id="a",
        split_segmentation="train",
        mask_lung=_film(tmp_path, "mask", 0),
    )
    manifest = Manifest(decided.root, (*decided.rows, trained))
    write_manifest(manifest, manifest.root)
    status, record = _run(manifest, tmp_path / "out")
    assert status == 0
    groups = record["groups"]
    unseen = groups["without_films_seen_in_segmentation"]
    assert (groups["all"]["n"], unseen["n"], unseen["patients"]) == (10, 8, 8)
    assert unseen["confusion"][0] == [0, 0, 0, 1, 0]  # both films of patient a are left out
    assert (groups["all"]["overall"]["accuracy"]["value"]) == 0.6
    assert unseen["overall"]["accuracy"]["value"] == 0.5
    assert any("segmentation" in note and ": 2;" in note for note in record["notes"])
    summary = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "without_films_seen_in_segmentation" in summary


def test_predictions_hold_every_film_and_subgroups_say_what_they_cannot_tell(decided, tmp_path):
    _, record = _run(decided, tmp_path / "out")
    rows = _rows(tmp_path / "out" / "predictions.csv")
    assert [row["path"] for row in rows] == [f"film{number}.png" for number in range(10)]
    assert list(rows[0])[:3] == ["path", "status", "label"]
    assert (rows[2]["label"], rows[2]["truth"], rows[2]["correct"]) == ("viral", "normal", "0")
    assert (rows[8]["class"], rows[8]["truth"], rows[8]["correct"]) == ("covid19", "viral", "1")
    assert (rows[4]["status"], rows[4]["label"], rows[4]["correct"]) == ("no_lung", "", "0")
    assert "lungs" in rows[4]["error"] and rows[0]["p_normal"] == "0.700000"
    jsrt = record["groups"]["source=jsrt"]
    assert jsrt["overall"]["roc_auc"]["value"] is None and "only films of normal" in jsrt["remark"]
    subgroups = _rows(tmp_path / "out" / "subgroups.csv")
    own = {
        (row["class"], row["figure"]): row
        for row in subgroups
        if (row["by"], row["group"]) == ("source", "jsrt")
    }
    assert own["", "accuracy"]["value"] == "0.666667" and own["", "accuracy"]["n"] == "3"
    assert own["", "roc_auc"]["value"] == own["normal", "specificity"]["value"] == ""
    assert "no ROC-AUC" in own["", "roc_auc"]["remark"]
    text = (tmp_path / "out" / "subgroups.md").read_text(encoding="utf-8")
    assert "only films of normal: no specificity and no ROC-AUC" in text and "age unknown" in text


def test_unreadable_films_and_a_breaking_model_count_as_wrong_and_the_rest_goes_on(
    decided, tmp_path
):
    decided.rows[0].path.write_bytes(b"no image at all")
    _film(tmp_path, "film1", 98)
    status, record = _run(decided, tmp_path / "out")
    assert status == 1 and record["failed"] == 2
    assert record["statuses"] == {"failed": 1, "no_lung": 1, "ok": 7, "unreadable": 1}
    assert record["groups"]["all"]["overall"]["accuracy"]["value"] == 0.4
    assert "out of memory" in record["not_ok"][1]["error"]
    assert "out of memory" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")


def test_paper_list_and_number_of_films_are_noted(decided, tmp_path):
    _, record = _run(decided, tmp_path / "out", paper_list_only=True, films=1)
    assert record["data"]["films"] == 1 and len(record["notes"]) == 2
    assert record["groups"]["all"]["overall"]["accuracy"]["low"] is None  # one patient


def test_films_of_a_left_out_source_are_decided_whatever_their_split(decided, tmp_path, capsys):
    rows = [
        dataclasses.replace(row, split_classification=("train", "validation", "test")[i % 3])
        for i, row in enumerate(decided.rows)
    ]
    write_manifest(Manifest(decided.root, tuple(rows)), decided.root)
    out, choice = tmp_path / "run", {"split": "all", "source": ("cohen", "kermany")}
    out.mkdir()
    _, record = _run(decided, out, **choice)
    told = [note.split(":")[0] for note in record["notes"]]
    assert "LEAKAGE POSSIBLE" in told and "only films of cohen, kermany" in told
    assert len(_rows(out / "predictions.csv")) == 5
    assert record["groups"]["source=cohen"]["n"] == 3
    facts = {"sources": ["jsrt", "montgomery"], "sources_known": True}
    (out / "data.json").write_text(json.dumps(facts))
    _, record = _run(decided, out, **choice)
    assert not any("LEAKAGE" in note for note in record["notes"])
    with pytest.raises(UsageError, match="has learnt from films of montgomery"):
        _run(decided, out, split="all", source=("cohen", "montgomery"))
    assert _run(decided, out, split="test", source=("montgomery",))[0] == 0


def test_phantom_models_and_phantom_data_are_named_everywhere(decided, tmp_path, capsys):
    rows = (ManifestRow(**{**vars(row), "source": "phantom"}) for row in decided)
    write_manifest(Manifest(decided.root, tuple(rows)), decided.root)
    _, record = _run(decided, tmp_path / "out", Reads(phantom=True))
    assert [notice.split(":")[0] for notice in record["phantom_notices"]] == [
        "PHANTOM MODEL", "PHANTOM DATA"
    ]  # fmt: skip
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert "PHANTOM MODEL" in text and "PHANTOM DATA" in text


def test_a_model_trained_on_other_data_is_told(decided, tmp_path):
    def notes(fingerprint):
        model = Reads(fingerprint=fingerprint)
        return _run(decided, tmp_path / "out", model)[1]["notes"]

    assert "other data" in notes("0" * 64)[0]
    assert notes(decided.fingerprint()) == []


def test_the_same_seed_gives_the_same_record(decided, tmp_path):
    first, second = (_run(decided, tmp_path / name)[1]["groups"] for name in ("a", "b"))
    assert first == second
    assert _run(decided, tmp_path / "c", seed=1)[1]["groups"] != first


def test_jaccard_by_part_group_and_film(segmented, tmp_path):
    out = tmp_path / "out"
    status, record = _run(segmented, out, kind=SegmentationEvaluationOptions)
    assert status == 0 and record["statuses"] == {"no_lung": 1, "ok": 3}
    rows = _rows(out / "jaccard.csv")
    assert [row["lung"] for row in rows] == ["1.000000", "0.750000", "0.000000", ""]
    assert [row["lung_union"] for row in rows] == ["1.000000", "0.750000", "0.000000", "1.000000"]
    assert [row["heart"] for row in rows] == ["1.000000", "1.000000", "0.000000", ""]
    jaccard = record["groups"]["all"]["jaccard"]
    assert jaccard["lung"]["value"] == pytest.approx(1.75 / 3) and jaccard["lung"]["n"] == 3
    assert jaccard["lung"]["sd"] == pytest.approx(np.std([1, 0.75, 0], ddof=1))
    assert jaccard["lung_union"]["n"] == 4
    assert list(record["groups"]["source=montgomery"]["jaccard"]) == ["lung_union"]
    # Nothing is wrong on the first and last film, the unsure part of the second, all of the third.
    assert [row["uncertainty_auc"] for row in rows] == ["", "1.000000", "0.500000", ""]
    assert (record["uncertainty_auc"]["value"], record["uncertainty_auc"]["n"]) == (0.75, 2)
    text = (out / "summary.md").read_text(encoding="utf-8")
    assert "mean of 2 films" in text
    assert f"0.583 ± {jaccard['lung']['sd']:.3f}" in text
    assert {path.name for path in out.iterdir()} == {
        "jaccard.csv", "metrics.json", "summary.md", "jaccard.png", "contours.png"
    }  # fmt: skip


def test_a_film_that_cannot_be_read_has_no_mask_and_a_broken_mask_no_jaccard(segmented, tmp_path):
    segmented.rows[0].path.write_bytes(b"no image at all")
    segmented.rows[3].mask_lung.write_bytes(b"no image at all")
    status, record = _run(segmented, tmp_path / "out", kind=SegmentationEvaluationOptions)
    assert status == 1 and record["failed"] == 2
    assert record["statuses"] == {"mask_unreadable": 1, "no_lung": 1, "ok": 1, "unreadable": 1}
    jaccard = record["groups"]["all"]["jaccard"]
    assert jaccard["lung_union"]["n"] == 3
    assert jaccard["lung"]["value"] == pytest.approx(0.75 / 3)


def test_an_interrupted_evaluation_keeps_its_rows_and_writes_no_figures(decided, tmp_path):
    class Stops(Reads):
        def predict(self, pixels, padding, vote, **options):
            if len(self.calls) == 3:
                raise KeyboardInterrupt
            return super().predict(pixels, padding, vote, **options)

    with pytest.raises(KeyboardInterrupt):
        _run(decided, tmp_path / "out", Stops())
    assert len(_rows(tmp_path / "out" / "predictions.csv.partial")) == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["predictions.csv.partial"]


def test_faults_in_the_data_are_told_before_the_model_is_loaded(decided, tmp_path):
    decided.rows[0].path.unlink()
    options = ClassificationEvaluationOptions(data=decided.root, run=tmp_path, out=tmp_path / "out")

    def never(_):
        pytest.fail("the model was loaded")

    with pytest.raises(ManifestError, match="film0.png"):
        run(options, Reporter(quiet=True), never)
    assert not (tmp_path / "out").exists()


def test_a_model_with_other_classes_is_refused(decided, tmp_path):
    model = Reads()
    model.classes = ("ill", "normal")
    with pytest.raises(ManifestError, match="unknown class 'bacterial'"):
        _run(decided, tmp_path / "out", model)
    with pytest.raises(UsageError, match="--classes"):
        _run(decided, tmp_path / "out", model, classes=PAPER_CLASSES.spec())


def test_other_rules_decide_from_the_same_patches(decided, tmp_path):
    out, model = tmp_path / "out", Reads()
    status, record = _run(decided, out, model, aggregations=True, stride=64)
    assert status == 0 and model.calls == [(0, 100, 64, True)] * 10
    rules = record["aggregations"]
    assert list(rules) == ["majority", "mean", "trimmed_mean", "area_weighted"]
    assert rules["majority"]["accuracy"]["value"] == 0.6
    assert rules["majority"]["sensitivity"] == pytest.approx([2 / 3, 1 / 2, 1 / 2, 2 / 3])
    assert rules["majority"]["equal_to_majority"]["value"] == 1.0
    # The next class is right for the normal film taken for viral, and for nothing else.
    assert rules["mean"]["accuracy"]["value"] == pytest.approx(0.1)
    # Without a decision they agree as well.
    assert rules["mean"]["equal_to_majority"]["value"] == pytest.approx(0.1)
    rows = _rows(out / "aggregation.csv")
    assert [row["path"] for row in rows] == [f"film{n}.png" for n in range(10)]
    assert rows[0] == {
        "path": "film0.png", "truth": "normal", "majority": "normal", "mean": "bacterial",
        "trimmed_mean": "bacterial", "area_weighted": "bacterial",
    }  # fmt: skip
    assert rows[4]["majority"] == rows[4]["area_weighted"] == ""
    assert "## Aggregation" in (out / "summary.md").read_text()
    whole = Reads(approach="global")
    with pytest.raises(UsageError, match="global"):
        _run(decided, out, whole, aggregations=True)


def test_probabilities_of_patches_are_kept(decided, tmp_path):
    assert _run(decided, tmp_path / "out", patch_probabilities=True)[0] == 0
    found = read_patches(tmp_path / "out" / "patches.npz")
    assert sorted(found) == [f"film{number}.png" for number in range(10) if number != 4]
    assert found["film2.png"].shape == (5, 4)
    np.testing.assert_allclose(found["film2.png"][0], [0.45, 0, 0, 0.55], atol=1e-3)


def test_maps_of_a_class_are_measured_by_true_class(decided, tmp_path):
    out, model = tmp_path / "out", Reads()
    status, record = _run(decided, out, model, saliency="viral", zones=True, curves=True)
    assert status == 0 and model.calls.count((0, 100, None, True)) == 10
    assert model.calls.count((0, 20, None, False)) == 9 * 35  # the film without an answer has none
    found = record["saliency"]["by_true_class"]
    assert record["saliency"]["class"] == "viral" and list(found) == list(CLASSES)
    # Two of three viral films, and one of three normal ones, are decided so.
    assert found["viral"]["weighted"]["value"] == pytest.approx(2 / 3 * 0.56)
    assert found["viral"]["unweighted"]["value"] == pytest.approx(2 / 3 * 0.8)
    assert found["normal"]["weighted"]["value"] == pytest.approx(1 / 3 * 0.56)
    assert found["viral"]["share_in_lungs"]["value"] == pytest.approx(0.8)
    # The film without an answer has no map; one without the class has no share.
    assert found["bacterial"]["weighted"]["n"] == 1
    assert found["bacterial"]["weighted"]["value"] == 0.0
    assert "share_in_lungs" not in found["bacterial"]
    rows = _rows(out / "saliency.csv")
    assert [row["path"] for row in rows] == [f"film{n}.png" for n in range(10)]
    assert [rows[7][name] for name in ("truth", "decided", "class", "weighted")] == [
        "viral", "viral", "viral", "0.560000",
    ]  # fmt: skip
    assert rows[4]["decided"] == rows[4]["weighted"] == rows[1]["share_in_lungs"] == ""
    picture = cv2.imread(str(out / "saliency.png"))
    assert picture.shape[0] > 4 * 200 and picture.std() > 10
    assert "## Saliency of the class viral" in (out / "summary.md").read_text()
    assert len(_rows(out / "zones.csv")) == 50 and len(_rows(out / "curves.csv")) == 80
    assert record["zones"]["viral"]["viral"]["lungs"]["value"] == pytest.approx(0.8)
    assert record["curves"]["areas"]["all"]["map"]["deletion"]["value"] == pytest.approx(0.7)
    assert record["curves"]["areas"]["all"]["map"]["road_most"]["value"] == pytest.approx(0.7)
    assert "## Deletion and insertion" in (out / "summary.md").read_text()
    assert "ROAD, least relevant first" in (out / "summary.md").read_text()
    with pytest.raises(UsageError, match="--saliency flu: choose of normal"):
        _run(decided, out, model, saliency="flu")


class Second(Reads):
    """Another model: right on film 6, wrong on films 0 and 1, undecided on film 9."""

    model_version = "fake-2"

    def predict(self, pixels, padding, vote, **options):
        level = int(pixels[-1, 0]) // 257
        if level == 1:
            return dataclasses.replace(_prediction("no_lung"), model_version=self.model_version)
        answer = {0: 2, 3: 3, 2: 2}.get(level, 0)
        found = _prediction("ok", answer, 0.1 + 0.6 * (np.arange(4) == answer))
        return dataclasses.replace(found, model_version=self.model_version)


def _check_against(found):
    """Nine films are decided by the first, of them two not by the second (level 1)."""
    assert (found["n"], found["patients"], found["left_out"]) == (7, 6, 3)
    # Of films 0, 1, 2, 5, 6, 7, 8 the first is right on 0, 1, 5, 7, 8, the second on 5, 6, 7, 8.
    test = found["mcnemar"]
    assert {name: test[name] for name in ("both_right", "first_only", "second_only")} == {
        "both_right": 3, "first_only": 2, "second_only": 1,
    }  # fmt: skip
    assert test["both_wrong"] == 1 and test["p"] == pytest.approx(1.0)
    accuracy = found["accuracy"]
    assert (accuracy["first"], accuracy["second"]) == pytest.approx((5 / 7, 4 / 7))
    assert accuracy["difference"]["value"] == pytest.approx(1 / 7)
    assert accuracy["difference"]["low"] < 1 / 7 < accuracy["difference"]["high"]
    assert set(found) >= {"f1", "roc_auc"} and found["version"] == "fake-2"


def test_two_classifiers_are_compared_by_table_or_by_model(decided, tmp_path):
    _run(decided, tmp_path / "second", Second())
    for path in (tmp_path / "second", tmp_path / "second" / "predictions.csv"):
        _, record = _run(decided, tmp_path / "out", against=path)
        _check_against(record["against"])
    summary = (tmp_path / "out" / "summary.md").read_text()
    assert "## Against " in summary and "McNemar's exact test" in summary
    other = tmp_path / "model"
    other.mkdir()
    options = ClassificationEvaluationOptions(
        data=decided.root, run=tmp_path, out=tmp_path / "both", quiet=True, samples=200,
        against=other,
    )  # fmt: skip

    def load(options):
        model = Second() if options.model == other else Reads()
        return Subject(model, options.run or options.model, "local")

    assert run(options, Reporter(quiet=True), load) == 0
    record = json.loads((tmp_path / "both" / "metrics.json").read_text())
    _check_against(record["against"])
    assert len(_rows(tmp_path / "both" / "against_predictions.csv")) == 10


def test_a_classifier_against_itself_differs_in_nothing(decided, tmp_path):
    _run(decided, tmp_path / "a")
    found = _run(decided, tmp_path / "b", against=tmp_path / "a")[1]["against"]
    assert (found["n"], found["mcnemar"]["p"]) == (9, 1.0)
    for name in ("accuracy", "f1", "roc_auc"):
        assert found[name]["difference"]["value"] == 0.0


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("p_viral", "p_flu", "decides between bacterial, flu, normal, tuberculosis"),
        ("truth", "told", "no column truth"),
        (",normal,1,", ",viral,1,", "is 'viral' there and 'normal' here"),
        ("0.700000", "much", "no label or probabilities"),
        ("film", "other", "no film of these was decided by both"),
    ],
)
def test_a_table_that_cannot_be_compared_is_named(decided, tmp_path, old, new, reason):
    _run(decided, tmp_path / "a")
    table = tmp_path / "a" / "predictions.csv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(UsageError, match=reason) as told:
        _run(decided, tmp_path / "b", against=table)
    assert str(table) in str(told.value)


def test_what_is_not_there_to_be_compared_is_named(decided, tmp_path):
    with pytest.raises(UsageError, match="--against .*none: there is no such file"):
        _run(decided, tmp_path / "b", against=tmp_path / "none")


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"model": None, "run": None}, "either --run RUN or --model"),
        ({"model": "."}, "either --run RUN or --model"),
        ({"patches": 0}, "--patches 0"),
        ({"patches": 401}, "--patches 401"),
        ({"seed": -1}, "--seed"),
        ({"samples": 0}, "--samples"),
        ({"stride": 49}, "--stride 49"),
        ({"stride": 1025}, "--stride 1025"),
    ],
)
def test_wrong_usage_is_told(changes, reason, tmp_path):
    options = ClassificationEvaluationOptions(**{"data": tmp_path, "run": tmp_path, **changes})
    with pytest.raises(UsageError, match=reason):
        run(options, Reporter(quiet=True))


def test_masks_are_cleaned_from_runs_alone(tmp_path):
    options = SegmentationEvaluationOptions(data=tmp_path, model=tmp_path, clean_masks=True)
    with pytest.raises(UsageError, match="--clean-masks needs --run"):
        run(options, Reporter(quiet=True))


def test_exit_status_2_names_the_cause(decided, tmp_path, capsys):
    data = ["--data", str(decided.root)]
    assert main(["classification", *data, "--run", str(tmp_path)]) == 2
    assert "config.json is missing" in capsys.readouterr().err
    assert main(["classification", *data, "--model", str(tmp_path / "none")]) == 2
    assert "cxr_tf.export" in capsys.readouterr().err
    assert main(["segmentation", *data, "--run", str(tmp_path)]) == 2
    assert "no film in the segmentation split 'test'" in capsys.readouterr().err
    assert main(["classification", "--data", str(tmp_path / "none"), "--run", "x"]) == 2
    assert "does not exist" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["classification", *data, "--split", "crossdb"])
    assert stop.value.code == 2


@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_a_run_of_the_other_task_is_refused(task, decided, segmented, tmp_path, capsys):
    from cxr_tf.saved.run_options import ClassificationTrainingOptions, SegmentationTrainingOptions

    config = ClassificationTrainingOptions(segmentation="runs/seg")
    manifest = segmented
    if task == "classification":
        config, rows = SegmentationTrainingOptions(), [vars(row) for row in segmented]
        rows = (ManifestRow(**row | {"split_classification": "test"}) for row in rows)
        write_manifest(Manifest(manifest.root, tuple(rows)), manifest.root)
    config.save(tmp_path / "config.json")
    assert main([task, "--data", str(manifest.root), "--run", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "--run runs/seg" in error if task == "segmentation" else "evaluate it as such" in error


def test_results_go_beside_the_run_unless_told_otherwise(decided, tmp_path):
    options = ClassificationEvaluationOptions(
        data=decided.root, run=tmp_path / "run", samples=1, quiet=True
    )
    subject = Subject(Reads(), tmp_path / "run")
    assert run(options, Reporter(quiet=True), lambda _: subject) == 0
    assert (tmp_path / "run" / "evaluation" / "classification_test" / "metrics.json").is_file()


def test_results_of_an_exported_model_go_to_the_working_directory(decided, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ClassificationEvaluationOptions(
        data=decided.root, model=tmp_path, samples=1, quiet=True
    )
    subject = Subject(Reads(), tmp_path / "cxr_triage" / "3")
    assert run(options, Reporter(quiet=True), lambda _: subject) == 0
    out = tmp_path / "evaluation" / "cxr_triage_classification_test"
    assert (out / "metrics.json").is_file()


def test_films_are_read_by_the_reader_given(decided, tmp_path):
    out = tmp_path / "out"
    options = ClassificationEvaluationOptions(
        data=decided.root, run=out, out=out, samples=1, quiet=True
    )
    film = Film(np.full((4, 4), 257, np.uint16), -1, "ok", "", "png")
    subject = Subject(Reads(), out)
    assert run(options, Reporter(quiet=True), lambda _: subject, lambda _: film) == 0
    assert {row["label"] for row in _rows(out / "predictions.csv")} == {"bacterial"}


def test_help_needs_no_tensorflow():
    code = (
        "import sys; from cxr_tf.evaluate import main\n"
        "try: main(['classification', '--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'tensorflow', 'matplotlib', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--paper-list-only" in done.stdout


def test_no_figure_of_the_record_is_a_bare_nan(decided, tmp_path):
    _, record = _run(decided, tmp_path / "out")

    def numbers(value):
        if isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                yield from numbers(item)
        elif isinstance(value, float):
            yield value

    assert all(map(math.isfinite, numbers(record)))
