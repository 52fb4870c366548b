"""Writers that put phantoms on disk in the layouts of public data releases.

Every folder gets a `PHANTOM.txt`, and every film has the word burnt in.
"""

import uuid
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tools.phantoms.chest import phantom
from tools.phantoms.files import (
    LICENCE,
    draw,
    eight_bit,
    generator,
    make_folder,
    mark,
    resize,
    write_csv,
    write_dicom,
    write_image,
)


def write_jsrt(out: Path, films: int, seed: int, size: int) -> None:
    """Write JSRT's raw films and the SCR masks that go with them.

    `All247images/JPCLN001.IMG` (nodule) and `JPCNN001.IMG`: 2048 x 2048 big-endian uint16 of 12
    bit in which air is bright. `scratch/fold1|fold2/masks/<organ>/*.gif`: 1024 x 1024, odd
    numbers in fold 1. `Clinical_Information/CLNDAT_EN.txt` and `CNNDAT_EN.TXT`: sex and age.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Side at which films are drawn before they are enlarged.
    """
    mark(out)
    images = make_folder(out / "All247images")
    clinical = make_folder(out / "Clinical_Information")
    nodules, others = [], []
    for number, label, drawn in draw(("lung_nodule", "normal"), films, seed, "jsrt", size):
        index = number // 2 + 1
        name = f"{'JPCLN' if label == 'lung_nodule' else 'JPCNN'}{index:03d}"
        raw = 4095 - (resize(drawn.pixels, (2048, 2048), cv2.INTER_CUBIC) >> 4)
        (images / f"{name}.IMG").write_bytes(raw.astype(">u2").tobytes())
        masks = out / "scratch" / f"fold{1 if index % 2 else 2}" / "masks"
        for organ in ("heart", "left lung", "right lung"):
            mask = getattr(drawn, organ.replace(" ", "_")).astype(np.uint8) * 255
            mask = resize(mask, (1024, 1024), cv2.INTER_NEAREST)
            Image.fromarray(mask).save(make_folder(masks / organ) / f"{name}.gif")
        age, sex = 30 + 9 * number % 50, ("female", "male")[number % 3 == 0]
        if label == "lung_nodule":
            where = "1634\t692\tbenign\tl.upper lobe\tphantom"
            nodules.append(f"{name}.IMG\t5\t15\t{age}\t{sex}\t{where}\r")
        else:
            others.append(f"{name}.IMG   {age}  {sex}  non-nodule\r")
    (clinical / "CLNDAT_EN.txt").write_bytes("".join(nodules).encode())
    (clinical / "CNNDAT_EN.TXT").write_bytes("".join(others).encode())


def write_montgomery(out: Path, films: int, seed: int, size: int) -> None:
    """Write NLM's Montgomery set: `MontgomerySet/CXR_png`, `ManualMask`, `ClinicalReadings`.

    Names end in `_0` (normal) or `_1` (tuberculosis); films are wider than high.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height in pixels.
    """
    mark(out)
    root = out / "MontgomerySet"
    shape = (round(1.217 * size), size)
    for number, label, drawn in draw(("normal", "tuberculosis"), films, seed, "montgomery", size):
        name = f"MCUCXR_{number + 1:04d}_{int(label == 'tuberculosis')}"
        film = resize(eight_bit(drawn.pixels), shape, cv2.INTER_AREA)
        write_image(root / "CXR_png" / f"{name}.png", film)
        for side in ("left", "right"):
            mask = getattr(drawn, f"{side}_lung").astype(np.uint8) * 255
            write_image(
                root / "ManualMask" / f"{side}Mask" / f"{name}.png",
                resize(mask, shape, cv2.INTER_NEAREST),
            )
        sex, age = "FM"[number % 2], 20 + 7 * number % 60
        reading = make_folder(root / "ClinicalReadings") / f"{name}.txt"
        reading.write_text(f"Patient's Sex: {sex}\nPatient's Age: {age:03d}Y\n{label} (phantom)\n")


def write_shenzhen(out: Path, films: int, seed: int, size: int) -> None:
    """Write NLM's Shenzhen set: `ChinaSet_AllFiles/CXR_png`, `ClinicalReadings`, `mask`.

    Names end in `_0` (normal) or `_1` (tuberculosis). Two films of three have a mask, of both
    lungs together, by other authors; every seventh patient is a child.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    mark(out)
    root = out / "ChinaSet_AllFiles"
    for number, label, drawn in draw(("normal", "tuberculosis"), films, seed, "shenzhen", size):
        name = f"CHNCXR_{number + 1:04d}_{int(label == 'tuberculosis')}"
        write_image(root / "CXR_png" / f"{name}.png", eight_bit(drawn.pixels))
        if number % 3:
            lungs = (drawn.left_lung | drawn.right_lung).astype(np.uint8) * 255
            write_image(out / "mask" / f"{name}_mask.png", lungs)
        age = "16month" if number % 7 == 6 else f"{20 + 7 * number % 60}yrs"
        reading = make_folder(root / "ClinicalReadings") / f"{name}.txt"
        reading.write_text(f"{('male', 'female')[number % 2]} {age}\n{label} (phantom)\n")


def write_coronahack(out: Path, films: int, seed: int, size: int) -> None:
    """Write the CoronaHack release: a metadata CSV, and JPEG films in `train` and `test`.

    Names tell children (`person1_bacteria_1`, `IM-0001-0001`) from adults, as in the release,
    which has no tuberculosis and, among adults, no normal film.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    mark(out)
    names = {
        "normal": ("IM-{0:04d}-0001.jpeg", "Normal", "", ""),
        "bacterial": ("person{0}_bacteria_{0}.jpeg", "Pnemonia", "", "bacteria"),
        "viral": ("SARS-phantom-{0}-day0.jpeg", "Pnemonia", "SARS", "Virus"),
        "covid19": ("covid-19-phantom-{0}.jpeg", "Pnemonia", "COVID-19", "Virus"),
    }
    adult = ("streptococcus-phantom-{0}.jpeg", "Pnemonia", "Streptococcus", "bacteria")
    cycle = ("normal", "bacterial", "viral", "bacterial", "covid19")
    images = out / "Coronahack-Chest-XRay-Dataset" / "Coronahack-Chest-XRay-Dataset"
    rows = []
    for number, label, drawn in draw(cycle, films, seed, "coronahack", size):
        pattern, verdict, virus, cause = adult if number % 5 == 3 else names[label]
        name = pattern.format(number + 1)
        split = "test" if number % 4 == 3 else "train"
        write_image(images / split / name, eight_bit(drawn.pixels))
        rows.append((number, name, verdict, split.upper(), virus, cause))
    header = ("", "X_ray_image_name", "Label", "Dataset_type", "Label_2_Virus_category")
    write_csv(out / "Chest_xray_Corona_Metadata.csv", (*header, "Label_1_Virus_category"), rows)


def write_cohen(out: Path, films: int, seed: int, size: int) -> None:
    """Write Cohen's collection: `metadata.csv` and `images/`.

    Every third patient has two films (two offsets); views are PA, AP and AP Supine.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    mark(out)
    findings = {
        "covid19": "Pneumonia/Viral/COVID-19",
        "bacterial": "Pneumonia/Bacterial/Streptococcus",
        "viral": "Pneumonia/Viral/SARS",
        "tuberculosis": "Tuberculosis",
        "normal": "No Finding",
    }
    header = (
        "patientid", "offset", "sex", "age", "finding", "RT_PCR_positive", "survival", "intubated",
        "intubation_present", "went_icu", "in_icu", "needed_supplemental_O2", "extubated",
        "temperature", "pO2_saturation", "leukocyte_count", "neutrophil_count", "lymphocyte_count",
        "view", "modality", "date", "location", "folder", "filename", "doi", "url", "license",
        "clinical_notes", "other_notes",
    )  # fmt: skip
    rows: list[dict[str, object]] = []
    patient = 0
    while len(rows) < films:
        label = tuple(findings)[patient % len(findings)]
        visits = 2 if patient % 3 == 0 and len(rows) + 2 <= films else 1
        for visit in range(visits):
            anatomy = generator(seed, "cohen", patient)
            exposure = generator(seed, "cohen exposure", 2 * patient + visit)
            drawn = phantom(label, anatomy, size, exposure)
            name = f"phantom-{patient + 1}-day{5 * visit}.{'png' if patient % 2 else 'jpg'}"
            write_image(out / "images" / name, eight_bit(drawn.pixels))
            rows.append(
                {
                    "patientid": patient + 1,
                    "offset": 5 * visit,
                    "sex": "MF"[patient % 2],
                    "age": 25 + 11 * patient % 60,
                    "finding": findings[label],
                    "view": ("PA", "AP", "AP Supine")[patient % 3],
                    "modality": "X-ray",
                    "folder": "images",
                    "filename": name,
                    "license": LICENCE,
                    "other_notes": "generated phantom",
                }
            )
        patient += 1
    lines = ([row.get(column, "") for column in header] for row in rows)
    write_csv(out / "metadata.csv", header, lines)


def write_rsna(out: Path, films: int, seed: int, size: int) -> None:
    """Write the RSNA challenge: `stage_2_train_images/*.dcm`, labels and detailed classes.

    In turn normal, opacity (two boxes, so two lines), and neither; films are named by generated
    ids, 8 bit in baseline JPEG, PA and AP.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    mark(out)
    classes = {
        "normal": "Normal",
        "bacterial": "Lung Opacity",
        "tuberculosis": "No Lung Opacity / Not Normal",
    }
    images = make_folder(out / "stage_2_train_images")
    labels: list[tuple[object, ...]] = []
    details: list[tuple[object, ...]] = []
    for number, label, drawn in draw(tuple(classes), films, seed, "rsna", size):
        name = str(uuid.UUID(bytes=generator(seed, "rsna id", number).bytes(16), version=4))
        write_dicom(
            images / f"{name}.dcm",
            drawn.pixels,
            key=f"rsna {seed} {number}",
            jpeg=True,
            PatientID=name,
            PatientAge=str(20 + 7 * number % 60),
            PatientSex="FM"[number % 2],
            ViewPosition=("PA", "AP")[number % 4 == 3],
        )
        opaque = label == "bacterial"
        boxes = [(220, 300, 180, 240), (590, 310, 150, 200)] if opaque else [("",) * 4]
        labels += [(name, *box, int(opaque)) for box in boxes]
        details += [(name, classes[label]) for _ in boxes]
    header = ("patientId", "x", "y", "width", "height", "Target")
    write_csv(out / "stage_2_train_labels.csv", header, labels)
    write_csv(out / "stage_2_detailed_class_info.csv", ("patientId", "class"), details)


def write_covidx(out: Path, films: int, seed: int, size: int) -> None:
    """Write the two parts of COVID-Net's data set beside each other.

    Args:
        out: Folder; gets `rsna-pneumonia-detection-challenge` and `covid-chestxray-dataset`.
        films: Number of films, half of them in each part.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    mark(out)
    write_rsna(out / "rsna-pneumonia-detection-challenge", films // 2, seed, size)
    write_cohen(out / "covid-chestxray-dataset", films - films // 2, seed, size)
