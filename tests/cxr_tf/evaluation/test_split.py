"""Which films are evaluated, and what is said of them."""

from pathlib import Path

import pytest

from cxr_tf.evaluation.split import check_unseen, class_map_of, notes_on, select_films
from cxr_tf.runtime.errors import UsageError
from pipelines.classes import COVID_NET_CLASSES, PAPER_CLASSES
from pipelines.manifest.table import Manifest, ManifestError, ManifestRow


def _manifest(folder, *rows):
    made = []
    for number, fields in enumerate(rows):
        path = folder / f"{number}.png"
        path.write_bytes(b"film")
        made.append(ManifestRow(path, **{"label": "normal", **fields}))
    return Manifest(folder, tuple(made))


def test_the_known_maps_are_found_by_the_models_classes():
    assert class_map_of(PAPER_CLASSES.names) == PAPER_CLASSES
    assert class_map_of(COVID_NET_CLASSES.names) == COVID_NET_CLASSES
    assert class_map_of(("normal", "tuberculosis")).index("tuberculosis") == 1
    assert class_map_of(("normal", "ill"), "normal,ill=viral+covid19").index("covid19") == 1


@pytest.mark.parametrize("spec", ["viral,normal", "normal,viral,covid19", "normal,viral=normal"])
def test_a_map_with_other_classes_than_the_models_is_refused(spec):
    with pytest.raises(UsageError, match="--classes"):
        class_map_of(("normal", "viral"), spec)


def test_films_are_chosen_by_split_list_and_number(tmp_path):
    manifest = _manifest(
        tmp_path,
        {"split_classification": "test"},
        {"split_classification": "train"},
        {"split_classification": "test", "paper_list": "yes"},
        {"split_classification": "test", "paper_list": "yes"},
        {"split_classification": "test", "label": "tuberculosis"},
        {"split_segmentation": "test"},
    )

    def chosen(**options):
        films = select_films(manifest, "classification", "test", **options)
        return [int(row.path.stem) for row in films]

    assert chosen() == [0, 2, 3, 4]
    assert chosen(paper_list_only=True) == [2, 3]
    assert chosen(paper_list_only=True, most=1) == [2]
    assert chosen(classes=COVID_NET_CLASSES) == [0, 2, 3]  # it leaves tuberculosis out


def test_films_of_a_source_are_chosen_from_one_split_or_all(tmp_path):
    manifest = _manifest(
        tmp_path,
        {"split_classification": "test", "source": "a"},
        {"split_classification": "train", "source": "b"},
        {"split_classification": "test", "source": "b"},
        {"split_classification": "validation", "source": "b", "label": "tuberculosis"},
        {"split_classification": "", "source": "b"},
        {"split_classification": "test", "source": "c"},
    )

    def chosen(split, *sources, **options):
        films = select_films(manifest, "classification", split, sources=sources, **options)
        return [int(row.path.stem) for row in films]

    assert chosen("all", "b") == [1, 2, 3]  # what has no split takes no part
    assert chosen("all", "b", classes=COVID_NET_CLASSES) == [1, 2]
    assert chosen("test", "b", "a") == [0, 2]
    assert chosen("all") == [0, 1, 2, 3, 5]
    with pytest.raises(UsageError, match=r"--source d: .*its sources are a, b, c"):
        chosen("all", "a", "d")
    with pytest.raises(UsageError, match="no film of a in the classification split 'train'"):
        chosen("train", "a")


def test_films_of_a_source_that_was_learnt_from_are_refused(tmp_path):
    films = _manifest(tmp_path, {"source": "a"}, {"source": "b"})
    assert check_unseen(films, (["c"], True)) == []
    with pytest.raises(UsageError, match="has learnt from films of b, .*--leave-out b"):
        check_unseen(films, (["b", "c"], False))
    (note,) = check_unseen(films, ([], False))
    assert note.startswith("LEAKAGE POSSIBLE") and "a, b" in note
    (note,) = check_unseen(_manifest(tmp_path, {}), (["c"], True))
    assert "unknown source" in note


def test_an_empty_choice_tells_what_there_is(tmp_path):
    manifest = _manifest(tmp_path, {"split_segmentation": "train"}, {"split_segmentation": "train"})
    with pytest.raises(UsageError, match="train 2, validation 0, test 0, crossdb 0"):
        select_films(manifest, "segmentation", "crossdb")
    manifest = _manifest(tmp_path, {"split_classification": "test"})
    with pytest.raises(UsageError, match="no film of the paper's list"):
        select_films(manifest, "classification", "test", paper_list_only=True)


def test_all_faults_of_the_films_are_told_at_once(tmp_path):
    split = {"split_classification": "test"}
    manifest = _manifest(tmp_path, split, {**split, "label": "fracture"}, split)
    manifest.rows[0].path.unlink()
    manifest.rows[2].path.write_bytes(b"")
    with pytest.raises(ManifestError) as error:
        select_films(manifest, "classification", "test", PAPER_CLASSES)
    assert len(error.value.faults) == 3
    assert {fault.split(":")[0] for fault in error.value.faults} == {
        str(tmp_path / f"{number}.png") for number in range(3)
    }


def test_faults_outside_the_split_do_not_stop_an_evaluation(tmp_path):
    manifest = _manifest(
        tmp_path, {"split_classification": "train"}, {"split_classification": "test"}
    )
    manifest.rows[0].path.unlink()
    assert len(select_films(manifest, "classification", "test", PAPER_CLASSES)) == 1


def _notes(folder, task, split, *rows):
    manifest = _manifest(folder, *rows)
    return notes_on(manifest, manifest.select(task, split), task, split)


def test_a_patient_trained_on_is_called_leakage(tmp_path):
    test = {"split_classification": "test", "patient_id": "p"}
    assert _notes(tmp_path, "classification", "test", test) == []
    (note,) = _notes(
        tmp_path, "classification", "test", test, test, {**test, "split_classification": "train"}
    )
    assert note.startswith("LEAKAGE") and note.endswith(": 2")
    (note,) = _notes(
        tmp_path, "segmentation", "crossdb",
        {"split_segmentation": "crossdb", "patient_id": "p"},
        {"split_segmentation": "validation", "patient_id": "p"},
    )  # fmt: skip
    assert note.startswith("LEAKAGE") and note.endswith(": 1")


def test_a_patient_of_the_segmentations_training_is_told(tmp_path):
    row = {"split_classification": "test", "split_segmentation": "train", "patient_id": "p"}
    (note,) = _notes(tmp_path, "classification", "test", row)
    assert "segmentation" in note and "LEAKAGE" not in note


def test_splits_that_flatter_and_unknown_patients_are_told(tmp_path):
    trained, unknown = _notes(
        tmp_path, "classification", "train", {"split_classification": "train"}
    )
    assert "trained on" in trained
    assert unknown == "films without a patient id: 1; each counts as a patient of its own"
    chosen, _ = _notes(
        tmp_path, "classification", "validation", {"split_classification": "validation"}
    )
    assert "flatter" in chosen


def test_paths_stand_for_patients_without_an_id(tmp_path):
    notes = _notes(
        tmp_path, "classification", "test",
        {"split_classification": "test"}, {"split_classification": "train"},
    )  # fmt: skip
    assert not any("LEAKAGE" in note for note in notes)
    assert Path(tmp_path, "0.png").is_file()


def test_all_splits_of_a_source_are_no_leakage_among_themselves(tmp_path):
    train = {"split_classification": "train", "patient_id": "p", "source": "a"}
    manifest = _manifest(tmp_path, train, {**train, "patient_id": "q"})
    assert notes_on(manifest, manifest, "classification", "all") == []
