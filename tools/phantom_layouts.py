"""Writers that put phantoms on disk: as manifests, as public releases, as inputs.

Every folder gets a `PHANTOM.txt`, and every film has the word burnt in.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from pipelines.adapters import PHANTOM_MARKER
from pipelines.manifest import PHANTOM_SOURCE, Manifest, ManifestRow, hash_films, write_manifest
from tools.phantom import Phantom, phantom

LICENCE = "CC0 (generated)"
NOTICE = (
    "The films in this folder are PHANTOMS: generated drawings for testing software, not\n"
    "radiographs of people. Models trained on them and figures measured on them say nothing\n"
    f"about radiographs. Licence: {LICENCE}.\n"
)

CYCLE = (
    "normal", "bacterial", "tuberculosis", "viral",
    "normal", "bacterial", "tuberculosis", "covid19",
)  # fmt: skip
"""Classes in the order in which films get them: the paper's four (Table III) in equal parts."""


def write_manifest_layout(out: Path, films: int, seed: int, size: int) -> None:
    """Writes `films/`, `masks/` and a `manifest.csv` with splits for both tasks.

    Films are 8-bit PNG. A patient has one film and the same split in both tasks; of each of the
    four classes about 60 % train, 15 % validate and 25 % test, and at least one film each.

    Args:
        out: Folder.
        films: At least 12.
        seed: Of the patients.
        size: Height and width in pixels.

    Raises:
        ValueError: Too few films for three splits of four classes.
    """
    if films < 12:
        raise ValueError(f"{films} films: three splits of four classes need at least 12")
    _mark(out)
    rows = []
    for number, label, drawn in _draw(CYCLE, films, seed, "manifest", size):
        name = f"phantom-{number:04d}"
        files = {"films": _eight_bit(drawn.pixels)}
        for part in ("heart", "left_lung", "right_lung"):
            files[f"masks/{part}"] = getattr(drawn, part).astype(np.uint8) * 255
        for folder, image in files.items():
            _write(out / folder / f"{name}.png", image)
        split = _split(number // 4, (films - number % 4 + 3) // 4)
        rows.append(
            ManifestRow(
                path=out / "films" / f"{name}.png",
                label=label,
                patient_id=name,
                view="PA",
                source=PHANTOM_SOURCE,
                licence=LICENCE,
                split_segmentation=split,
                split_classification=split,
                mask_heart=out / "masks/heart" / f"{name}.png",
                mask_left_lung=out / "masks/left_lung" / f"{name}.png",
                mask_right_lung=out / "masks/right_lung" / f"{name}.png",
                cohort=PHANTOM_SOURCE,
            )
        )
    write_manifest(hash_films(Manifest(out, tuple(rows))), out / "manifest.csv")


def write_inputs(out: Path, films: int, seed: int, size: int) -> None:
    """Writes unlabelled inputs in every form that is scored, and `labels.csv` with the truth.

    In turn: PNG of 8 and 16 bit, JPEG, DICOM (CR, explicit little endian, 12 bit) MONOCHROME2
    and MONOCHROME1.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients; they differ from those of every other layout.
        size: Height and width in pixels.
    """
    _mark(out)
    truth = []
    for number, label, drawn in _draw(CYCLE, films, seed, "inputs", size):
        kind = number % 5
        name = f"phantom-{number:04d}.{('png', 'png', 'jpg', 'dcm', 'dcm')[kind]}"
        if kind < 3:
            _write(out / name, drawn.pixels if kind == 1 else _eight_bit(drawn.pixels))
        else:
            _write_dicom(out / name, drawn.pixels, inverted=kind == 4, key=f"{seed} {number}")
        truth.append((name, label))
    _write_csv(out / "labels.csv", ("path", "class"), truth)


def write_jsrt(out: Path, films: int, seed: int, size: int) -> None:
    """Writes JSRT's raw films and the SCR masks that go with them.

    `All247images/JPCLN001.IMG` (nodule) and `JPCNN001.IMG`: 2048 x 2048 big-endian uint16 of 12
    bit in which air is bright. `scratch/fold1|fold2/masks/<organ>/*.gif`: 1024 x 1024, odd
    numbers in fold 1.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Side at which films are drawn before they are enlarged.
    """
    _mark(out)
    images = _folder(out / "All247images")
    for number, label, drawn in _draw(("lung_nodule", "normal"), films, seed, "jsrt", size):
        index = number // 2 + 1
        name = f"{'JPCLN' if label == 'lung_nodule' else 'JPCNN'}{index:03d}"
        raw = 4095 - (_resize(drawn.pixels, (2048, 2048), cv2.INTER_CUBIC) >> 4)
        (images / f"{name}.IMG").write_bytes(raw.astype(">u2").tobytes())
        masks = out / "scratch" / f"fold{1 if index % 2 else 2}" / "masks"
        for organ in ("heart", "left lung", "right lung"):
            mask = getattr(drawn, organ.replace(" ", "_")).astype(np.uint8) * 255
            mask = _resize(mask, (1024, 1024), cv2.INTER_NEAREST)
            Image.fromarray(mask).save(_folder(masks / organ) / f"{name}.gif")


def write_montgomery(out: Path, films: int, seed: int, size: int) -> None:
    """Writes NLM's Montgomery set: `MontgomerySet/CXR_png`, `ManualMask`, `ClinicalReadings`.

    Names end in `_0` (normal) or `_1` (tuberculosis); films are wider than high.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height in pixels.
    """
    _mark(out)
    root = out / "MontgomerySet"
    shape = (round(1.217 * size), size)
    for number, label, drawn in _draw(("normal", "tuberculosis"), films, seed, "montgomery", size):
        name = f"MCUCXR_{number + 1:04d}_{int(label == 'tuberculosis')}"
        film = _resize(_eight_bit(drawn.pixels), shape, cv2.INTER_AREA)
        _write(root / "CXR_png" / f"{name}.png", film)
        for side in ("left", "right"):
            mask = getattr(drawn, f"{side}_lung").astype(np.uint8) * 255
            _write(
                root / "ManualMask" / f"{side}Mask" / f"{name}.png",
                _resize(mask, shape, cv2.INTER_NEAREST),
            )
        sex, age = "FM"[number % 2], 20 + 7 * number % 60
        reading = _folder(root / "ClinicalReadings") / f"{name}.txt"
        reading.write_text(f"Patient's Sex: {sex}\nPatient's Age: {age:03d}Y\n{label} (phantom)\n")


def write_coronahack(out: Path, films: int, seed: int, size: int) -> None:
    """Writes the CoronaHack release: a metadata CSV, and JPEG films in `train` and `test`.

    Names tell children (`person1_bacteria_1`, `IM-0001-0001`) from adults, as in the release,
    which has no tuberculosis and, among adults, no normal film.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    _mark(out)
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
    for number, label, drawn in _draw(cycle, films, seed, "coronahack", size):
        pattern, verdict, virus, cause = adult if number % 5 == 3 else names[label]
        name = pattern.format(number + 1)
        split = "test" if number % 4 == 3 else "train"
        _write(images / split / name, _eight_bit(drawn.pixels))
        rows.append((number, name, verdict, split.upper(), virus, cause))
    header = ("", "X_ray_image_name", "Label", "Dataset_type", "Label_2_Virus_category")
    _write_csv(out / "Chest_xray_Corona_Metadata.csv", (*header, "Label_1_Virus_category"), rows)


def write_cohen(out: Path, films: int, seed: int, size: int) -> None:
    """Writes Cohen's collection: `metadata.csv` and `images/`.

    Every third patient has two films (two offsets); views are PA, AP and AP Supine.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    _mark(out)
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
            anatomy = _generator(seed, "cohen", patient)
            exposure = _generator(seed, "cohen exposure", 2 * patient + visit)
            drawn = phantom(label, anatomy, size, exposure)
            name = f"phantom-{patient + 1}-day{5 * visit}.{'png' if patient % 2 else 'jpg'}"
            _write(out / "images" / name, _eight_bit(drawn.pixels))
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
    _write_csv(out / "metadata.csv", header, lines)


LAYOUTS: dict[str, Callable[[Path, int, int, int], None]] = {
    "manifest": write_manifest_layout,
    "inputs": write_inputs,
    "jsrt": write_jsrt,
    "montgomery": write_montgomery,
    "coronahack": write_coronahack,
    "cohen": write_cohen,
}
"""Writer of each layout: (folder, films, seed, size)."""


def _generator(seed: int, layout: str, patient: int) -> np.random.Generator:
    """A stream of its own for each patient of each layout: no two layouts share a patient."""
    return np.random.default_rng([seed, *layout.encode(), patient])


def _draw(
    cycle: Sequence[str], films: int, seed: int, layout: str, size: int
) -> Iterator[tuple[int, str, Phantom]]:
    for number in range(films):
        label = cycle[number % len(cycle)]
        yield number, label, phantom(label, _generator(seed, layout, number), size)


def _split(position: int, count: int) -> str:
    """Split of a class's film by its position among `count`, at least three, films."""
    test = max(1, round(0.25 * count))
    validation = max(1, round(0.15 * count))
    if position >= count - test:
        return "test"
    return "validation" if position >= count - test - validation else "train"


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _mark(out: Path) -> None:
    (_folder(out) / PHANTOM_MARKER).write_text(NOTICE, encoding="utf-8")


def _eight_bit(pixels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    return (pixels >> 8).astype(np.uint8)


def _resize(image: np.ndarray, shape: tuple[int, int], how: int) -> np.ndarray:
    """Resizes to (width, height)."""
    return np.asarray(cv2.resize(image, shape, interpolation=how))


def _write(path: Path, image: np.ndarray) -> None:
    _folder(path.parent)
    jpeg = path.suffix in (".jpg", ".jpeg")
    options = [cv2.IMWRITE_JPEG_QUALITY, 95] if jpeg else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    if not cv2.imwrite(str(path), image, options):
        raise OSError(f"{path}: cannot be written; check that the folder is writable")


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_dicom(path: Path, pixels: npt.NDArray[np.uint16], *, inverted: bool, key: str) -> None:
    """A computed radiograph of 12 bit, explicit little endian, with generated identifiers."""
    uids = [generate_uid(entropy_srcs=[key, part]) for part in ("instance", "series", "study")]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = uids[0]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dicom = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    dicom.SOPClassUID = ComputedRadiographyImageStorage
    dicom.SOPInstanceUID, dicom.SeriesInstanceUID, dicom.StudyInstanceUID = uids
    dicom.PatientName, dicom.PatientID = "PHANTOM^GENERATED", f"PHANTOM {key}"
    dicom.PatientBirthDate = dicom.PatientSex = dicom.AccessionNumber = ""
    dicom.StudyDate = dicom.StudyTime = dicom.StudyID = dicom.ReferringPhysicianName = ""
    dicom.SeriesNumber = dicom.InstanceNumber = 1
    dicom.Modality, dicom.Manufacturer = "CR", "generated phantom"
    dicom.BodyPartExamined, dicom.ViewPosition = "CHEST", "PA"
    dicom.ImageType = ["DERIVED", "SECONDARY"]
    dicom.ImageComments = "PHANTOM: generated drawing, no radiograph of a person"
    dicom.SamplesPerPixel = 1
    dicom.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dicom.Rows, dicom.Columns = pixels.shape
    dicom.BitsAllocated, dicom.BitsStored, dicom.HighBit, dicom.PixelRepresentation = 16, 12, 11, 0
    values = pixels >> 4
    dicom.PixelData = (4095 - values if inverted else values).astype("<u2").tobytes()
    dicom.save_as(path, enforce_file_format=True)
