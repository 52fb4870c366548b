"""The options of an analysis."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cxr_tf.runtime.command_line import Command
from cxr_tf.runtime.errors import UsageError
from pipelines.sizes import MOST_PATCHES


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """Biomarkers of films, and the paper's tables and figures made of them.

    Writes biomarkers.csv; Tables VI to IX, every comparison, the tests for a normal distribution,
    the under-segmented films and the differences between sources as Markdown, CSV and LaTeX;
    biomarkers.png (Fig. 4), heterogeneity.png (Fig. 11), summary.md and analysis.json; with
    --patches also patches.csv, patches.png and their tables (Fig. 5).

    Research use only. Not a medical device. Exit status: 0 done, 1 some films failed, 2 wrong
    usage.
    """

    data: Path
    """a manifest, a folder with one, or a data set that an adapter knows"""
    out: Path
    """folder for the results"""
    model: Path | None = None
    """exported model that finds the masks: saved_models/NAME (its newest version), .../VERSION, or
    the name of a released one, such as cxr_triage@5"""
    run: Path | None = None
    """run of `train` that finds the masks"""
    masks: Literal["predicted", "true"] = "predicted"
    """label maps of the model or run, for every film alike; or the data's own, for the films that
    have masks of both lungs"""
    cache: Path | None = None
    """folder to keep predicted masks in and to read them from; by default masks in the run, and
    none for an exported model"""
    split: Literal["all", "train", "validation", "test"] = "all"
    """classification split of the films; all takes every film that has one"""
    cohort: str = ""
    """only films of this cohort, such as adult (the paper leaves children out); '' for all"""
    source: str = ""
    """only films of this source, such as cohen, so that no difference between classes comes from
    the source; '' for all"""
    paper_list_only: bool = False
    """only films on the paper's own case list"""
    films: int = 0
    """only the first so many films; 0 for all"""
    overlays: int = 0
    """draw the first so many films of each class with the measured lines, the lungs and their
    histogram (Fig. 2)"""
    patches: int = 0
    """also measure so many patches of each test film, 1 to 400, and compare those that the model
    decides rightly (Fig. 5; the paper draws 100)"""
    seed: int = 0
    """seed of the sampling in the tests for a normal distribution, and of the patch centres"""
    quiet: bool = False
    """say nothing but results, warnings and errors"""
    log_json: bool = False
    """log to stderr as one JSON object a line"""


#: The command line, the common options first.
COMMAND = Command(
    AnalysisOptions,
    {
        "data and output": "data out model run masks",
        "film": "split cohort source paper_list_only films",
        "drawing and patch": "overlays patches",
        "further": "cache seed quiet log_json",
    },
    "--data manifest.csv --model saved_models/cxr_triage --out analysis",
)


def check_options(options: AnalysisOptions) -> None:
    """Refuse what cannot be right before anything slow is done.

    Args:
        options: the arguments.

    Raises:
        UsageError: says what to give instead.
    """
    if options.masks == "predicted" and (options.run is None) == (options.model is None):
        raise UsageError(
            "name what finds the masks: --model SAVED_MODEL, --run RUN, or --masks true"
        )
    if options.masks == "true" and (options.run is not None or options.model is not None):
        raise UsageError("--masks true needs no model: leave out --model and --run")
    if not 0 <= options.seed < 2**63:
        raise UsageError(f"--seed {options.seed}: give a number from 0 to 2^63 - 1")
    if options.patches and (options.masks == "true" or not 1 <= options.patches <= MOST_PATCHES):
        raise UsageError(f"--patches: give 1 to {MOST_PATCHES}, and --model or --run")
    if options.films < 0 or options.overlays < 0:
        raise UsageError("--films and --overlays start at 0")
