"""Tables and notes of data releases, as they are found: spelling of headers, ages, sexes."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from pipelines.manifest.ages import CHILD, age_group_of
from pipelines.manifest.rows import ManifestError
from pipelines.text_table import read_text_table

_AGE = re.compile(r"(?<![\d.])0*(\d{1,3})(?:\.\d+)?\s*([a-z]*)", re.IGNORECASE)
_SEXES = {"m": "M", "male": "M", "f": "F", "female": "F", "femal": "F"}


class Patient(TypedDict):
    """What releases say of a patient: fields of a row, '' where they do not say it."""

    sex: str
    age: str
    cohort: str
    age_group: str


UNKNOWN_PATIENT = Patient(sex="", age="", cohort="", age_group="")
CHILD_PATIENT = Patient(sex="", age="", cohort="paediatric", age_group=CHILD)
"""Of releases that tell children, but not their ages."""


def header(path: Path) -> set[str]:
    """Read the column names of a CSV, stripped and in lower case; none for any other file."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return {name.strip().lower() for name in next(csv.reader(file), [])}
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()


def read_table(path: Path, required: Iterable[str]) -> list[dict[str, str]]:
    """Read a CSV of a data release.

    Args:
        path: UTF-8 CSV with a header.
        required: Columns that must be there, in lower case.

    Returns:
        One dictionary a line; names in lower case, names and cells without surrounding blanks.

    Raises:
        ManifestError: The file cannot be read or lacks columns.
    """
    try:
        table = read_text_table(path)
    except OSError as error:
        raise ManifestError(path, [f"cannot be read ({error.strerror}); restore it"]) from None
    except ValueError as error:
        raise ManifestError(path, [f"no UTF-8 CSV ({error}); restore it"]) from None
    table = table.rename(columns=lambda name: name.strip().lower())
    if missing := [name for name in required if name not in table]:
        raise ManifestError(
            path, [f"no column {name!r}; use the file as it was released" for name in missing]
        )
    table = table.apply(lambda column: column.str.strip())
    found: list[dict[str, str]] = table[table.ne("").any(axis="columns")].to_dict("records")
    return found


def read_text(path: Path) -> str:
    """Read a note, '' where there is none; bytes that are no UTF-8 are replaced."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def sex_of(text: str) -> str:
    """Find M or F in text such as `male 45yrs` or `F`; '' where it says neither."""
    words = re.findall(r"[a-z]+", text.lower())
    return next((_SEXES[word] for word in words if word in _SEXES), "")


def age_of(text: str) -> str:
    """Find an age in whole years in text such as `027Y`, `45yrs`, `16month` or `57.0`."""
    found = _AGE.search(text)
    if found is None:
        return ""
    months_or_days = found[2][:3].lower() in ("mon", "day") or found[2] in ("M", "D", "W")
    if not months_or_days:
        return found[1]
    per_year = 12 if found[2][:1].lower() == "m" else 52 if found[2] == "W" else 365
    return str(int(found[1]) // per_year)


def patient_of(sex: str, age: str) -> Patient:
    """Read what a release says of a patient.

    Args:
        sex: In any spelling that `sex_of` reads.
        age: In any spelling that `age_of` reads.

    Returns:
        `cohort` is `paediatric` and `age_group` `child` below 18 years, both are `adult` from
        there.
    """
    years = age_of(age)
    group = age_group_of(years)
    cohort = "paediatric" if group == CHILD else group
    return Patient(sex=sex_of(sex), age=years, cohort=cohort, age_group=group)
