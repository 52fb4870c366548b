"""Adapter for COVID-CXNet: films of patients with COVID-19, gathered from the web.

https://github.com/armiro/COVID-CXNet (names as its `README.md` explains them), also as
https://doi.org/10.6084/m9.figshare.12580328
CC BY 4.0 for the collection; where each film comes from is not said.
"""

import re
from pathlib import Path

from pipelines.adapters.rows import split_adults
from pipelines.adapters.tables import CHILD_PATIENT, UNKNOWN_PATIENT
from pipelines.manifest.rows import Manifest, ManifestError, ManifestRow

LOOKS_FOR = "chest_xray_images/covid19 with films such as 001.jpeg, 280-.jpg, 484p.png"
LICENCE = "CC BY 4.0 (COVID-CXNet, a collection from the web)"
HANNOVER_LICENCE = "CC BY 3.0 (Hannover Medical School, by COVID-CXNet)"

HANNOVER = range(510, 709)
"""Numbers of the PNG films that the collection's `Hannover_data_loader.py` copied from Hannover's
repository: it counts from 510. Films 501 and 709 are none of Hannover's (see the page)."""

_FILM = re.compile(r"(?P<number>\d{3,4})(?P<mark>[-p]*)\.(jpe?g|jfif|png)\Z", re.IGNORECASE)


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds COVID-CXNet."""
    return any(_FILM.match(path.name) for path in _films(folder))


def adapt(folder: Path) -> Manifest:
    """Read COVID-CXNet.

    Each film counts as a patient of its own, since patients are not named; films of one patient
    may train and test. A `p` at the end of a name tells a child, whose film has no split; a `-`
    tells a film without abnormalities of a patient with COVID-19, which takes part. The copies of
    Hannover's films are of the source `hannover` and have no split: their patients are known in
    that release alone.

    Args:
        folder: Holds `chest_xray_images/covid19`, or is `chest_xray_images`. WebP films, which are
            not read, are left out.

    Returns:
        The manifest. The release has no other class: its normal films are not published.

    Raises:
        ManifestError: No films.
    """
    found = ((path, _FILM.match(path.name)) for path in _films(folder))
    rows = [_row(path, name) for path, name in found if name]
    if not rows:
        raise ManifestError(folder, [f"no films; looked for {LOOKS_FOR}"])
    return split_adults(folder, rows, lambda row: row.source == "cxnet")


def _films(folder: Path) -> list[Path]:
    places = (folder / "chest_xray_images" / "covid19", folder / "covid19")
    return next((sorted(place.iterdir()) for place in places if place.is_dir()), [])


def _row(path: Path, name: re.Match[str]) -> ManifestRow:
    copied = int(name["number"]) in HANNOVER and path.suffix.lower() == ".png"
    return ManifestRow(
        path=path,
        label="covid19",
        patient_id=f"cxnet-{name['number']}",
        source="hannover" if copied else "cxnet",
        licence=HANNOVER_LICENCE if copied else LICENCE,
        **(CHILD_PATIENT if "p" in name["mark"].lower() else UNKNOWN_PATIENT),
    )
