"""What the two chest film sets of the U.S. National Library of Medicine have in common."""

from collections.abc import Iterator
from pathlib import Path

from pipelines.adapters.tables import patient_of, read_text
from pipelines.manifest.rows import ManifestRow

LICENCE = "NLM public release (cite Jaeger 2014 and Candemir 2014; no restriction stated)"


def release_folder(folder: Path, name: str, prefix: str) -> Path | None:
    """Find the folder that holds `CXR_png`.

    Args:
        folder: The release, or the folder in which it was unpacked.
        name: The release's own folder.
        prefix: What its films' names begin with.

    Returns:
        The folder; None where there are no such films.
    """
    places = (folder, folder / name, folder / name / name)
    found = (place for place in places if next(_films(place, prefix), None) is not None)
    return next(found, None)


def film_rows(release: Path, prefix: str, source: str) -> list[ManifestRow]:
    """Make the rows of the films, without masks and splits.

    Args:
        release: Folder with `CXR_png` and, if it is there, `ClinicalReadings`.
        prefix: What the films' names begin with; they end in `_0` (normal) or `_1` (tuberculosis).
        source: For the column of this name.

    Returns:
        Rows in the order of names; sex, age and group of age from the first lines of the readings.
    """
    rows = []
    for path in sorted(_films(release, prefix)):
        reading = read_text(release / "ClinicalReadings" / f"{path.stem}.txt")
        who = " ".join(reading.splitlines()[:2])
        rows.append(
            ManifestRow(
                path=path,
                label="tuberculosis" if path.stem.endswith("_1") else "normal",
                patient_id=path.stem[:-2],
                view="PA",
                source=source,
                licence=LICENCE,
                **patient_of(who, who),
            )
        )
    return rows


def _films(release: Path, prefix: str) -> Iterator[Path]:
    return (release / "CXR_png").glob(f"{prefix}_[0-9][0-9][0-9][0-9]_[01].png")
