"""Every metric by source, view, sex, age group and age band, with what each rests on."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cxr_tf.evaluation.summary import figure_text, table, title_of
from cxr_tf.films.table import Table
from cxr_tf.measures.estimates import BY_CLASS, OVERALL
from cxr_tf.runtime.whole_files import write_text
from pipelines.manifest.ages import age_group_of, is_age
from pipelines.manifest.rows import ManifestRow

AXES = ("source", "view", "sex", "age_group", "age")
#: First years of the age bands; the last one is open.
AGE_BANDS = (0, 18, 40, 60, 80)
#: Films of which the manifest does not say it; they stand beside the others.
UNKNOWN = "unknown"
COLUMNS = ("by", "group", "class", "figure", "value", "low", "high", "n", "patients", "remark")


def age_band(age: str) -> str:
    """Return the band that an age falls into.

    Args:
        age: whole years as the manifest has them; '' where unknown.

    Returns:
        Such as `18-39` or `80+`; `unknown` for anything but a whole number.
    """
    if not is_age(age):
        return UNKNOWN
    place = max(index for index, first in enumerate(AGE_BANDS) if int(age) >= first)
    first = AGE_BANDS[place]
    last = AGE_BANDS[place + 1] - 1 if place + 1 < len(AGE_BANDS) else None
    return f"{first}+" if last is None else f"{first}-{last}"


def _value(row: ManifestRow, axis: str) -> str:
    """Give a film's value; an age tells the age group where the manifest leaves that empty."""
    if axis == "age":
        return age_band(row.age)
    value = str(getattr(row, axis)).strip()
    return value or (age_group_of(row.age) if axis == "age_group" else "") or UNKNOWN


def subgroups(rows: Sequence[ManifestRow]) -> dict[str, list[int]]:
    """Sort films by source, view, sex, age group and age band.

    Args:
        rows: the films.

    Returns:
        Positions by `AXIS=VALUE`; each axis holds every film once, those without a value in
        `AXIS=unknown`.
    """
    found: dict[str, list[int]] = {}
    for axis in AXES:
        values = [_value(row, axis) for row in rows]
        for value in sorted(set(values), key=lambda name: (name == UNKNOWN, name)):
            found[f"{axis}={value}"] = [i for i, own in enumerate(values) if own == value]
    return found


def remark(group: Mapping[str, Any], classes: Sequence[str]) -> str:
    """Say what a group of films cannot tell.

    Args:
        group: its record, as `ClassificationEstimates.record` gives it.
        classes: names of the classes in order.

    Returns:
        A line, '' where there is nothing to say.
    """
    present = [name for name, row in zip(classes, group["confusion"], strict=True) if sum(row)]
    told = []
    if len(present) == 1:
        told.append(f"only films of {present[0]}: no specificity and no ROC-AUC")
    elif len(present) < len(classes):
        told.append(f"no films of {', '.join(n for n in classes if n not in present)}")
    if group["patients"] == 1:
        told.append("one patient: no interval")
    elif any(x["value"] is not None and x["low"] is None for x in group["overall"].values()):
        told.append("too few patients for every interval")
    return "; ".join(told)


def _of_axes(groups: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    named = [(*name.partition("=")[::2], group) for name, group in groups.items()]
    return [(axis, value, group) for wanted in AXES for axis, value, group in named
            if axis == wanted and value]  # fmt: skip


def write(folder: Path, groups: Mapping[str, Any], classes: Sequence[str]) -> None:
    """Write subgroups.csv, a row for each figure, and subgroups.md.

    Args:
        folder: where to write.
        groups: records by `AXIS=VALUE`; groups of other axes are left out.
        classes: names of the classes in order.

    Raises:
        OSError: a table cannot be written.
    """
    output = Table(folder / "subgroups.csv", COLUMNS)
    with contextlib.closing(output):
        for axis, value, group in _of_axes(groups):
            of_class = {"": group["overall"], **group["by_class"]}
            for name, figures in of_class.items():
                for kind in OVERALL if not name else BY_CLASS:
                    own = figures[kind]
                    numbers = (own[end] for end in ("value", "low", "high"))
                    cells = ["" if x is None else f"{x:.6f}" for x in numbers]
                    output.add((axis, value, name, kind, *cells, own["n"], own["patients"],
                                remark(group, classes)))  # fmt: skip
        output.commit()
    text = "\n\n".join(markdown(groups, classes)) + "\n"
    write_text(folder / "subgroups.md", text)


def markdown(groups: Mapping[str, Any], classes: Sequence[str]) -> list[str]:
    """Lay out the figures by subgroup.

    Args:
        groups: records by `AXIS=VALUE`; groups of other axes are left out.
        classes: names of the classes in order.

    Returns:
        Paragraphs: the metrics, then every figure of every class.
    """
    found = _of_axes(groups)
    rows = [
        [f"{axis} {value}", str(group["n"]), str(group["patients"])]
        + [figure_text(group["overall"][figure]) for figure in OVERALL]
        + [remark(group, classes)]
        for axis, value, group in found
    ]
    own = [
        [f"{axis} {value}", name, *(figure_text(group["by_class"][name][k], count=True)
                                    for k in BY_CLASS)]
        for axis, value, group in found
        for name in classes
        if sum(group["confusion"][classes.index(name)])
    ]  # fmt: skip
    titles = [title_of(figure) for figure in OVERALL]
    return [
        "## Subgroups",
        "By source, view, sex, age group and age band; means over the classes that have films.",
        table(["films", "n", "patients", *titles, "remark"], rows),
        "Each class with films against the other films of the subgroup:",
        table(["films", "class", *(title_of(kind) for kind in BY_CLASS)], own),
    ]
