import csv
from collections import Counter

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image

from pipelines.adapters import open_data
from pipelines.classes import PAPER_CLASSES
from pipelines.manifest.table import validate
from tools.phantoms.__main__ import main
from tools.phantoms.layouts import LAYOUTS

SIZE = 96


def write(folder, layout, films=12, seed=0):
    LAYOUTS[layout](folder, films, seed, SIZE)
    return folder


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def side_of(mask):
    return np.nonzero(mask)[1].mean() / mask.shape[1]


@pytest.mark.parametrize("films", [12, 13, 40])
def test_the_manifest_passes_every_check(tmp_path, films):
    manifest = open_data(write(tmp_path, "manifest", films))
    need = ("train", "validation", "test")
    validate(manifest, "segmentation", need=need, verify=True)
    validate(manifest, "classification", PAPER_CLASSES, need=need)
    assert len(manifest) == films
    assert manifest.phantom
    for row in manifest:
        assert row.split_segmentation == row.split_classification
        assert row.licence == "CC0 (generated)"
    for split in need:
        found = {PAPER_CLASSES.index(row.label) for row in manifest.select("classification", split)}
        assert found == {0, 1, 2, 3}
    assert {"viral", "covid19"} <= {row.label for row in manifest}
    film = cv2.imread(str(manifest[0].path), cv2.IMREAD_UNCHANGED)
    assert film.shape == (SIZE, SIZE)
    assert film.dtype == np.uint8
    masks = {n: cv2.imread(str(f), cv2.IMREAD_UNCHANGED) for n, f in manifest[0].masks.items()}
    assert set(masks) == {"heart", "left_lung", "right_lung"}
    assert all(set(np.unique(mask)) == {0, 255} for mask in masks.values())
    assert side_of(masks["right_lung"]) < side_of(masks["left_lung"])


def test_most_films_train(tmp_path):
    counts = Counter(row.split_segmentation for row in open_data(write(tmp_path, "manifest", 40)))
    assert counts == {"train": 24, "validation": 8, "test": 8}


def test_films_of_several_sources_stay_phantoms(tmp_path, capsys):
    assert main([str(tmp_path / "a"), "--films", "40", "--size", "64", "--sources", "3"]) == 0
    manifest = open_data(tmp_path / "a")
    assert manifest.phantom and all(row.phantom for row in manifest)
    for source in ("phantom-a", "phantom-b", "phantom-c"):
        own = [row for row in manifest if row.source == source]
        assert {PAPER_CLASSES.index(row.label) for row in own} == {0, 1, 2, 3}
    for wrong in (["--sources", "0"], ["--sources", "2", "--layout", "cohen"]):
        with pytest.raises(SystemExit) as caught:
            main([str(tmp_path / "b"), *wrong])
        assert caught.value.code == 2
        assert "sources" in capsys.readouterr().err


def test_eleven_films_are_too_few(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "out"), "--films", "11"])
    assert caught.value.code == 2
    assert "at least 12" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_seed_writes_the_same_bytes_and_every_folder_says_phantom(tmp_path, layout):
    def contents(folder):
        return {
            file.relative_to(folder): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file() and file.suffix != ".csv"
        }

    films = 12 if layout == "manifest" else 5
    first, again, other = (
        contents(write(tmp_path / name, layout, films, seed))
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again
    assert first != other
    assert b"PHANTOMS" in (tmp_path / "a" / "PHANTOM.txt").read_bytes()


def test_inputs_come_in_every_form(tmp_path):
    write(tmp_path, "inputs", 5)
    truth = table(tmp_path / "labels.csv")
    assert [row["class"] for row in truth] == [
        "normal", "bacterial", "tuberculosis", "viral", "normal",
    ]  # fmt: skip
    names = [row["path"] for row in truth]
    images = [cv2.imread(str(tmp_path / name), cv2.IMREAD_UNCHANGED) for name in names[:3]]
    assert [image.dtype for image in images] == [np.uint8, np.uint16, np.uint8]
    assert (tmp_path / names[2]).read_bytes()[:3] == b"\xff\xd8\xff"
    bright = []
    for name, kind in zip(names[3:], ("MONOCHROME2", "MONOCHROME1"), strict=True):
        dicom = pydicom.dcmread(tmp_path / name)
        assert dicom.PhotometricInterpretation == kind
        assert dicom.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
        assert (dicom.Modality, dicom.BitsStored, dicom.ViewPosition) == ("CR", 12, "PA")
        assert "PHANTOM" in str(dicom.PatientName)
        assert "PHANTOM" in dicom.ImageComments
        pixels = dicom.pixel_array
        assert pixels.max() < 4096
        upright = pixels if kind == "MONOCHROME2" else 4095 - pixels
        bright.append(upright[70:80, 46:50].mean() - upright[5:20, :3].mean())
    assert min(bright) > 1000  # the spine below the lungs is dense, the air beside the neck not


def test_jsrt_is_raw_inverted_and_has_gif_masks_in_two_folds(tmp_path):
    write(tmp_path, "jsrt", 4)
    names = {file.stem for file in (tmp_path / "All247images").glob("*.IMG")}
    assert names == {"JPCLN001", "JPCLN002", "JPCNN001", "JPCNN002"}
    for name in names:
        raw = np.fromfile(tmp_path / "All247images" / f"{name}.IMG", ">u2").reshape(2048, 2048)
        assert raw.max() <= 4095
        masks = tmp_path / "scratch" / f"fold{1 if name.endswith('1') else 2}" / "masks"
        organs = {}
        for organ in ("heart", "left lung", "right lung"):
            with Image.open(masks / organ / f"{name}.gif") as image:
                assert (image.format, image.size) == ("GIF", (1024, 1024))
                organs[organ] = np.asarray(image.convert("L"))
            assert set(np.unique(organs[organ])) == {0, 255}
        assert side_of(organs["right lung"]) < side_of(organs["left lung"])
        small = raw[::2, ::2]
        assert np.median(small[organs["heart"] > 0]) < np.median(small[organs["right lung"] > 0])


def test_montgomery_names_tell_the_class(tmp_path):
    root = write(tmp_path, "montgomery", 4) / "MontgomerySet"
    films = sorted(file.name for file in (root / "CXR_png").iterdir())
    assert films == [f"MCUCXR_000{n}_{n % 2 ^ 1}.png" for n in (1, 2, 3, 4)]
    for name in films:
        film = cv2.imread(str(root / "CXR_png" / name), cv2.IMREAD_UNCHANGED)
        left, right = (
            cv2.imread(str(root / "ManualMask" / f"{side}Mask" / name), cv2.IMREAD_UNCHANGED)
            for side in ("left", "right")
        )
        assert film.shape == left.shape == right.shape == (SIZE, 117)
        assert side_of(right) < side_of(left)
        reading = (root / "ClinicalReadings" / name).with_suffix(".txt").read_text()
        assert reading.startswith("Patient's Sex: ")
        assert ("tuberculosis" in reading) == name.endswith("_1.png")


def test_shenzhen_has_masks_of_both_lungs_for_some_films(tmp_path):
    root = write(tmp_path, "shenzhen", 7)
    films = sorted(file.stem for file in (root / "ChinaSet_AllFiles" / "CXR_png").iterdir())
    assert films == [f"CHNCXR_000{n}_{n % 2 ^ 1}" for n in range(1, 8)]
    masks = sorted((root / "mask").iterdir())
    assert [file.name for file in masks] == [f"{films[number]}_mask.png" for number in (1, 2, 4, 5)]
    mask = cv2.imread(str(masks[0]), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(mask)) == {0, 255}
    assert mask[:, : SIZE // 2].any()
    assert mask[:, SIZE // 2 :].any()
    readings = root / "ChinaSet_AllFiles" / "ClinicalReadings"
    assert (readings / f"{films[0]}.txt").read_text() == "male 20yrs\nnormal (phantom)\n"
    assert (readings / f"{films[6]}.txt").read_text().startswith("male 16month\n")


def test_rsna_is_jpeg_in_dicom_with_a_line_for_each_box(tmp_path):
    write(tmp_path, "rsna", 6)
    labels = table(tmp_path / "stage_2_train_labels.csv")
    details = table(tmp_path / "stage_2_detailed_class_info.csv")
    assert [row["patientId"] for row in labels] == [row["patientId"] for row in details]
    assert Counter(row["class"] for row in details) == {
        "Normal": 2, "Lung Opacity": 4, "No Lung Opacity / Not Normal": 2,
    }  # fmt: skip
    for label, detail in zip(labels, details, strict=True):
        opaque = detail["class"] == "Lung Opacity"
        assert (label["Target"] == "1", label["x"] != "") == (opaque, opaque)
    for name in {row["patientId"] for row in labels}:
        dicom = pydicom.dcmread(tmp_path / "stage_2_train_images" / f"{name}.dcm")
        assert dicom.file_meta.TransferSyntaxUID == pydicom.uid.JPEGBaseline8Bit
        assert (dicom.PatientID, dicom.BitsStored) == (name, 8)
        assert dicom.pixel_array.shape == (SIZE, SIZE)


def test_covidx_holds_both_parts(tmp_path):
    write(tmp_path, "covidx", 9)
    assert {path.name for path in tmp_path.iterdir()} == {
        "PHANTOM.txt", "rsna-pneumonia-detection-challenge", "covid-chestxray-dataset",
    }  # fmt: skip
    assert len(list(tmp_path.rglob("*.dcm"))) == 4
    assert len(table(tmp_path / "covid-chestxray-dataset" / "metadata.csv")) == 5


def test_coronahack_lists_children_and_adults(tmp_path):
    write(tmp_path, "coronahack", 10)
    rows = table(tmp_path / "Chest_xray_Corona_Metadata.csv")
    images = tmp_path / "Coronahack-Chest-XRay-Dataset" / "Coronahack-Chest-XRay-Dataset"
    assert len(rows) == 10
    for row in rows:
        file = images / row["Dataset_type"].lower() / row["X_ray_image_name"]
        assert file.read_bytes()[:3] == b"\xff\xd8\xff"
    assert Counter(row["Label"] for row in rows) == {"Normal": 2, "Pnemonia": 8}
    assert Counter(row["Label_1_Virus_category"] for row in rows) == {
        "": 2, "Virus": 4, "bacteria": 4,
    }  # fmt: skip
    assert {row["Label_2_Virus_category"] for row in rows} == {
        "", "COVID-19", "SARS", "Streptococcus",
    }  # fmt: skip


def test_cohen_lists_patients_with_several_films(tmp_path):
    write(tmp_path, "cohen", 11)
    rows = table(tmp_path / "metadata.csv")
    assert len(rows) == len({row["filename"] for row in rows}) == 11
    assert all((tmp_path / row["folder"] / row["filename"]).is_file() for row in rows)
    assert max(Counter(row["patientid"] for row in rows).values()) == 2
    assert {row["view"] for row in rows} == {"PA", "AP", "AP Supine"}
    assert "Pneumonia/Viral/COVID-19" in {row["finding"] for row in rows}
    assert all("phantom" in row["other_notes"] for row in rows)


def test_layouts_share_no_patient(tmp_path):
    films = open_data(write(tmp_path / "m", "manifest"))
    write(tmp_path / "i", "inputs", 1)
    first = cv2.imread(str(films[0].path), cv2.IMREAD_UNCHANGED)
    assert (cv2.imread(str(tmp_path / "i" / "phantom-0000.png"), 0) != first).mean() > 0.5


def test_one_layout_goes_into_the_folder_and_several_beside_each_other(tmp_path, capsys):
    assert main([str(tmp_path / "one"), "--size", "64"]) == 0
    assert (tmp_path / "one" / "manifest.csv").is_file()
    arguments = ["--layout", "inputs", "--layout", "cohen", "--films", "2", "--size", "64"]
    assert main([str(tmp_path / "two"), *arguments]) == 0
    assert {file.name for file in (tmp_path / "two").iterdir()} == {"inputs", "cohen"}
    assert capsys.readouterr().out.count("PHANTOM films") == 3


def test_wrong_usage_and_unwritable_folders(tmp_path, capsys):
    for arguments in (
        ["--films", "0"],
        ["--size", "10"],
        ["--seed", "-1"],
        ["--layout", "chexpert"],
    ):
        with pytest.raises(SystemExit) as caught:
            main([str(tmp_path / "out"), *arguments])
        assert caught.value.code == 2
    (tmp_path / "file").write_text("in the way")
    assert main([str(tmp_path / "file"), "--layout", "inputs"]) == 1
    assert "cannot be written" in capsys.readouterr().err
