import dataclasses
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.manifest.splits import give_splits, shares, split_again, stratify, without_splits
from pipelines.manifest.table import Manifest, ManifestRow

# Table III: training, validation and test of each class.
TABLE_III = {
    "normal": (134, 19, 38),
    "bacterial": (39, 5, 10),
    "tuberculosis": (41, 5, 11),
    "viral": (14, 2, 4),
    "covid19": (126, 18, 36),
}
SPLITS = ("train", "validation", "test")


def row(number, label="normal", patient="", split="train", folder="/data"):
    return ManifestRow(
        path=Path(folder) / f"{number}.png",
        label=label,
        patient_id=patient,
        split_classification=split,
    )


def table_iii():
    labels = [label for label, counts in TABLE_III.items() for _ in range(sum(counts))]
    return [row(number, label) for number, label in enumerate(labels)]


def counts_of(rows, label):
    found = Counter(r.split_classification for r in rows if r.label == label)
    return tuple(found[split] for split in SPLITS)


def splits_of_patients(rows):
    splits = {}
    for r in rows:
        splits.setdefault(r.patient_id, set()).add(r.split_classification)
    return splits


@pytest.mark.parametrize("by", ["patient", "image"])
@pytest.mark.parametrize("seed", [0, 7])
def test_single_films_give_the_counts_of_table_iii(by, seed):
    manifest = split_again(Manifest(Path("/data"), tuple(table_iii())), by=by, seed=seed)
    assert {label: counts_of(manifest, label) for label in TABLE_III} == TABLE_III


@given(
    st.lists(st.tuples(st.integers(0, 15), st.sampled_from("abc")), min_size=1, max_size=60),
    st.integers(0, 3),
    st.randoms(),
)
def test_units_stay_together_and_the_order_of_films_means_nothing(films, seed, random):
    units, labels = [f"patient{unit}" for unit, _ in films], [label for _, label in films]
    splits = stratify(units, labels, seed)
    assert set(splits) <= set(SPLITS)
    assert len(set(zip(units, splits, strict=True))) == len(set(units))
    order = list(range(len(films)))
    random.shuffle(order)
    shuffled = stratify([units[i] for i in order], [labels[i] for i in order], seed)
    assert shuffled == [splits[i] for i in order]


@given(st.lists(st.integers(1, 6), min_size=3, max_size=40), st.integers(0, 3))
def test_every_split_of_a_class_has_a_unit_and_single_films_fill_it(sizes, seed):
    units = [f"patient{index}" for index, size in enumerate(sizes) for _ in range(size)]
    counts = Counter(stratify(units, ["a"] * len(units), seed))
    validation, test = shares("a", len(units))
    assert set(counts) == set(SPLITS)
    if sizes.count(1) >= validation + test:
        assert (counts["validation"], counts["test"]) == (validation, test)


def test_seeds_differ_and_a_moved_folder_does_not():
    rows = table_iii()
    by_seed = [
        [r.split_classification for r in give_splits(rows, "classification", bool, seed=seed)]
        for seed in (0, 1)
    ]
    assert by_seed[0] != by_seed[1]
    moved = [dataclasses.replace(r, path=Path("/elsewhere/data") / r.path.name) for r in rows]
    again = give_splits(moved, "classification", bool, by="image")
    assert [r.split_classification for r in again] == by_seed[0]


def test_by_patient_keeps_patients_together_and_by_image_does_not():
    # As in the paper's COVID-19 films: 180 of 118 patients.
    rows = [row(n, "covid19", f"cohen-{n % 118}") for n in range(180)]
    manifest = Manifest(Path("/data"), tuple(rows))
    patients = split_again(manifest, by="patient")
    assert {len(found) for found in splits_of_patients(patients).values()} == {1}
    assert counts_of(patients, "covid19") == (126, 18, 36)
    images = split_again(manifest, by="image")
    assert any(len(found) > 1 for found in splits_of_patients(images).values())


def test_a_patient_of_several_classes_counts_as_the_most_frequent_one():
    units = ["x", "x", "x", *(f"u{n}" for n in range(27))]
    labels = ["a", "b", "b", *("b" for _ in range(27))]
    splits = stratify(units, labels)
    assert len({split for unit, split in zip(units, splits, strict=True) if unit == "x"}) == 1
    assert Counter(splits) == {"train": 21, "validation": 3, "test": 6}


def test_rows_that_take_no_part_keep_their_split():
    rows = (*table_iii(), row(9000, split=""), row(9001, split=""))
    manifest = split_again(Manifest(Path("/data"), rows))
    assert [r.split_classification for r in manifest[-2:]] == ["", ""]
    segmented = tuple(
        dataclasses.replace(r, split_segmentation="crossdb" if i % 2 else "train")
        for i, r in enumerate(rows)
    )
    again = split_again(Manifest(Path("/data"), segmented), "segmentation")
    assert all(r.split_segmentation == "crossdb" for r in again.rows[1::2])
    assert {r.split_segmentation for r in again.rows[::2]} == set(SPLITS)
    assert [r.split_classification for r in again] == [r.split_classification for r in rows]
    bare = without_splits(again)
    assert {(r.split_segmentation, r.split_classification) for r in bare} == {("", "")}


@pytest.mark.parametrize(("films", "expected"), [(1, (0, 0)), (2, (0, 0)), (3, (1, 1))])
def test_few_films(films, expected):
    assert shares("a", films) == expected


def test_wrong_words_are_refused():
    with pytest.raises(ValueError, match="tasks are"):
        give_splits([], "detection", bool)
    with pytest.raises(ValueError, match="'patient' or 'image'"):
        give_splits([], "classification", bool, by="film")
    with pytest.raises(ValueError, match="shorter"):
        stratify(["a", "b"], ["a"])
