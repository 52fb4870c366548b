"""Adapter for the RSNA Pneumonia Detection Challenge 2018: DICOM films and two tables.

https://www.kaggle.com/c/rsna-pneumonia-detection-challenge (stage 2, training part)
Free to use with attribution to RSNA, the Society of Thoracic Radiology and NIH.
"""

import json
from pathlib import Path

from pipelines.adapters.dicom_headers import read_header
from pipelines.adapters.tables import patient_of, read_table
from pipelines.manifest.rows import Manifest, ManifestError, ManifestRow
from pipelines.manifest.splits import give_splits

LABELS = "stage_2_train_labels.csv"
DETAILS = "stage_2_detailed_class_info.csv"
IMAGES = "stage_2_train_images"
MAPPINGS = "pneumonia-challenge-dataset-mappings_2018.json"
LOOKS_FOR = LABELS
LICENCE = "RSNA terms of use (attribution to RSNA, STR and NIH; films of NIH ChestX-ray14)"

CLASSES = {
    "Normal": "normal",
    "Lung Opacity": "pneumonia",
    "No Lung Opacity / Not Normal": "unlabelled",
}


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds the RSNA challenge."""
    return (folder / LABELS).is_file()


def adapt(folder: Path) -> Manifest:
    """Read the training part of the RSNA challenge.

    Normal films and films with an opacity (`pneumonia`) are split by patient for classification,
    children included as in Table IV; films that are neither have no split.

    Args:
        folder: Holds both tables and `stage_2_train_images/*.dcm`. What the release calls
            patientId names a film; the file of mappings that RSNA publishes apart gives the
            patients of NIH ChestX-ray14, and is used if it is there.

    Returns:
        The manifest; view, sex and age come from the films' headers.

    Raises:
        ManifestError: Tables that lack columns, contradict each other or have unknown words; a
            file of mappings that cannot be read.
    """
    targets = _labels(folder / LABELS, "target")
    details = _labels(folder / DETAILS, "class")
    patients = _patients(folder / MAPPINGS)
    faults = [
        f"{name}: {fault}"
        for name in targets
        if (fault := _fault(targets[name], details.get(name)))
    ]
    if faults:
        raise ManifestError(folder / DETAILS, faults)
    rows = [
        _row(
            folder / IMAGES / f"{name}.dcm",
            CLASSES[details[name]],
            patients.get(name, f"rsna-{name}"),
        )
        for name in sorted(targets)
    ]
    return Manifest(
        folder, give_splits(rows, "classification", lambda row: row.label != "unlabelled")
    )


def _labels(path: Path, column: str) -> dict[str, str]:
    """Give the value of each film; films with several boxes stand in several lines."""
    values: dict[str, str] = {}
    faults = []
    for cells in read_table(path, ("patientid", column)):
        name, value = cells["patientid"], cells[column]
        if values.setdefault(name, value) != value:
            faults.append(f"{name}: both {values[name]!r} and {value!r}; restore the file")
    if faults:
        raise ManifestError(path, faults)
    return values


def _fault(target: str, detail: str | None) -> str:
    if detail is None:
        return f"stands in {LABELS} only; restore both files"
    if detail not in CLASSES:
        return f"unknown class {detail!r}; the classes are {', '.join(CLASSES)}"
    if (target == "1") != (detail == "Lung Opacity"):
        return f"class {detail!r} contradicts Target {target} of {LABELS}; restore both files"
    return ""


def _patients(path: Path) -> dict[str, str]:
    """NIH's patient number, the first part of the film's name there, by RSNA's film name."""
    if not path.is_file():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {
            entry["subset_img_id"]: "nih-" + entry["img_id"].partition("_")[0] for entry in entries
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ManifestError(
            path, [f"no list of films with img_id and subset_img_id ({error!r}); restore it"]
        ) from None


def _row(path: Path, label: str, patient: str) -> ManifestRow:
    header = read_header(path)
    return ManifestRow(
        path=path,
        label=label,
        patient_id=patient,
        view=header["ViewPosition"],
        source="rsna",
        licence=LICENCE,
        **patient_of(header["PatientSex"], header["PatientAge"]),
    )
