"""The paper's protocol beside stricter ones: `python -m tools.paper.protocols STEP …`.

    split    two manifests that test the same films: one trains on other films of their patients
             (by image, as the paper splits), the other does not (by patient)
    compare  accuracy of the local and the global approach by image, by patient, and with the
             source left out, on the same films

The third protocol is that of `python -m tools.leave_one_out run`.
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import tyro

from cxr_tf.drawing.style import COLOURS, OTHERS_COLOUR, new_figure, write_figure
from cxr_tf.evaluation.against import TABLE
from cxr_tf.evaluation.summary import figure_text, table, title_of
from cxr_tf.measures.bootstrap import SAMPLES
from cxr_tf.measures.estimates import classification_estimates
from cxr_tf.measures.paired import compare
from cxr_tf.runtime.command_line import Command, read_command_line
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.whole_files import write_text
from pipelines.adapters import open_data
from pipelines.classes import PAPER_CLASSES, parse_classes
from pipelines.manifest.splits import REDISTRIBUTED, give_splits
from pipelines.manifest.table import Manifest, ManifestError, ManifestRow, write_manifest
from pipelines.text_table import read_text_table
from tools.leave_one_out.decisions import (
    DECISIONS,
    LEFT_OUT,
    Table,
    as_decisions,
    classes_of,
    read_decisions,
    read_predictions,
)
from tools.paper.published import METRICS, TABLE_X

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TASK = "classification"
#: The protocols, the most lenient first, by what tells training from test films.
PROTOCOLS = {"image": "by image", "patient": "by patient", "source": "source left out"}
#: By approach and protocol, and by name of the figure: `value`, `low`, `high`, `n`, `patients`.
Figures = dict[tuple[str, str], dict[str, Any]]
#: The figures that are told, by their title.
FIGURES = {"accuracy": "accuracy", "recall": "mean recall", "roc_auc": "ROC-AUC"}


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """Write by_image.csv and by_patient.csv."""

    data: tyro.conf.Positional[Path]
    """a manifest, a folder with one, or a data set that an adapter knows"""
    out: Path
    """folder to write the manifests into"""
    classes: str = PAPER_CLASSES.spec()
    """decision classes"""
    test: float = 0.3
    """share of each source's and class's films that tests"""
    seed: int = 0
    """of the distribution"""


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Compare the protocols; without decisions, those stored in --out are read again."""

    out: Path
    """folder for decisions.csv, protocols.md and protocols.png"""
    local: tuple[Path, ...] = ()
    """decisions of patches: folders of `tools.leave_one_out decide` by image and by patient, and of
    folds"""
    whole: tuple[Path, ...] = ()
    """the same of whole films, the global approach"""
    samples: int = SAMPLES
    """bootstrap samples"""
    seed: int = 0
    """seed of the bootstrap"""


Options = SplitOptions | CompareOptions
STEPS: dict[str, Command[Any]] = {
    "split": Command(
        SplitOptions,
        {"distribution": "classes test seed"},
        "manifest.csv --out runs/protocols",
    ),
    "compare": Command(
        CompareOptions,
        {"decision": "local whole", "interval": "samples seed"},
        "--out compared --local runs/by_image runs/by_patient runs/folds",
    ),
}


def split(manifest: Manifest, classes: str, test: float, seed: int) -> dict[str, Manifest]:
    """Give two manifests that test the same films.

    By image, films are distributed whosever they are, and a tenth validates; patient ids are
    emptied, because a training refuses patients who stand in two splits. By patient, the films
    that train or validate by image are left out where their patient tests, and those that
    validate where their patient trains.

    Args:
        manifest: rows of which those in a split take part.
        classes: decision classes.
        test: share of the films of each source and class that tests.
        seed: of the distribution.

    Returns:
        Manifests by `image` and `patient`.

    Raises:
        UsageError: the share leaves no film to train on.
    """
    if not 0 < test <= 0.8:
        raise UsageError(f"--test {test}: give a share above 0, of 0.8 at most")
    known = parse_classes(classes)
    rows = tuple(dataclasses.replace(row, split_segmentation="") for row in manifest)

    def takes_part(row: ManifestRow) -> bool:
        return row.label in known and row.split(TASK) in REDISTRIBUTED

    rows = tuple(
        row if takes_part(row) else dataclasses.replace(row, split_classification="")
        for row in rows
    )

    def sizes(_: str, films: int) -> tuple[int, int]:
        return max(films // 10, 1), max(round(films * test), 1)

    for source in sorted({row.source for row in rows if takes_part(row)}):
        of_source = lambda row, name=source: row.source == name and takes_part(row)  # noqa: E731
        rows = give_splits(rows, TASK, of_source, by="image", seed=seed, sizes=sizes)
    tested, trained = (
        {row.patient for row in rows if row.split(TASK) == name} for name in ("test", "train")
    )

    def by_patient(row: ManifestRow) -> ManifestRow:
        own = row.split(TASK)
        torn = (own in ("train", "validation") and row.patient in tested) or (
            own == "validation" and row.patient in trained
        )
        return dataclasses.replace(row, split_classification="") if torn else row

    nameless = (dataclasses.replace(row, patient_id="") for row in rows)
    return {
        "image": Manifest(manifest.root, tuple(nameless)),
        "patient": Manifest(manifest.root, tuple(map(by_patient, rows))),
    }


def gather(decided: Mapping[str, Sequence[Path]]) -> Table:
    """Put the decisions of all protocols into one table, on the films that all of them decided.

    Args:
        decided: by approach, folders of decisions by image and by patient, and of folds.

    Returns:
        The table: `approach`, `protocol`, film, patient, origin, truth, decision and mean
        probabilities.

    Raises:
        UsageError: a folder holds no decisions, there are not three, or no film is in all.
    """
    parts: list[Table] = []
    for approach, folders in decided.items():
        if len(folders) != len(PROTOCOLS):
            raise UsageError(f"{approach}: name three folders, {', '.join(PROTOCOLS.values())}")
        for protocol, folder in zip(PROTOCOLS, folders, strict=True):
            part = _read(folder, protocol)
            part.insert(0, "approach", approach)
            part.insert(1, "protocol", protocol)
            parts.append(part)
    common = set.intersection(*(set(part["film"]) for part in parts))
    if not common:
        raise UsageError("no film was decided by all protocols: decide the films of one `split`")
    patients = next(
        part.set_index("film")["patient"] for part in parts if part["protocol"].iloc[0] == "patient"
    )
    kept = []
    for part in parts:
        own = part[part["film"].isin(common)].sort_values("film")
        kept.append(own.assign(patient=patients.loc[own["film"]].to_numpy()))
    return pd.concat(kept, ignore_index=True)


def _read(folder: Path, protocol: str) -> Table:
    """Read the decisions of one protocol; a film is known by its folder and name."""
    if protocol == "source":
        found = read_decisions(folder)
        found = found[found["kind"] == LEFT_OUT]
    else:
        try:
            found = read_predictions(folder / TABLE)
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder}: no decisions can be read ({error})") from error
    films = ["/".join(Path(path).parts[-2:]) for path in found["path"]]
    if len(set(films)) < len(films):
        raise UsageError(f"{folder}: two films have one name and one folder's name")
    chances = [f"p_{name}" for name in classes_of(found)]
    columns = ["patient", "source", "truth", "status", "label", *chances]
    own: Table = found[columns].copy()
    own.insert(0, "film", films)
    return own


def bars(decided: Table, samples: int, seed: int) -> Figures:
    """Give the figures with their intervals over patients.

    Args:
        decided: from `gather`.
        samples: bootstrap samples.
        seed: their seed.

    Returns:
        By approach and protocol, and by name of the figure: `value`, `low`, `high`, `n`,
        `patients`.
    """
    found = {}
    for place, own in decided.groupby(["approach", "protocol"], sort=False):
        overall = classification_estimates(
            as_decisions(own), classes_of(own), samples, seed
        ).overall
        found[place] = {name: overall[name].record() for name in FIGURES}
    return found


def markdown(decided: Table, figures: Figures, samples: int, seed: int) -> str:
    """Lay out the comparison.

    Args:
        decided: from `gather`.
        figures: from `bars`.
        samples: bootstrap samples.
        seed: their seed.
    """
    rows = [
        [approach, PROTOCOLS[protocol], *(figure_text(own[name]) for name in FIGURES)]
        for (approach, protocol), own in figures.items()
    ]
    first = next(iter(figures.values()))["accuracy"]
    parts = [
        "# Split by image, by patient, and with the source left out",
        NOTICE,
        f"The same {first['n']} films of {first['patients']} patients, decided by networks that "
        "trained for the same number of steps. Intervals are 95 %, by a bootstrap over patients; a "
        "film without a decision is wrong.",
        table(["approach", "protocol", *FIGURES.values()], rows),
        "The paper, whose split is by image, has an accuracy of "
        f"{TABLE_X['local'][0]} for patches and {TABLE_X['global'][0]} for whole films.",
        "Differences of two protocols, on the films that both decided:",
        table(["approach", "difference", *FIGURES.values()], _differences(decided, samples, seed)),
        "Accuracy by source:",
        table(["source", "films", *(f"{a}, {PROTOCOLS[p]}" for a, p in figures)],
              _by_source(decided, figures)),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _differences(decided: Table, samples: int, seed: int) -> list[list[str]]:
    """Compare each protocol with the next stricter one."""
    names, rows = list(PROTOCOLS), []
    for approach, own in decided.groupby("approach", sort=False):
        for lenient, strict in zip(names, names[1:], strict=False):
            pair = [as_decisions(own[own["protocol"] == name]) for name in (lenient, strict)]
            both = np.flatnonzero((pair[0].decided >= 0) & (pair[1].decided >= 0)).tolist()
            left, right = (each.take(both) for each in pair)
            found = compare(left, right, classes_of(own), samples, seed).figures
            rows.append(
                [approach, f"{PROTOCOLS[lenient]} less {PROTOCOLS[strict]}",
                 *(figure_text(found[name].difference.record()) for name in FIGURES)]
            )  # fmt: skip
    return rows


def _by_source(decided: Table, places: Mapping[tuple[str, str], Any]) -> list[list[str]]:
    right = (decided["label"] == decided["truth"]).astype(float)
    means = right.groupby([decided["source"], decided["approach"], decided["protocol"]]).mean()
    counts = decided.drop_duplicates("film").groupby("source").size()
    return [
        [source, str(count), *(f"{means[(source, *each)]:.3f}" for each in places)]
        for source, count in counts.items()
    ]


def draw(figures: Figures) -> "Figure":
    """Draw a bar for each approach and protocol, in a panel for accuracy and one for recall.

    Args:
        figures: from `bars`.

    Returns:
        The figure, on white, so that it reads on a dark page too.
    """
    shown = ("accuracy", "recall")
    approaches = list(dict.fromkeys(approach for approach, _ in figures))
    titles = ["the paper, by image", *PROTOCOLS.values()]
    count = next(iter(figures.values()))["accuracy"]["n"]
    title = f"Four classes decided rightly, by what a test film shares with training (n={count})"
    figure = new_figure(10, 3.6, title, NOTICE, dpi=110)
    panels = figure.subplots(1, len(shown), sharey=True)
    step = 0.8 / len(approaches)
    for axes, name in zip(panels, shown, strict=True):
        for place, approach in enumerate(approaches):
            paper = TABLE_X[approach][METRICS.index(name)]
            own = [figures[approach, protocol][name] for protocol in PROTOCOLS]
            values = [paper, *(each["value"] for each in own)]
            places = np.arange(len(values)) + (place - (len(approaches) - 1) / 2) * step
            colour = COLOURS[place]
            axes.bar(places[1:], values[1:], step, color=colour, label=approach)
            axes.bar(places[:1], values[:1], step, color=OTHERS_COLOUR)
            for x, each in zip(places[1:], own, strict=True):
                axes.plot([x, x], [each["low"], each["high"]], color="black", lw=1.2)
            for x, value in zip(places, values, strict=True):
                axes.text(x, 0.02, f"{value:.2f}", ha="center", color="white", fontsize=8)
        axes.set(ylim=(0, 1))
        axes.set_xticks(range(len(titles)), titles, fontsize=8)
        axes.set_ylabel(f"{title_of(name)}, with its 95 % interval", fontsize=8)
        axes.tick_params(labelsize=8)
    panels[0].legend(fontsize=8, frameon=False)
    return figure


def _split(options: SplitOptions) -> int:
    manifest = open_data(options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, own in split(manifest, options.classes, options.test, options.seed).items():
        path = options.out / f"by_{name}.csv"
        write_manifest(own, path)
        counts = {part: len(own.select(TASK, part)) for part in REDISTRIBUTED}
        print(f"{path}: " + ", ".join(f"{count} {part}" for part, count in counts.items()))
    return 0


def _compare(options: CompareOptions) -> int:
    named = {"local": options.local, "global": options.whole}
    given = {approach: folders for approach, folders in named.items() if folders}
    stored = options.out / DECISIONS
    if given:
        decided = gather(given)
        options.out.mkdir(parents=True, exist_ok=True)
        write_text(stored, decided.to_csv(index=False, lineterminator="\n"))
    elif not stored.is_file():
        raise UsageError(f"{stored} is missing: name decisions by --local and --whole")
    decided = read_text_table(stored)
    figures = bars(decided, options.samples, options.seed)
    text = markdown(decided, figures, options.samples, options.seed)
    write_text(options.out / "protocols.md", text)
    write_figure(options.out / "protocols.png", draw(figures))
    print(text)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: by default those of the process.

    Returns:
        Exit status: 0 done, 1 something cannot be written, 2 wrong usage.
    """
    options: Options = read_command_line(
        STEPS, "python -m tools.paper.protocols", arguments, f"{__doc__}\n{NOTICE}"
    )
    with Reporter() as reporter:
        try:
            return _split(options) if isinstance(options, SplitOptions) else _compare(options)
        except (ManifestError, UsageError) as error:
            reporter.errors(error)
            return 2
        except OSError as error:
            reporter.error(f"cannot be written: {error}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
