"""The page of a report and its data: files that a browser opens from disk."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from cxr_tf.films.columns import cell
from cxr_tf.films.rows import Record
from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE, project_version
from cxr_tf.runtime.whole_files import write_text
from cxr_tf.scoring.report.cases import MARKERS, patch_side
from cxr_tf.scoring.report.worklist import (
    GROUPS,
    UNCERTAIN,
    place,
    sureness,
    suspect_classes,
    triage_order,
)

INDEX, WORKLIST, ASSETS, CASES = "index.html", "worklist.js", "assets", "cases"


@dataclass(frozen=True)
class About:
    """What the page tells of the model.

    Attributes:
        card: its card.
        limits: titles, each with its text as safe HTML.
        ranges: biomarkers of normal films; see `cxr_tf.scoring.report.ranges.read_ranges`.
    """

    card: ModelCard
    limits: Sequence[tuple[str, str]]
    ranges: Sequence[Mapping[str, Any]]


def script(function: str, *values: object) -> str:
    """Write data as a script that hands them to the page: a page on disk can load nothing else.

    Args:
        function: of the page.
        *values: what JSON can hold.

    Returns:
        One call, in ASCII.
    """
    texts = (json.dumps(value, allow_nan=False, separators=(",", ":")) for value in values)
    return f"{function}({','.join(texts)});\n"


def _shown(classes: Sequence[str]) -> frozenset[str]:
    """Name the columns of `scores.csv` that the page has a place for, or that say the same."""
    each = (f"{kind}_{name}" for kind in ("votes", "p") for name in classes)
    own = "path status label agreement lung_fraction patches_used seed model_version error"
    return frozenset((*own.split(), *each))


def worklist(
    rows: Sequence[Record],
    names: Sequence[str],
    written: frozenset[str],
    about: About,
) -> list[dict[str, Any]]:
    """Gather the rows of the worklist, ordered for triage.

    Args:
        rows: the records of the films.
        names: of the films' files, in the same order.
        written: the names that have pictures.
        about: the model.

    Returns:
        A record a film; columns that this version does not know come as `more`.
    """
    suspects = suspect_classes(about.card)
    places = [place(row, suspects) for row in rows]
    known = _shown(about.card.classes)
    found = []
    for index in triage_order(places):
        row = rows[index]
        found.append(
            {
                "name": names[index],
                "pictures": names[index] in written,
                "path": row["path"],
                "status": row["status"],
                "label": row["label"],
                "votes": [int(row[f"votes_{name}"]) for name in about.card.classes],
                "p": [round(float(row[f"p_{name}"]), 4) for name in about.card.classes],
                "sureness": round(sureness(row), 4) if row["label"] else 0.0,
                "lungs": round(float(row["lung_fraction"]), 4),
                "patches": int(row["patches_used"]),
                "seed": str(row["seed"]),
                "error": row["error"],
                "group": places[index].group,
                "suspicion": round(places[index].suspicion, 4),
                "more": {name: cell(value) for name, value in row.items() if name not in known},
            }
        )
    return found


def write_pages(folder: Path, films: Sequence[Mapping[str, Any]], about: About) -> None:
    """Write the worklist and the page that shows it; the page comes last.

    Args:
        folder: of the report.
        films: see `worklist`.
        about: the model.

    Raises:
        OSError: a file cannot be written.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    with as_file(files("cxr_tf.scoring.report") / ASSETS) as assets:
        shutil.copytree(assets, folder / ASSETS, dirs_exist_ok=True)
    write_text(folder / WORKLIST, script("cxr.takeWorklist", list(films)))
    suspects = suspect_classes(about.card)
    facts = {
        "classes": about.card.classes,
        "suspects": suspects,
        "groups": GROUPS,
        "uncertain": UNCERTAIN,
        "patch": patch_side(about.card),
        "markers": MARKERS,
        "ranges": about.ranges,
    }
    environment = Environment(
        loader=PackageLoader("cxr_tf.scoring.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template(INDEX).render(
        facts=facts,
        films=len(films),
        notice=NOTICE,
        phantom=PHANTOM_NOTICE if about.card.phantom else "",
        model=about.card.name,
        version=about.card.model_version,
        software=project_version(),
        limits=about.limits,
        suspects=suspects,
    )
    write_text(folder / INDEX, page)
