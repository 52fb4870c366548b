"""Which films an analysis measures, and under which class each stands."""

from collections.abc import Sequence

from cxr_tf.analysis.options import AnalysisOptions
from cxr_tf.runtime.errors import UsageError
from pipelines.manifest.table import Manifest, ManifestRow, validate

#: The rows of Tables VI to IX in the paper's order, with its names.
CLASSES = {
    "normal": "Normal",
    "tuberculosis": "Tuberculosis",
    "bacterial": "Bacteria",
    "viral": "Viral",
    "covid19": "COVID-19",
}
SUPINE = "AP Supine"


def _chosen(row: ManifestRow, options: AnalysisOptions) -> bool:
    both_lungs = row.mask_left_lung is not None and row.mask_right_lung is not None
    return (
        row.label in CLASSES
        and bool(row.split_classification)
        and options.split in ("all", row.split_classification)
        and (both_lungs or options.masks == "predicted")
        and options.cohort in ("", row.cohort)
        and options.source in ("", row.source)
        and (row.on_paper_list or not options.paper_list_only)
    )


def select_films(manifest: Manifest, options: AnalysisOptions) -> Manifest:
    """Choose the films to measure, and refuse them if a file is missing.

    Args:
        manifest: the data.
        options: the arguments.

    Returns:
        At least one film, each of one of `CLASSES`.

    Raises:
        UsageError: the choice is empty.
        ManifestError: lists every fault of the chosen films at once.
    """
    rows = tuple(row for row in manifest.rows if _chosen(row, options))
    rows = rows[: options.films] if options.films else rows
    if not rows:
        cohorts, sources = (
            ", ".join(sorted({getattr(row, column) for row in manifest.rows} - {""})) or "none"
            for column in ("cohort", "source")
        )
        raise UsageError(
            f"{manifest.root}: no film left of the classes {', '.join(CLASSES)}; change --split, "
            f"--cohort (there are: {cohorts}), --source (there are: {sources}), "
            "--paper-list-only or --masks"
        )
    films = Manifest(manifest.root, rows)
    validate(films, "classification", need=())
    return films


def by_class(rows: Sequence[ManifestRow], *, supine: bool = True) -> dict[str, list[int]]:
    """Sort films into the paper's classes.

    Args:
        rows: films of `CLASSES`.
        supine: False leaves out films taken of a patient lying on the back (Table VIII).

    Returns:
        Positions by manifest class, in the paper's order; classes without films are left out.
    """
    found = {
        name: [
            index
            for index, row in enumerate(rows)
            if row.label == name and (supine or row.view != SUPINE)
        ]
        for name in CLASSES
    }
    return {name: indices for name, indices in found.items() if indices}
