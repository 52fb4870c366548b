r"""Writes what biomarkers of normal films are like, for the report of `cxr_tf.score`.

    python -m tools.release.normal_ranges --analysis results/analysis/all --data DATA \
        --model saved_models/cxr_triage

takes the normal films of the training split (classification) from the analysis' `biomarkers.csv`
and writes percentiles by cohort into `normal_ranges.json` beside the model's versions.
"""

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cxr_tf.films.split_answers import film_path
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.whole_files import write_json
from cxr_tf.saved.model_folders import read_card, version_folder
from cxr_tf.scoring.report.cases import MARKERS
from cxr_tf.scoring.report.ranges import NAME, masks_key
from pipelines.adapters import open_data
from pipelines.manifest.table import Manifest
from pipelines.text_table import read_text_table

PERCENTILES = (2.5, 50.0, 97.5)
#: A percentile of fewer films says nothing.
LEAST = 20


def normal_paths(data: Manifest) -> dict[str, str]:
    """Find the normal films that the classification learns from.

    Args:
        data: the manifest.

    Returns:
        The cohort by path, as an analysis names films; 'unknown' where there is none.
    """
    folder = data.root if data.root.is_dir() else data.root.parent
    return {
        film_path(row, folder): row.cohort or "unknown"
        for row in data.rows
        if row.label == "normal" and row.split_classification == "train"
    }


def ranges(rows: Iterable[Mapping[str, str]], cohorts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Gather the percentiles of each biomarker by cohort.

    Args:
        rows: of `biomarkers.csv`.
        cohorts: see `normal_paths`.

    Returns:
        The groups of `scoring.report.ranges.read_ranges`, the largest first; cohorts of fewer
        than 20 films are left out.
    """
    groups: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        if row["status"] == "ok" and row["path"] in cohorts:
            groups[cohorts[row["path"]]].append(row)
    found = []
    for name, films in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        if len(films) < LEAST:
            continue
        markers = {}
        for marker, *_ in MARKERS:
            values = [float(row[marker] or "nan") for row in films]
            values = [value for value in values if not math.isnan(value)]
            if len(values) >= LEAST:
                low, median, high = np.percentile(values, PERCENTILES).round(6).tolist()
                markers[marker] = {"n": len(values), "low": low, "median": median, "high": high}
        found.append({"name": name, "films": len(films), "markers": markers})
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 written, 1 there is nothing to write, 2 wrong usage.
    """
    parser = argparse.ArgumentParser(
        "python -m tools.release.normal_ranges", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--analysis", type=Path, required=True, help="folder of cxr_tf.analyse")
    parser.add_argument("--data", type=Path, required=True, help="the data that was analysed")
    parser.add_argument("--model", type=Path, required=True, help="the model of the analysis")
    options = parser.parse_args(arguments)
    folder = version_folder(options.model)
    card = read_card(folder)
    record = json.loads((options.analysis / "analysis.json").read_text(encoding="utf-8"))
    if record["model"] != card.model_version:
        parser.error(
            f"{options.analysis} was made by model {record['model']}, not by "
            f"{card.model_version}: run the analysis with this model"
        )
    rows = read_text_table(options.analysis / "biomarkers.csv").to_dict("records")
    groups = ranges(rows, normal_paths(open_data(options.data)))
    if not groups:
        Reporter().error(f"{options.data}: no cohort has {LEAST} normal training films")
        return 1
    path = folder.parent / NAME
    write_json(
        path,
        {
            "notice": NOTICE,
            "films": "normal films of the training split (classification)",
            "percentiles": PERCENTILES,
            "analysed_by": record["model"],
            "masks": masks_key(card),
            "groups": groups,
        },
    )
    counts = ", ".join(f"{group['name']} n={group['films']}" for group in groups)
    print(f"{path}: {counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
