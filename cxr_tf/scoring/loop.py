"""The loop that scores films one by one into the tables of a run."""

import contextlib
import functools
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cxr_tf.films.identifiers import COLUMNS, Identify
from cxr_tf.films.inputs import Input
from cxr_tf.films.reading import Answer, Reading, answers, read_ahead
from cxr_tf.films.rows import (
    Row,
    patch_columns,
    patch_rows,
    row_of,
    score_columns,
)
from cxr_tf.films.table import Table
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import PHANTOM_NOTICE
from cxr_tf.runtime.stopping import raise_if_stopped, stop_status
from cxr_tf.runtime.whole_files import NO_ROOM
from cxr_tf.saved.model_folders import version_folder
from cxr_tf.scoring.failures import stamp_of
from cxr_tf.scoring.refusals import Refusals
from cxr_tf.scoring.resume import Done
from cxr_tf.scoring.writing import Writing
from pipelines.status import OK

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.films.prediction import Prediction
    from cxr_tf.measures.biomarkers import Biomarkers
    from cxr_tf.scoring.dicom.writer import DicomWriter
    from cxr_tf.scoring.options import ScoreOptions
    from cxr_tf.scoring.report.writer import ReportWriter
    from cxr_tf.scoring.server.remote_model import RemoteModel
    from pipelines.films import Film


class Droppable(Protocol):
    """Something that a run keeps until it is complete."""

    def drop(self) -> None:
        """Remove it."""


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        complete: False when it was interrupted.
        stop_status: the exit status that says by which signal, 0 for none.
        resumed: films that an earlier start of the run had finished; they count below too.
        statuses: films by status.
        labels: films by decided class.
        failed: films that count as failed inputs.
        refusals: films that are no frontal chest films, by what says so.
        seconds: time by kind of work; reading, answers and writing overlap.
        outputs: by file name, its rows and (once complete) its SHA-256.
        kept: what is to be dropped at the very end.
        failures: stamps of the films that failed, by path; see `cxr_tf.scoring.failures`.
    """

    complete: bool = False
    stop_status: int = 0
    resumed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    refusals: Refusals = field(default_factory=Refusals)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    outputs: dict[str, dict[str, object]] = field(default_factory=dict)
    kept: "list[Droppable]" = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def films(self) -> int:
        """Number of films that got a row."""
        return self.statuses.total()

    def count(self, status: str, label: str, failed: bool) -> None:
        """Count one film.

        Args:
            status: what became of it.
            label: its class, or ''.
            failed: whether it counts as a failed input.
        """
        self.statuses[status] += 1
        self.labels[label] += bool(label)
        self.failed += failed


class _Scorer:
    """Scores one film after another into the tables of one run."""

    def __init__(
        self,
        model: "TriageModel | RemoteModel",
        options: "ScoreOptions",
        films: Sequence[str],
        names: Sequence[str],
        identify: Identify | None,
        done: Done,
    ) -> None:
        self.model, self.options, self.identify = model, options, identify
        self.films, self.done = films, done
        self.pending = done.pending(len(films))
        self.outcome = Outcome(resumed=len(done), failed=done.failed())
        self.outcome.failures = done.failures.stamps
        for record in done.rows:
            self.outcome.statuses[str(record["status"])] += 1
            self.outcome.labels[str(record["label"])] += bool(record["label"])
        #: Of every film, for the pages of a report; without one nothing is kept.
        self.records = list(done.rows) if options.report else []

        def table(name: str, columns: Sequence[str]) -> Table:
            path = options.out / name
            return Table(path, columns, done.of_table(path, columns), options.formats)

        # First: what is tried again is not done before its other rows go.
        columns = score_columns(model.classes)
        path = options.out / "scores.csv"
        self.scores = Table(path, columns, done.scores(), options.formats)
        self.patches: Table | None = None
        self.index: Table | None = None
        self.identifiers: Table | None = None
        self.dicom: DicomWriter | None = None
        self.report: ReportWriter | None = None
        self.names = iter([names[position] for position in self.pending] if names else ())
        try:
            self._open(names, table)
        except BaseException:
            self.close()
            raise
        done.remember()

    def _open(self, names: Sequence[str], table: Callable[[str, Sequence[str]], Table]) -> None:
        """Begin what is asked for beside the scores."""
        model, options, done = self.model, self.options, self.done
        if options.patch_table:
            self.patches = table("patches.csv", patch_columns(model.classes))
        if self.identify is not None:
            self.identifiers = table("identifiers.csv", COLUMNS)
        if options.overlays:
            (options.out / "overlays").mkdir(exist_ok=True)
            self.index = table("overlays/index.csv", ("path", "status", "overlay"))
        if options.report:
            from cxr_tf.scoring.report.writer import ReportWriter

            stems = [name.removesuffix(".png") for name in names]
            folder, place = version_folder(options.model), options.out / "report"
            self.report = ReportWriter(place, stems, model, folder, bool(len(done)), table)
        if options.dicom_out:
            from cxr_tf.scoring.dicom.writer import COLUMNS as DICOM_COLUMNS
            from cxr_tf.scoring.dicom.writer import FOLDER, DicomWriter

            (options.out / FOLDER).mkdir(exist_ok=True)
            index = table(f"{FOLDER}/index.csv", DICOM_COLUMNS)
            self.dicom = DicomWriter(options, model.card, index)

    @property
    def tables(self) -> list[Table]:
        dicom = self.dicom.index if self.dicom is not None else None
        cases = self.report.table if self.report is not None else None
        # The scores last: a film is done once its score is there, and all else is written before.
        tables = self.patches, self.index, cases, self.identifiers, dicom, self.scores
        return [table for table in tables if table is not None]

    def predict(self, reading: Reading) -> "Prediction":
        """Ask the model about a film that was read."""
        options = self.options
        return self.model.predict(
            reading.pixels, reading.padding, options.voting, explain=options.explains
        )

    def add(self, item: Input, reading: Reading, answer: Answer, stamp: str) -> Row:
        """Write what is asked for of one film; return its row."""
        path = item.name
        name = next(self.names, "")
        self.outcome.seconds["model"] += answer.seconds
        trouble, found = "", None
        if answer.prediction is not None:
            found = self._measure(reading, answer.prediction)
            trouble = self._explain(path, reading, answer.prediction, name, found)
        row = row_of(path, reading, answer, self.model.card, self.options.seed, trouble)
        if self.dicom is not None and answer.prediction is not None:
            began = time.perf_counter()
            stem = Path(name).stem
            written = self.dicom.add(item, stem, reading, answer.prediction, row.record, found)
            wrong, note = written
            self.outcome.seconds["dicom"] += time.perf_counter() - began
            if wrong or note:
                trouble = "; ".join(filter(None, (trouble, wrong)))
                seed, card = self.options.seed, self.model.card
                row = row_of(path, reading, answer, card, seed, trouble, note)
        if self.identifiers is not None and self.identify is not None:
            # Of a file at an address nothing but its pixels is looked at.
            local = isinstance(item.path, Path)
            if local and (identifiers := self.identify(Path(item.path))) is not None:
                self.identifiers.add((path, *identifiers))
        if row.failed:
            self.done.failures.add(str(row.record["path"]), stamp)
        self.scores.add(row.record.values())
        self.outcome.refusals.add(item.source, row.record)
        if self.report is not None:
            self.records.append(row.record)
        self.outcome.count(row.status, row.label, row.failed)
        self.outcome.seconds["reading"] += reading.seconds
        return row

    def _measure(self, reading: Reading, prediction: "Prediction") -> "Biomarkers | None":
        """Measure the film once for all that show its biomarkers."""
        if self.report is None and self.dicom is None:
            return None
        from cxr_tf.films.normalised import film_biomarkers

        limit = self.model.card.options.resolution_limit or None
        return film_biomarkers(reading, prediction, limit)

    def _explain(
        self,
        path: str,
        reading: Reading,
        prediction: "Prediction",
        name: str,
        found: "Biomarkers | None",
    ) -> str:
        """Write a film's patches and pictures; return what went wrong, or ''."""
        if self.patches is not None:
            self.patches.add(*patch_rows(path, prediction, self.model.classes))
        pictures: dict[str, Callable[[], None]] = {}
        if self.index is not None:
            pictures["overlay"] = lambda: self._draw(name, path, reading, prediction)
        if (report := self.report) is not None:
            pictures["report"] = lambda: report.add(name, path, reading, prediction, found)
        troubles = []
        for kind, write in pictures.items():
            if prediction.mask is None:
                troubles.append(
                    f"no {kind}: the server explains no film with padding; score it without "
                    "--server"
                )
                continue
            began = time.perf_counter()
            try:
                write()
            except Exception as fault:  # the score stands without its picture
                raise_if_stopped()
                if isinstance(fault, OSError) and fault.errno in NO_ROOM:
                    raise  # and the run goes on from this film once there is room
                what = "the overlay was" if kind == "overlay" else "the report's pictures were"
                troubles.append(f"{what} not written: {type(fault).__name__}: {fault}")
            finally:
                self.outcome.seconds[f"{kind}s"] += time.perf_counter() - began
        return "; ".join(troubles)

    def _draw(self, name: str, path: str, reading: Reading, prediction: "Prediction") -> None:
        from cxr_tf.drawing.overlays import render_overlay, votes_text, write_png

        assert prediction.mask is not None, "drawn with explain=True only"
        saliency = None
        caption = f"{prediction.status}   lungs {prediction.lung_fraction:.3f} of the film"
        if prediction.status == OK:
            if prediction.saliency is not None:
                saliency = prediction.saliency[prediction.class_index]
            won = int(prediction.votes[prediction.class_index])
            caption = (
                f"{prediction.label}   {votes_text(won, int(prediction.patches_used))}"
                f"p {prediction.probabilities[prediction.class_index]:.3f}   "
                f"saliency of '{prediction.label}', fixed scale 0..1"
            )
        if prediction.warning:
            caption += f"   {prediction.warning}"
        phantom = self.model.card.phantom
        picture = render_overlay(
            reading.pixels,
            prediction.mask,
            saliency,
            padding=reading.padding,
            title=f"{path}   model {prediction.model_version}",
            caption=caption,
            warning=PHANTOM_NOTICE if phantom else "",
        )
        write_png(self.options.out / "overlays" / name, picture)
        assert self.index is not None, "drawn with --overlays only"
        self.index.add((path, prediction.status, name))

    def finish(self) -> None:
        order = [*self.done.positions, *self.pending]
        if order != sorted(order):
            for table in self.tables:
                table.arrange(self.films)
            if self.report is not None:
                written = dict(zip(order, self.records, strict=True))
                self.records = [written[position] for position in sorted(order)]
        for table in self.tables:
            for path, digest in table.finish().items():
                name = path.relative_to(self.options.out).as_posix()
                self.outcome.outputs[name] = {"rows": table.rows, "sha256": digest}
        if self.report is not None:
            page = self.report.finish(self.records)
            self.outcome.outputs["report/index.html"] = page
        self.outcome.kept = list(self.tables)
        self.outcome.complete = True

    def close(self) -> None:
        with contextlib.ExitStack() as stack:  # all, where the disk is full for one
            for table in self.tables:
                stack.callback(table.close)
        for table in self.tables:
            name = table.partial.relative_to(self.options.out).as_posix()
            if not self.outcome.complete:
                self.outcome.outputs[name] = {"rows": table.rows}


def score_films(
    model: "TriageModel | RemoteModel",
    inputs: Sequence[Input],
    read: "Callable[[Path | str], Film]",
    options: "ScoreOptions",
    reporter: Reporter,
    identify: Identify | None = None,
    done: Done | None = None,
) -> Outcome:
    """Score films into `options.out`: `scores.csv`, and what other tables are asked for.

    Args:
        model: answers `predict`.
        inputs: the films, in order; each gets exactly one row.
        read: reads one film; called in another thread.
        options: what to write, seed and patches. `options.out` exists.
        reporter: told of every film, in the thread that writes its files and its row.
        identify: what `identifiers.csv` holds of a film; None writes no such table.
        done: what an earlier start of the run has finished.

    Returns:
        Counts and timings; `complete` is False after Ctrl-C or SIGTERM, and the tables stay
        `.partial`.

    Raises:
        OSError: a table cannot be written.
    """
    done = Done() if done is None else done
    films = [item.name for item in inputs]
    names: Sequence[str] = ()
    if options.draws:
        from cxr_tf.drawing.overlays import overlay_names

        names = overlay_names(films)
    scorer = _Scorer(model, options, films, names, identify, done)
    for position, record in zip(done.positions, done.rows, strict=True):
        scorer.outcome.refusals.add(inputs[position].source, record)
    inputs = [inputs[position] for position in scorer.pending]
    # From before a film is read: one that changes meanwhile is tried again.
    stamps = deque[str]()

    def stamped() -> Iterator[Input]:
        for item in inputs:
            stamps.append(stamp_of(item))
            yield item

    def write(item: Input, reading: Reading, answer: Answer, stamp: str) -> None:
        start = time.perf_counter()
        row = scorer.add(item, reading, answer, stamp)
        seconds = round(time.perf_counter() - start + answer.seconds, 4)
        reporter.film(item.name, row.status, row.label, seconds, row.error, row.failed)

    began = time.perf_counter()
    try:
        with (
            contextlib.closing(read_ahead(stamped(), read)) as readings,
            contextlib.closing(answers(readings, scorer.predict, options.requests)) as found,
            Writing() as writing,  # ends first: no table is closed under it
        ):
            reporter.start(len(inputs))
            for film in found:
                writing.add(functools.partial(write, *film, stamps.popleft()))
            writing.finish()
        scorer.finish()
        if scorer.dicom is not None and scorer.dicom.passed_over:
            reporter.warn(
                f"{scorer.dicom.passed_over} films with an answer are no DICOM files on this disk: "
                "they have no study, and nothing in OUT/dicom"
            )
    except KeyboardInterrupt as stop:
        scorer.outcome.stop_status = stop_status(stop)
    finally:
        reporter.stop()
        scorer.close()
        scorer.outcome.seconds["scoring"] = time.perf_counter() - began
    return scorer.outcome
