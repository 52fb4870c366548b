"""Another classifier that the one evaluated is compared with, on the films that both decided."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cxr_tf.evaluation.evaluated_model import Subject
from cxr_tf.evaluation.options import ClassificationEvaluationOptions, Options
from cxr_tf.evaluation.split import class_map_of
from cxr_tf.films import split_answers
from cxr_tf.measures.estimates import Decisions
from cxr_tf.measures.paired import compare
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.saved.released import names_release
from pipelines.classes import ClassMap
from pipelines.manifest.rows import ManifestRow
from pipelines.status import OK
from pipelines.text_table import read_text_table

TABLE = "predictions.csv"


@dataclasses.dataclass(frozen=True)
class Other:
    """The other classifier: what it decided before, or a model that decides now.

    Attributes:
        path: what was named.
        version: of its model; '' where that is not known.
        rows: its decisions by film, '' for none known; None where `subject` decides.
        subject: the run or model; None where `rows` are known.
    """

    path: Path
    version: str
    rows: Mapping[str, Mapping[str, str]] | None = None
    subject: Subject | None = None

    def decisions(
        self, films: Sequence[ManifestRow], classes: ClassMap, read: split_answers.ReadFilm,
        out: Path, folder: Path, vote: VoteOptions, reporter: Reporter,
    ) -> Decisions:  # fmt: skip
        """Give what it decided on films.

        Args:
            films: the films.
            classes: manifest class -> decision class.
            read: reads a film, where the model decides now.
            out: folder that its own table goes to then.
            folder: the data's folder, which paths are given from.
            vote: how films are put to the vote then.
            reporter: told of every film then.

        Returns:
            The decisions in the order of the films, -1 where it has none.

        Raises:
            UsageError: a film has another class in its table.
        """
        if self.subject is not None:
            found, _ = split_answers.decide_films(
                self.subject.model, films, classes, read, out / f"against_{TABLE}",
                folder=folder, vote=vote, reporter=reporter,
            )  # fmt: skip
            return found
        assert self.rows is not None
        truth = np.array([classes.index(row.label) for row in films], np.int64)
        decided = np.full(len(films), -1, np.int64)
        probabilities = np.zeros((len(films), len(classes)))
        for index, film in enumerate(films):
            path = split_answers.film_path(film, folder)
            row = self.rows.get(path.removeprefix("./"))
            if row is None or row["status"] != OK:
                continue
            if row["truth"] != (name := classes.names[truth[index]]):
                raise UsageError(
                    f"--against {self.path}: {path} is {row['truth']!r} there and {name!r} here; "
                    "compare evaluations of the same data"
                )
            decided[index] = classes.names.index(row["label"])
            probabilities[index] = [float(row[f"p_{name}"]) for name in classes.names]
        return Decisions(truth, decided, probabilities, tuple(row.patient for row in films))


def open_other(
    options: ClassificationEvaluationOptions,
    path: Path,
    load: Callable[[Options], Subject],
    classes: ClassMap,
) -> Other:
    """Open the other classifier, before anything slow is done.

    Args:
        options: of the evaluation.
        path: a table of predictions, the folder of an evaluation, a run, an exported model, or the
            name of a released one.
        load: loads a run or model.
        classes: of the one that is evaluated.

    Raises:
        UsageError: it cannot be read, or decides between other classes.
    """
    table = path / TABLE if (path / TABLE).is_file() else path
    if table.is_file():
        return _read_table(table, classes)
    if not (path.is_dir() or names_release(path)):
        raise UsageError(f"--against {path}: there is no such file or folder")
    is_run = (path / "config.json").is_file()
    run, model = (path, None) if is_run else (None, path)
    try:
        subject = load(dataclasses.replace(options, run=run, model=model))
        theirs = class_map_of(subject.model.classes, options.classes or subject.classes)
    except UsageError as error:
        raise UsageError(f"--against {path}: {error}") from error
    if theirs.spec() != classes.spec():
        raise UsageError(_other_classes(path, theirs.names, classes))
    return Other(path, subject.model.model_version, subject=subject)


def _read_table(table: Path, classes: ClassMap) -> Other:
    """Read the decisions of another evaluation."""
    try:
        found = read_text_table(table)
    except (OSError, ValueError) as error:
        raise UsageError(f"--against {table}: it cannot be read ({error})") from error
    columns, rows = set(found), found.to_dict("records")
    if missing := {"path", "status", "label", "truth"} - columns:
        raise UsageError(
            f"--against {table}: no column {', '.join(sorted(missing))}; name the {TABLE} that "
            "`evaluate classification` writes"
        )
    theirs = {name.removeprefix("p_") for name in columns if name.startswith("p_")}
    if theirs != set(classes.names):
        raise UsageError(_other_classes(table, sorted(theirs), classes))
    for row in rows:
        if row["status"] == OK:
            _check_row(table, row, classes)
    versions = {row.get("model_version") or "" for row in rows}
    return Other(
        table,
        versions.pop() if len(versions) == 1 else "",
        {row["path"].removeprefix("./"): row for row in rows},
    )


def _check_row(table: Path, row: Mapping[str, str], classes: ClassMap) -> None:
    try:
        numbers = [float(row[f"p_{name}"] or "nan") for name in classes.names]
    except (TypeError, ValueError):
        numbers = [float("nan")]
    if not np.isfinite(numbers).all() or row["label"] not in classes.names:
        raise UsageError(
            f"--against {table}: the row of {row['path']} has no label or probabilities that can "
            "be read; write the table again"
        )


def _other_classes(path: Path, theirs: Sequence[str], classes: ClassMap) -> str:
    return (
        f"--against {path}: it decides between {', '.join(theirs)}, this model between "
        f"{', '.join(classes.names)} ({classes.spec()}); give both the same --classes"
    )


def compared(
    ours: Decisions,
    theirs: Decisions,
    other: Other,
    classes: ClassMap,
    options: ClassificationEvaluationOptions,
) -> dict[str, Any]:
    """Compare two classifiers on the films that both decided.

    Args:
        ours: decisions of the one that is evaluated.
        theirs: those of the other on the same films.
        other: the other.
        classes: manifest class -> decision class.
        options: of the evaluation.

    Returns:
        Who the other is, films left out, and what `measures.paired.compare` finds.

    Raises:
        UsageError: there is no film that both decided.
    """
    both = (ours.decided >= 0) & (theirs.decided >= 0)
    if not both.any():
        raise UsageError(
            f"--against {other.path}: no film of these was decided by both; compare evaluations "
            "of the same split of the same data"
        )
    chosen = np.flatnonzero(both).tolist()
    found = compare(
        ours.take(chosen), theirs.take(chosen), classes.names, options.samples, options.seed
    )
    return {
        "path": str(other.path),
        "version": other.version,
        "left_out": int((~both).sum()),
        **found.record(),
    }
