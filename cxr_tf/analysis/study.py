"""From films to tables and figures: what one analysis writes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.analysis.class_tables import (
    MARKERS,
    class_table,
    comparison_table,
    normality_table,
    under_segmentation_table,
)
from cxr_tf.analysis.cohort import CLASSES
from cxr_tf.analysis.figures import heterogeneity_figure, marker_figure
from cxr_tf.analysis.heterogeneity import distance_table, film_means
from cxr_tf.analysis.measure import Measured
from cxr_tf.analysis.options import AnalysisOptions
from cxr_tf.analysis.overlay import draw_overlay
from cxr_tf.analysis.patches import Patches, measure_patches
from cxr_tf.analysis.table_files import PaperTable
from cxr_tf.drawing.overlays import display_grey, overlay_names
from cxr_tf.evaluation.results import PHANTOM_DATA_NOTICE, read_mask
from cxr_tf.films.split_answers import ReadFilm
from cxr_tf.measures.biomarkers import Labels
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE, machine, revision, versions
from cxr_tf.runtime.text import utf8
from pipelines.manifest.table import Manifest


class Overlays:
    """Draws the first films of each class as they are measured.

    Args:
        folder: where; made where it is missing.
        films: all films.
        most: how many of each class.
        notice: second line of the headings.
    """

    def __init__(self, folder: Path, films: Manifest, most: int, notice: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        names = overlay_names([str(row.path) for row in films])
        self._paths = {row.path: folder / name for row, name in zip(films, names, strict=True)}
        self._left = dict.fromkeys(CLASSES, most)
        self._notice = " ".join(filter(None, (NOTICE, notice)))

    def __call__(
        self, one: Measured, reading: Any, film: npt.NDArray[np.float32], labels: Labels
    ) -> None:
        """Draw a film, if it is one of the first of its class.

        Args:
            one: its figures.
            reading: the film as it was read.
            film: float32 [256, 256], normalised.
            labels: uint8 [256, 256], its label map.
        """
        row = one.row
        if self._left[row.label] <= 0:
            return
        self._left[row.label] -= 1
        masks = row.masks
        parts = [name for name in ("heart", "left_lung", "right_lung") if name in masks] or masks
        truth = [read_mask(masks[name]) for name in parts]
        grey = display_grey(reading.pixels, reading.padding)
        title = f"{CLASSES[row.label]}: {row.path.stem}"
        path = self._paths[row.path]
        draw_overlay(path, grey, film, labels, one.found, title, self._notice, truth)


def make_tables(
    films: Sequence[Measured], seed: int
) -> tuple[list[PaperTable], dict[str, dict[str, Any]], dict[str, Any]]:
    """Make every table.

    Args:
        films: the films measured.
        seed: of the sampling.

    Returns:
        The tables, the values by the paper's table and class, and the figures for the record.
    """
    tables, groups, compared = [], {}, {}
    for marker in MARKERS:
        table, groups[marker.table], compared[marker.table] = class_table(films, marker)
        tables.append(table)
    tables += [
        comparison_table(compared),
        normality_table(groups, seed),
        under_segmentation_table(films),
        distance_table(films),
    ]
    figures = {
        table: {
            "classes": {
                name: {"n": len(x), "mean": float(x.mean()), "sd": _number(x.std(ddof=1))}
                for name, x in classes.items()
                if len(x) > 1
            },
            "comparisons": [
                {key: _number(value) for key, value in asdict(c).items()} for c in compared[table]
            ],
        }
        for table, classes in groups.items()
    }
    return tables, groups, figures


def _number(value: Any) -> Any:
    """Give the same for JSON, which has no nan."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


def draw(
    films: Sequence[Measured], groups: dict[str, dict[str, Any]], out: Path, title: str, notice: str
) -> None:
    """Draw Figs. 4 and 11.

    Args:
        films: the films measured.
        groups: values by the paper's table and class.
        out: folder of the results.
        title: heading.
        notice: second line of the heading.
    """
    shown = {m.title: groups[m.table] for m in MARKERS if m.supine and groups[m.table]}
    if shown:
        marker_figure(out / "biomarkers.png", shown, CLASSES, title, notice)
    if film_means(films, "lung", "after"):
        heterogeneity_figure(out / "heterogeneity.png", films, title, notice)


def folder_of(films: Manifest) -> Path:
    """Tell which folder paths are given from.

    Args:
        films: the films.

    Returns:
        The data's folder.
    """
    return films.root if films.root.is_dir() else films.root.parent


def patches(
    found: Patches,
    options: AnalysisOptions,
    folder: Path,
    read: ReadFilm,
    reporter: Reporter,
    notice: str,
) -> list[PaperTable]:
    """Measure patches of the test films: patches.csv and patches.png (Fig. 5).

    Args:
        found: takes the figures.
        options: the arguments.
        folder: the data's folder, which paths are given from.
        read: reads a film.
        reporter: told of every film.
        notice: second line of the heading.

    Returns:
        The tables.
    """
    measure_patches(
        found,
        read,
        options.out / "patches.csv",
        folder=folder,
        patches=options.patches,
        seed=options.seed,
        reporter=reporter,
    )
    markers = found.markers()
    if any(markers.values()):
        title = f"Patches decided rightly, {len(found.films)} test films. {NOTICE}"
        marker_figure(options.out / "patches.png", markers, found.names(), title, notice)
    return found.tables()


def first_record(options: AnalysisOptions, films: Manifest, masks: Any) -> dict[str, Any]:
    """Gather what is known before the first film.

    Args:
        options: the arguments.
        films: the films.
        masks: what gives their label maps.

    Returns:
        What `analysis.json` begins with.
    """
    model = getattr(masks, "model", None)
    notices = [PHANTOM_NOTICE] if model is not None and model.card.phantom else []
    notices += [PHANTOM_DATA_NOTICE] if films.phantom else []
    films_of = [row.patient for row in films]
    notes = ["every film counts, also several of one patient"] * (
        len(set(films_of)) < len(films_of)
    )
    notes += [] if options.masks == "predicted" else ["a heart without a true mask is missing"]
    arguments = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(options).items()}
    return {
        "command": "cxr_tf.analyse",
        "notice": NOTICE,
        "phantom_notices": notices,
        "arguments": json.loads(json.dumps(arguments)),
        "model": model.model_version if model is not None else None,
        "resolution_limit": masks.resolution_limit,
        "data": {
            "films": len(films),
            "patients": len(set(films_of)),
            "classes": {name: sum(row.label == name for row in films) for name in CLASSES},
            "sources": sorted({row.source for row in films}),
            "fingerprint": films.fingerprint(),
        },
        "notes": notes,
        "versions": versions(),
        "revision": revision(),
        "machine": machine(),
    }


def summary(record: dict[str, Any], tables: Sequence[PaperTable]) -> str:
    """Write an analysis as text.

    Args:
        record: what `analysis.json` holds.
        tables: every table.

    Returns:
        Markdown.
    """
    data, source = record["data"], record["model"]
    masks = f"masks of model {source}" if source else "the data's own masks"
    statuses = ", ".join(f"{name} {count}" for name, count in record["statuses"].items())
    shown, note = [], ""
    for table in tables:  # a note stands once where tables in a row share it
        shown.append(replace(table, note="" if table.note == note else table.note))
        note = table.note
    lines = [
        "# Biomarkers",
        f"**{NOTICE}**",
        *(f"**{notice}**" for notice in record["phantom_notices"]),
        f"{data['films']} films of {data['patients']} patients from {', '.join(data['sources'])}; "
        f"{masks}. Films by status: {statuses}.",
        *(f"Note: {note}." for note in record["notes"]),
        *(table.markdown().rstrip() for table in shown),
    ]
    return utf8("\n\n".join(lines) + "\n")
