"""Sources that a training must not see: which films go, what is refused, and what is told."""

import json
from pathlib import Path

import pytest

from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.run_options import ClassificationTrainingOptions, SegmentationTrainingOptions
from cxr_tf.training.left_out import films_kept, learnt_from, without_sources
from pipelines.classes import parse_classes
from pipelines.manifest.table import Manifest, ManifestRow

CLASSES = parse_classes("normal,ill=viral+covid19")


def row(name, label, source, split="train", **fields):
    return ManifestRow(
        Path("/films", name), label, source=source, split_classification=split,
        split_segmentation=split, **fields,
    )  # fmt: skip


FILMS = Manifest(
    Path("/films/manifest.csv"),
    (
        row("a1", "normal", "a"), row("a2", "viral", "a"), row("a3", "normal", "a", "validation"),
        row("b1", "normal", "b"), row("b2", "covid19", "b"), row("b3", "viral", "b", "validation"),
        row("c1", "normal", "c"), row("c2", "normal", "c", "validation"),
    ),
)  # fmt: skip


def options(*sources, kind=ClassificationTrainingOptions, **changes):
    return kind(leave_out=sources, **changes)


def kept(*sources, data=FILMS, **changes):
    rows = films_kept(options(*sources, **changes), data, CLASSES)
    return [film.path.name for film in rows]


def run_that_learnt(folder, *sources, known=True):
    folder.mkdir()
    facts = {"sources": sources, "sources_known": known}
    (folder / "data.json").write_text(json.dumps(facts))
    return str(folder)


def test_every_film_of_the_sources_goes_whatever_its_split(caplog):
    caplog.set_level("INFO")
    assert kept("a") == ["b1", "b2", "b3", "c1", "c2"]
    assert "3 films of a are left out (2 of train split, 1 of validation split)" in caplog.text
    assert kept("a", "c") == ["b1", "b2", "b3"]
    assert films_kept(options(), FILMS, CLASSES) is FILMS


def test_an_unknown_source_tells_which_there_are():
    with pytest.raises(UsageError, match=r"--leave-out B.*its sources are a, b, c"):
        kept("a", "B")


def test_films_of_the_same_patient_or_content_go_too(caplog):
    caplog.set_level("INFO")
    data = Manifest(
        FILMS.root,
        (
            *FILMS.rows,
            row("a4", "normal", "a", patient_id="p", sha256="AB"),
            row("b4", "normal", "b", patient_id="p"),
            row("b5", "normal", "b", sha256="ab"),
            row("b6", "normal", "b", patient_id="q", sha256="cd"),
        ),
    )
    assert [film.path.name for film in without_sources(data, ["a"])][-1] == "b6"
    assert kept("a", data=data) == ["b1", "b2", "b3", "c1", "c2", "b6"]
    assert "2 films of other sources too" in caplog.text


def test_a_class_without_films_to_train_on_is_refused():
    with pytest.raises(UsageError, match="--leave-out a b: no film of ill is left to train on"):
        kept("a", "b")
    with pytest.raises(UsageError, match="no film is left in the classification split 'train'"):
        kept("a", "b", "c")


def test_films_that_may_not_be_trained_on_keep_no_class_alive():
    rows = [*FILMS.rows[:3], row("b2", "viral", "b", licence="CC BY-NC-ND"), FILMS.rows[3]]
    with pytest.raises(UsageError, match="no film of ill is left to train on"):
        kept("a", data=Manifest(FILMS.root, (*rows, FILMS.rows[5])))


def test_a_class_that_validation_loses_is_told(caplog):
    assert kept("b") == ["a1", "a2", "a3", "c1", "c2"]
    assert "no film of ill is left to validate on" in caplog.text


def test_segmentation_has_no_classes_to_lose():
    config = options("a", "b", kind=SegmentationTrainingOptions)
    assert len(films_kept(config, FILMS, None)) == 2


def test_first_weights_that_know_a_source_are_refused(tmp_path, caplog):
    start = run_that_learnt(tmp_path / "start", "a", "b")
    with pytest.raises(UsageError, match=r"--start-from .*start has learnt from a, which"):
        kept("a", start_from=start)
    assert kept("c", start_from=start) and "does not say" not in caplog.text
    unknown = run_that_learnt(tmp_path / "unknown", "b", known=False)
    assert kept("c", start_from=unknown) and "does not say" in caplog.text
    assert kept("c", start_from=str(tmp_path / "weights.safetensors"))


def test_masks_of_a_network_that_knows_a_source_are_told(tmp_path, caplog):
    masks = run_that_learnt(tmp_path / "masks", "a")
    assert kept("c", segmentation=masks) and "network of the masks" not in caplog.text
    assert kept("a", segmentation=masks)
    assert "the network of the masks has learnt from a" in caplog.text


def test_the_record_names_the_sources_of_this_run_and_of_its_first_weights(tmp_path):
    def record(data, **changes):
        return learnt_from(options(**changes), data, CLASSES)

    rows = without_sources(FILMS, ["a"])
    assert record(rows) == {"sources": ["b", "c"], "sources_known": True}
    start = run_that_learnt(tmp_path / "start", "x")
    assert record(rows, start_from=start) == {"sources": ["b", "c", "x"], "sources_known": True}
    lost = str(tmp_path / "none.safetensors")
    assert record(rows, start_from=lost) == {"sources": ["b", "c"], "sources_known": False}
    bare = Manifest(FILMS.root, (row("d", "normal", ""), row("e", "normal", "t", "test")))
    assert record(bare) == {"sources": [""], "sources_known": False}
