"""Writes the report of a scoring run as it goes: a film's pictures with its score, pages last."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.drawing.overlays import display_grey, write_png
from cxr_tf.films.rows import Record
from cxr_tf.films.table import Table, read_rows
from cxr_tf.measures.biomarkers import Biomarkers
from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.whole_files import write_text
from cxr_tf.scoring.report.cases import case_record
from cxr_tf.scoring.report.limits import limits_of
from cxr_tf.scoring.report.pages import (
    CASES,
    INDEX,
    About,
    script,
    worklist,
    write_pages,
)
from cxr_tf.scoring.report.pictures import FILM, preview, saliency_strip, save_png
from cxr_tf.scoring.report.ranges import read_ranges
from pipelines.manifest.checks import file_sha256

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.films.prediction import Prediction
    from cxr_tf.films.reading import Reading
    from cxr_tf.scoring.server.remote_model import RemoteModel

#: Columns of the table that says which films have pictures.
COLUMNS = ("path", "case")


#: How the names of a film's files end.
_ENDS = (".film.png", ".preview.png", ".saliency.png", ".js")


def _film_of(name: str) -> str:
    """Name the film that a file belongs to."""
    return next((name.removesuffix(end) for end in _ENDS if name.endswith(end)), "")


def about(model_folder: Path, card: ModelCard) -> About:
    """Gather what a report tells of a model.

    Args:
        model_folder: its version folder.
        card: its card.

    Raises:
        UsageError: the ranges of normal films beside the model are damaged.
    """
    try:
        return About(card, limits_of(model_folder, card), read_ranges(model_folder, card))
    except ValueError as error:
        raise UsageError(str(error)) from error


class ReportWriter:
    """The report of one run.

    Args:
        folder: where; made where it is missing. What an earlier report left there of single films
            is removed, but for films of this run where it goes on.
        names: file names of the films, in order, without suffix; each differs.
        model: the model.
        model_folder: its version folder.
        goes_on: whether films are there that an earlier start of the run has finished.
        table: makes the table `cases.csv` of the given columns.

    Raises:
        UsageError: the ranges of normal films beside the model are damaged.
        OSError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        model: "TriageModel | RemoteModel",
        model_folder: Path,
        goes_on: bool,
        table: Callable[[str, Sequence[str]], Table],
    ) -> None:
        self.folder, self.names = folder, names
        self.about = about(model_folder, model.card)
        if not goes_on and (folder / CASES).is_dir():
            shutil.rmtree(folder / CASES)
        (folder / CASES).mkdir(parents=True, exist_ok=True)
        own = set(names)
        for path in (folder / CASES).iterdir():
            if _film_of(path.name) not in own:
                path.unlink()
        (folder / INDEX).unlink(missing_ok=True)  # the page of an earlier run shows other films
        self.table = table(f"{folder.name}/cases.csv", COLUMNS)

    def add(
        self,
        name: str,
        path: str,
        reading: "Reading",
        prediction: "Prediction",
        found: Biomarkers | None,
    ) -> None:
        """Write the pictures of a film, and then that they are there.

        Args:
            name: of its files; a suffix .png is left out.
            path: the film.
            reading: the film as it was read.
            prediction: the model's answer, asked for with `explain=True`.
            found: its biomarkers, None where none were measured.

        Raises:
            OSError: a file cannot be written.
        """
        cases, name = self.folder / CASES, name.removesuffix(".png")
        pixels, padding = reading.pixels, reading.padding
        film = display_grey(pixels, padding, min(FILM, max(pixels.shape)))
        write_png(cases / f"{name}.film.png", film)
        write_png(cases / f"{name}.preview.png", preview(film))
        height, width = pixels.shape
        record = case_record(prediction, (height, width), film, found)
        if record["saliency"]:
            assert prediction.saliency is not None
            save_png(cases / f"{name}.saliency.png", saliency_strip(prediction.saliency))
        write_text(cases / f"{name}.js", script("cxr.takeCase", name, record))
        self.table.add((path, name))

    def finish(self, records: Sequence[Record]) -> dict[str, object]:
        """Write the pages, once every film has its row.

        Args:
            records: of all films, in order.

        Returns:
            Rows and SHA-256 of the page, for the record of the run.

        Raises:
            OSError: a file cannot be written.
        """
        cases = read_rows(self.table.partial, COLUMNS)
        written = frozenset(name for _, name in cases)
        films = worklist(records, self.names, written, self.about)
        write_pages(self.folder, films, self.about)
        return {"rows": len(films), "sha256": file_sha256(self.folder / INDEX)}
