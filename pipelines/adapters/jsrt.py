"""Adapter for JSRT's raw films with the masks of SCR.

JSRT: http://db.jsrt.or.jp/eng.php (registration; research). SCR:
https://www.isi.uu.nl/Research/Databases/SCR/ (research and education). Air is bright in the raw
files: the reader of `.IMG` turns the grey scale, here nothing is guessed from pixels.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pipelines.adapters.tables import patient_of, read_text
from pipelines.manifest.rows import Manifest, ManifestRow
from pipelines.manifest.splits import give_splits

LOOKS_FOR = "raw films JPCLN001.IMG, JPCNN001.IMG, … in it or in All247images"
LICENCE = (
    "JSRT terms (research, registration, cite Shiraishi 2000); masks: SCR, research and education "
    "only, no redistribution (cite van Ginneken 2006)"
)

_FILM = re.compile(r"JPC(L|N)N\d{3}\.IMG\Z", re.IGNORECASE)
_ORGANS = {"heart": "heart", "left_lung": "left lung", "right_lung": "right lung"}


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds raw JSRT films."""
    return bool(_films(folder, enough=1))


def adapt(folder: Path) -> Manifest:
    """Read JSRT with SCR.

    Segmentation is split 0.7 / 0.1 / 0.2 by patient, so that 0.8 train and validate and 0.2
    test as in Table I. Normal films of that test split take part in classification (Table II):
    no film both trains segmentation and is classified.

    Args:
        folder: Holds `All247images/*.IMG` and, unpacked beside it, SCR's
            `scratch/fold1|fold2/masks/heart|left lung|right lung/*.gif`; both may lie one folder
            deeper. `Clinical_Information` gives sex and age if it is there.

    Returns:
        The manifest; without SCR's folders no masks and no segmentation splits.
    """
    clinical = _clinical(folder)
    masks = _mask_folders(folder)
    rows = [_row(path, masks, clinical.get(path.stem.upper(), "")) for path in _films(folder)]
    split = give_splits(rows, "segmentation", lambda row: bool(row.masks))
    return Manifest(
        folder,
        give_splits(
            split,
            "classification",
            lambda row: row.label == "normal" and row.split_segmentation in ("test", ""),
        ),
    )


def _glob(folder: Path, pattern: str) -> Iterator[Path]:
    """Files and folders by their names, in the folder and at most two levels below."""
    for depth in ("", "*/", "*/*/"):
        yield from folder.glob(depth + pattern)


def _row(path: Path, folders: dict[str, list[Path]], clinical: str) -> ManifestRow:
    name = f"{path.stem.upper()}.gif"
    files = {organ: _mask(places, name) for organ, places in folders.items()}
    before_sex = clinical.lower().partition("male")[0].removesuffix("fe").split()
    return ManifestRow(
        path=path,
        label="lung_nodule" if path.stem.upper().startswith("JPCLN") else "normal",
        patient_id=path.stem.upper(),
        view="PA",
        source="jsrt",
        licence=LICENCE,
        mask_heart=files.get("heart"),
        mask_left_lung=files.get("left_lung"),
        mask_right_lung=files.get("right_lung"),
        **patient_of(clinical, before_sex[-1] if before_sex else ""),
    )


def _films(folder: Path, enough: int = 0) -> list[Path]:
    found: dict[str, Path] = {}
    for path in _glob(folder, "*.[Ii][Mm][Gg]"):
        if _FILM.match(path.name):
            found.setdefault(path.name.upper(), path)
            if len(found) == enough:
                break
    return [found[name] for name in sorted(found)]


def _mask_folders(folder: Path) -> dict[str, list[Path]]:
    """Find the folders of each organ's masks, in both folds, wherever SCR was unpacked."""
    folds = sorted(_glob(folder, "fold[12]"))
    return {
        organ: [fold / "masks" / name for fold in folds] for organ, name in _ORGANS.items() if folds
    }


def _mask(folders: list[Path], name: str) -> Path:
    """Find a mask, or the place where it should be: SCR puts odd numbers into its first fold."""
    places = [folder / name for folder in folders]
    expected = places[0] if int(name[5:8]) % 2 else places[-1]
    return next((place for place in places if place.is_file()), expected)


def _clinical(folder: Path) -> dict[str, str]:
    """Find the line of each film in CLNDAT_EN.txt (nodules) and CNNDAT_EN.TXT (none).

    Nodules: name, subtlety, size, age, sex, …; others: name, age, sex. Old Macintosh line ends.
    """
    lines = {}
    for path in _glob(folder, "C[LN]NDAT_EN.[Tt][Xx][Tt]"):
        for line in read_text(path).splitlines():
            name = line.split()[0] if line.strip() else ""
            if _FILM.match(name):
                lines[name.upper().removesuffix(".IMG")] = line
    return lines
