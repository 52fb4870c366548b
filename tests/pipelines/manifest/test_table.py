import csv
import dataclasses
import hashlib
import shutil
import subprocess
import sys

import pytest

from pipelines.classes import COVID_NET_CLASSES, PAPER_CLASSES
from pipelines.manifest.table import (
    COLUMNS,
    Manifest,
    ManifestError,
    ManifestRow,
    hash_films,
    is_manifest,
    read_manifest,
    validate,
    write_manifest,
)

LABELS = ("normal", "bacterial", "tuberculosis", "viral")


@pytest.fixture
def manifest(tmp_path):
    """Twelve films, each class once in every split of both tasks, with all masks."""
    rows = []
    for number in range(12):
        split = ("train", "validation", "test")[number // 4]
        files = {}
        for name in ("film", "mask_heart", "mask_left_lung", "mask_right_lung"):
            file = tmp_path / "data" / name / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(f"{name} {number}".encode())
            files[name] = file
        rows.append(
            ManifestRow(
                path=files.pop("film"),
                label=LABELS[number % 4],
                patient_id=f"patient-{number}",
                view="PA",
                source="phantom",
                licence="CC0 (generated)",
                split_segmentation=split,
                split_classification=split,
                **files,
            )
        )
    return Manifest(tmp_path / "data", tuple(rows))


def changed(manifest, index, **values):
    rows = list(manifest.rows)
    rows[index] = dataclasses.replace(rows[index], **values)
    return Manifest(manifest.root, tuple(rows))


def faults(manifest, task="classification", classes=PAPER_CLASSES, **options):
    with pytest.raises(ManifestError) as caught:
        validate(manifest, task, classes, **options)
    return caught.value.faults


def test_what_is_written_is_read_back(manifest, tmp_path):
    odd = changed(
        manifest,
        0,
        licence='CC BY, "by name"',
        view="AP Supine",
        paper_list="yes",
        age_group="child",
    )
    write_manifest(odd, tmp_path / "data" / "manifest.csv")
    again = read_manifest(tmp_path / "data" / "manifest.csv")
    assert again.rows == odd.rows
    with open(tmp_path / "data" / "manifest.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS
    assert lines[0]["path"] == "film/0.png"
    assert lines[0]["class"] == "normal"
    assert not list((tmp_path / "data").glob(".*"))


def test_paths_are_relative_to_the_manifest_wherever_it_lies(manifest, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    write_manifest(manifest, tmp_path / "elsewhere" / "m.csv")
    assert "../data/film/0.png" in (tmp_path / "elsewhere" / "m.csv").read_text()
    again = read_manifest(tmp_path / "elsewhere" / "m.csv")
    assert again.rows == manifest.rows


def test_a_moved_folder_keeps_working_and_keeps_its_fingerprint(manifest, tmp_path):
    write_manifest(manifest, tmp_path / "data" / "manifest.csv")
    shutil.move(tmp_path / "data", tmp_path / "moved")
    moved = read_manifest(tmp_path / "moved" / "manifest.csv")
    validate(moved, "classification", PAPER_CLASSES)
    shutil.copytree(tmp_path / "moved", tmp_path / "data")
    assert moved.fingerprint() == manifest.fingerprint()


def test_only_required_columns_are_needed_and_blanks_go(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(
        "\ufeffpath , class,split_segmentation,split_classification,width\n"
        " a.png , normal ,, train ,512\n\n/far/b.png,viral,,test,9\n",
        encoding="utf-8",
    )
    manifest = read_manifest(path)
    assert [row.path.as_posix() for row in manifest] == [str(tmp_path / "a.png"), "/far/b.png"]
    assert manifest[0].label == "normal"
    assert manifest[0].split("classification") == "train"
    assert manifest[0].split("segmentation") == ""
    assert manifest[0].masks == {}


def test_missing_doubled_and_misspelt_columns_are_listed_at_once(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("path,path,license,mask_hart,split_segmentation\na.png,a.png,x,y,train\n")
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    listed = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 5
    for part in ("'class'", "'split_classification'", "'path' stands twice"):
        assert part in listed
    assert "did you mean 'licence'" in listed
    assert "did you mean 'mask_heart'" in listed
    assert str(path) in str(caught.value)


MANIFEST = "path,Class,split_segmentation,SPLIT_CLASSIFICATION\na.png,normal,,train\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("first", ["", "sep={}\n"])
def test_other_separators_encodings_and_cases_are_read(tmp_path, separator, encoding, first):
    path = tmp_path / "m.csv"
    text = first.format(separator) + MANIFEST.replace(",", separator)
    path.write_bytes(text.encode(encoding))
    (row,) = read_manifest(path)
    assert (row.path, row.label, row.split("classification")) == (
        tmp_path / "a.png", "normal", "train"
    )  # fmt: skip
    assert is_manifest(path)


def test_a_table_that_is_no_manifest_is_told_with_its_columns_and_separator(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("film;label\na.png;normal\n")
    with pytest.raises(ManifestError, match="separated by semicolons, are 'film', 'label'"):
        read_manifest(path)


def test_too_few_cells_and_open_quotes_have_their_own_remedy(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(MANIFEST + "b.png,normal\n")
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert caught.value.faults == ["line 3: 2 cells under 4 columns; fill it up with empty cells"]
    path.write_text(MANIFEST + '"b.png,normal,,train\n')
    with pytest.raises(ManifestError, match="line 3: a quote is opened and not closed"):
        read_manifest(path)


def test_rows_without_path_or_with_too_many_cells_are_listed_by_line(tmp_path):
    path = tmp_path / "m.csv"
    header = "path,class,split_segmentation,split_classification\n"
    path.write_text(header + "a.png,normal,,\n,normal,,\nb,png,normal,,\nc.png\n")
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["line 3", "line 4", "line 5"]


def test_files_that_are_no_csv_are_refused(tmp_path):
    (tmp_path / "binary.csv").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    (tmp_path / "empty.csv").write_bytes(b"")
    for name, cause in (("binary", "no UTF-8"), ("empty", "no column 'path'"), ("none", "check")):
        with pytest.raises(ManifestError, match=cause):
            read_manifest(tmp_path / f"{name}.csv")
        assert not is_manifest(tmp_path / f"{name}.csv")


def test_select_keeps_splits_in_order(manifest):
    assert [row.patient_id for row in manifest.select("segmentation", "test", "train")] == [
        f"patient-{n}" for n in (0, 1, 2, 3, 8, 9, 10, 11)
    ]
    without = changed(manifest, 0, split_segmentation="")
    assert len(without.select("segmentation")) == 11
    assert len(without.select("classification")) == 12
    assert len(manifest.select("classification", "test", classes=COVID_NET_CLASSES)) == 3
    with pytest.raises(ValueError, match="'crossdb'"):
        manifest.select("classification", "crossdb")
    with pytest.raises(ValueError, match="the tasks are"):
        manifest.select("regression")


def test_a_row_without_patient_is_its_own_patient(manifest):
    anonymous = changed(changed(manifest, 0, patient_id=""), 11, patient_id="")
    assert anonymous[0].patient != anonymous[11].patient
    validate(anonymous, "classification", PAPER_CLASSES)


@pytest.mark.parametrize(
    ("licence", "trainable"),
    [
        ("CC BY-NC-ND", False),
        ("CC BY-ND 4.0", False),
        ("cc-by-nc-nd-4.0", False),
        ("CC BY NC ND", False),
        ("CC BY-NC\u2011ND", False),
        ("Attribution-NoDerivatives 4.0", False),
        ("no derivative works", False),
        ("CC BY-NC-SA", True),
        ("CC BY 4.0", True),
        ("CC0 (generated)", True),
        ("released by NDA holder", True),
        ("", True),
    ],
)
def test_no_derivatives_licences_are_not_trained_on(licence, trainable):
    assert ManifestRow(path=None, label="normal", licence=licence).trainable is trainable


def test_phantoms_are_known(manifest):
    assert manifest.phantom
    assert all(row.phantom for row in manifest)
    real = Manifest(manifest.root, (dataclasses.replace(manifest[0], source="jsrt"),))
    assert not real.phantom


def test_fingerprint_sees_rows_order_and_file_sizes(manifest):
    base = manifest.fingerprint()
    assert manifest.fingerprint() == base
    assert changed(manifest, 3, age_group="child").fingerprint() == base
    assert changed(manifest, 3, label="covid19").fingerprint() != base
    assert Manifest(manifest.root, manifest.rows[::-1]).fingerprint() != base
    assert Manifest(manifest.root, manifest.rows[:-1]).fingerprint() != base
    manifest[5].path.write_bytes(b"another film")
    assert manifest.fingerprint() != base
    assert Manifest(manifest.root, ()).fingerprint() != base


def test_hash_films_fills_sha256_and_verify_sees_a_changed_film(manifest):
    hashed = hash_films(manifest)
    assert hashed[2].sha256 == hashlib.sha256(b"film 2").hexdigest()
    validate(hashed, "segmentation", verify=True)
    hashed[2].path.write_bytes(b"film X")
    validate(hashed, "segmentation")
    (fault,) = faults(hashed, "segmentation", None, verify=True)
    assert str(hashed[2].path) in fault
    assert "differs from its sha256" in fault
    hashed[1].path.unlink()
    with pytest.raises(ManifestError, match="cannot be read"):
        hash_films(hashed)


def test_a_good_manifest_passes_both_tasks(manifest):
    validate(manifest, "segmentation")
    validate(manifest, "classification", PAPER_CLASSES)
    validate(manifest, "classification")


def test_all_faults_are_listed_at_once(manifest):
    bad = changed(manifest, 0, label="pnuemonia")
    bad = changed(bad, 5, patient_id="patient-1")
    bad = changed(bad, 6, split_classification="dev")
    bad = changed(bad, 7, path=manifest[4].path)
    bad[2].path.unlink()
    bad[3].mask_heart.unlink()
    bad[8].path.write_bytes(b"")
    listed = faults(bad)
    expected = (
        f"{bad[4].path}: stands in 2 rows",
        f"{bad[6].path}: unknown classification split 'dev'",
        f"{bad[2].path}: film is missing",
        f"{bad[3].mask_heart}: heart mask is missing",
        f"{bad[8].path}: film is an empty file",
        "patient 'patient-1' is in classification splits train, validation",
        f"{bad[0].path}: unknown class 'pnuemonia'",
        "class 'normal' has no film to train on",
    )
    assert len(listed) == len(expected)
    for part in expected:
        assert sum(fault.startswith(part) for fault in listed) == 1, (part, listed)
    with pytest.raises(ManifestError, match="8 faults"):
        validate(bad, "classification", PAPER_CLASSES)


def test_a_patient_may_have_another_split_in_the_other_task(manifest):
    validate(changed(manifest, 0, split_segmentation="crossdb"), "classification", PAPER_CLASSES)


def test_the_same_film_under_two_names_in_two_splits_is_a_fault(manifest):
    same = changed(hash_films(manifest), 9, sha256=hash_films(manifest)[1].sha256.upper())
    (fault,) = faults(same)
    assert str(same[1].path) in fault
    assert str(same[9].path) in fault
    assert "the same film" in fault


def test_masks_a_split_needs(manifest):
    bad = changed(manifest, 0, mask_heart=None)
    bad = changed(bad, 5, mask_left_lung=None, mask_right_lung=None)
    bad = changed(bad, 8, mask_left_lung=None)
    union = bad[9].mask_left_lung
    bad = changed(bad, 9, mask_heart=None, mask_left_lung=None, mask_lung=union)
    listed = faults(bad, "segmentation", None)
    assert len(listed) == 3
    assert "no mask of heart, needed in split 'train'" in listed[0]
    assert "no mask of left_lung, right_lung" in listed[1]
    assert listed[2].startswith(f"{bad[8].path}: no lung mask")
    validate(bad, "classification", PAPER_CLASSES)


def test_empty_splits_and_untrainable_films(manifest):
    tests_only = Manifest(manifest.root, manifest.rows[8:])
    validate(tests_only, "classification", PAPER_CLASSES, need=("test",))
    assert "split 'train' holds no film" in faults(tests_only)[0]
    assert "split 'crossdb'" in faults(manifest, "segmentation", None, need=("crossdb",))[0]
    protected = changed(manifest, 1, licence="CC BY-NC-ND")
    assert faults(protected) == [
        "class 'bacterial' has no film to train on; add films or drop the class"
    ]
    with pytest.raises(ValueError, match="'dev'"):
        validate(manifest, "classification", need=("dev",))


def test_classes_left_out_are_no_fault(manifest):
    covid = manifest
    for index in (3, 7, 11):
        covid = changed(covid, index, label="covid19")
    validate(covid, "classification", COVID_NET_CLASSES)
    nodule = changed(manifest, 0, label="lung_nodule")
    assert "unknown class 'lung_nodule'" in faults(nodule)[0]
    assert "unknown class 'flu'" in faults(changed(manifest, 0, label="flu"), classes=None)[0]


def test_import_needs_no_tensorflow():
    code = (
        "import sys, pipelines.manifest.table, pipelines.adapters; "
        "assert not {'tensorflow', 'numpy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
