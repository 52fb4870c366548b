"""`python -m cxr_tf.analyse`: biomarkers of films, and the paper's tables and figures of them."""

import datetime
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cxr_tf.analysis.cohort import select_films
from cxr_tf.analysis.options import COMMAND, AnalysisOptions, check_options
from cxr_tf.evaluation.command import exit_status, show
from cxr_tf.runtime.command_line import read_command_line
from cxr_tf.runtime.folder_lock import held
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.whole_files import write_json, write_text
from pipelines.adapters import open_data
from pipelines.manifest.table import Manifest
from pipelines.native_logs import start_tensorflow

if TYPE_CHECKING:
    from cxr_tf.analysis.masks import Masks


def run(
    options: AnalysisOptions,
    reporter: Reporter,
    load: "Callable[[AnalysisOptions], Masks] | None" = None,
) -> int:
    """Do what the command does.

    Args:
        options: the arguments.
        reporter: told how it gets on.
        load: opens what gives the label maps, by default `cxr_tf.analysis.masks.open_masks`.

    Returns:
        The exit status: 0 done, 1 some films failed.

    Raises:
        UsageError: wrong usage, exit status 2.
        ManifestError: the data cannot be used, exit status 2.
        OSError: a result cannot be written.
    """
    check_options(options)
    started = datetime.datetime.now(datetime.UTC)
    manifest = open_data(options.data)
    films = select_films(manifest, options)
    with held(options.out):
        return _run(options, films, reporter, load, started)


def _run(
    options: AnalysisOptions,
    films: Manifest,
    reporter: Reporter,
    load: "Callable[[AnalysisOptions], Masks] | None",
    started: datetime.datetime,
) -> int:
    """Measure films into a folder that is this process' own; see `run`."""
    out = options.out
    start_tensorflow()
    from cxr_tf.analysis import study
    from cxr_tf.analysis.masks import PredictedMasks, open_masks
    from cxr_tf.analysis.measure import measure_films
    from cxr_tf.analysis.patches import Patches
    from pipelines.films import read_film

    if options.masks == "predicted":
        reporter.note(f"loading {options.run or options.model}")
    masks = (load or open_masks)(options)
    record = study.first_record(options, films, masks)
    notice = " ".join(record["phantom_notices"])
    for text in (*record["phantom_notices"], *record["notes"]):
        reporter.warn(text)
    patches = None
    if options.patches and isinstance(masks, PredictedMasks):
        patches = Patches(masks.model, films.rows)
    folder = study.folder_of(films)
    draws = None
    if options.overlays:
        draws = study.Overlays(out / "overlays", films, options.overlays, notice)
    measured, tally = measure_films(
        films.rows,
        masks,
        read_film,
        out / "biomarkers.csv",
        folder=folder,
        mask_name=options.masks,
        reporter=reporter,
        observe=draws,
    )
    tables, groups, figures = study.make_tables(measured, options.seed)
    title = f"{len(measured)} films, {options.masks} masks. {NOTICE}"
    if patches is not None:
        tables += study.patches(patches, options, folder, read_film, reporter, notice)
    for table in tables:
        table.write(out)
    finished = datetime.datetime.now(datetime.UTC)
    record |= {
        "tables": figures,
        "statuses": dict(sorted(tally.statuses.items())),
        "not_ok": tally.not_ok,
        "failed": tally.failed,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((finished - started).total_seconds(), 3),
    }
    study.draw(measured, groups, out, title, notice)
    text = study.summary(record, tables)
    write_text(out / "summary.md", text)
    write_json(out / "analysis.json", record)
    show(text, out)
    return int(tally.failed > 0)


def main(argv: Sequence[str] | None = None) -> int:
    """Analyse films from the command line.

    Args:
        argv: the arguments, by default the process' own.

    Returns:
        The exit status; wrong arguments leave with 2 through tyro.
    """
    options = read_command_line(COMMAND, "python -m cxr_tf.analyse", argv)
    return exit_status(options, run, "measuring")


if __name__ == "__main__":
    sys.exit(main())
