"""Writers that put phantoms on disk: as manifests, as inputs; and the names of all layouts.

Every folder gets a `PHANTOM.txt`, and every film has the word burnt in.
"""

from collections.abc import Callable
from pathlib import Path
from string import ascii_lowercase

import numpy as np

from pipelines.manifest.table import (
    PHANTOM_SOURCE,
    Manifest,
    ManifestRow,
    hash_films,
    write_manifest,
)
from tools.phantoms.files import LICENCE, draw, eight_bit, mark, write_csv, write_dicom, write_image
from tools.phantoms.releases import (
    write_cohen,
    write_coronahack,
    write_covidx,
    write_jsrt,
    write_montgomery,
    write_rsna,
    write_shenzhen,
)
from tools.phantoms.source_releases import (
    write_cxnet,
    write_hannover,
    write_nih,
    write_radiography,
    write_wingspan,
)

CYCLE = (
    "normal", "bacterial", "tuberculosis", "viral",
    "normal", "bacterial", "tuberculosis", "covid19",
)  # fmt: skip
"""Classes in the order in which films get them: the paper's four (Table III) in equal parts."""


def write_manifest_layout(out: Path, films: int, seed: int, size: int, sources: int = 1) -> None:
    """Write `films/`, `masks/` and a `manifest.csv` with splits for both tasks.

    Films are 8-bit PNG. A patient has one film and the same split in both tasks; of each of the
    four classes about 60 % train, 15 % validate and 25 % test, and at least one film each.

    Args:
        out: Folder.
        films: At least 12.
        seed: Of the patients.
        size: Height and width in pixels.
        sources: How many sources the films of each class come from in turn: `phantom`, or
            `phantom-a`, `phantom-b` and so on.

    Raises:
        ValueError: Too few films for three splits of four classes, or too many sources.
    """
    if films < 12:
        raise ValueError(f"{films} films: three splits of four classes need at least 12")
    if not 1 <= sources <= len(ascii_lowercase):
        raise ValueError(f"{sources} sources: give 1 to {len(ascii_lowercase)}")
    names = [f"{PHANTOM_SOURCE}-{letter}" for letter in ascii_lowercase[:sources]]
    mark(out)
    rows = []
    for number, label, drawn in draw(CYCLE, films, seed, "manifest", size):
        name = f"phantom-{number:04d}"
        files = {"films": eight_bit(drawn.pixels)}
        for part in ("heart", "left_lung", "right_lung"):
            files[f"masks/{part}"] = getattr(drawn, part).astype(np.uint8) * 255
        for folder, image in files.items():
            write_image(out / folder / f"{name}.png", image)
        split = _split(number // 4, (films - number % 4 + 3) // 4)
        rows.append(
            ManifestRow(
                path=out / "films" / f"{name}.png",
                label=label,
                patient_id=name,
                view="PA",
                source=PHANTOM_SOURCE if sources == 1 else names[number // 4 % sources],
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
    """Write unlabelled inputs in every form that is scored, and `labels.csv` with the truth.

    In turn: PNG of 8 and 16 bit, JPEG, DICOM (CR, explicit little endian, 12 bit) MONOCHROME2
    and MONOCHROME1.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients; they differ from those of every other layout.
        size: Height and width in pixels.
    """
    mark(out)
    truth = []
    for number, label, drawn in draw(CYCLE, films, seed, "inputs", size):
        kind = number % 5
        name = f"phantom-{number:04d}.{('png', 'png', 'jpg', 'dcm', 'dcm')[kind]}"
        if kind < 3:
            write_image(out / name, drawn.pixels if kind == 1 else eight_bit(drawn.pixels))
        else:
            write_dicom(out / name, drawn.pixels, inverted=kind == 4, key=f"{seed} {number}")
        truth.append((name, label))
    write_csv(out / "labels.csv", ("path", "class"), truth)


LAYOUTS: dict[str, Callable[[Path, int, int, int], None]] = {
    "manifest": write_manifest_layout,
    "inputs": write_inputs,
    "jsrt": write_jsrt,
    "montgomery": write_montgomery,
    "shenzhen": write_shenzhen,
    "coronahack": write_coronahack,
    "cohen": write_cohen,
    "rsna": write_rsna,
    "covidx": write_covidx,
    "nih": write_nih,
    "radiography": write_radiography,
    "hannover": write_hannover,
    "cxnet": write_cxnet,
    "wingspan": write_wingspan,
}
"""Writer of each layout: (folder, films, seed, size)."""


def _split(position: int, count: int) -> str:
    """Split of a class's film by its position among `count`, at least three, films."""
    test = max(1, round(0.25 * count))
    validation = max(1, round(0.15 * count))
    if position >= count - test:
        return "test"
    return "validation" if position >= count - test - validation else "train"
