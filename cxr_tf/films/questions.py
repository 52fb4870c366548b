"""Questions about one film from Python: by path, address, array or `Film`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cxr_tf.films.addresses import read_location
from cxr_tf.films.entrance import levels_of
from cxr_tf.films.inputs import film_named
from cxr_tf.films.reading import Answer, Reading, model_fault, read_ahead
from cxr_tf.films.results import Explanation, Score
from cxr_tf.films.rows import Record, row_of
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.vote_options import VoteOptions, asked_vote
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE
from pipelines.films import Film, read_content
from pipelines.status import OK

if TYPE_CHECKING:
    from cxr_tf.films.figure import FilmFigure
    from cxr_tf.films.prediction import Prediction

#: A path or address, a file's content as bytes, what holds pixels (see
#: `cxr_tf.films.entrance.levels_of`), or what `pipelines.films.read_film` gave.
FilmSource: TypeAlias = Any


def read_source(
    film: FilmSource, *, padding: float | None = None, voi: bool = False, name: str = ""
) -> tuple[str, Reading]:
    """Read what a caller names, as the command line reads it.

    Args:
        film: path or address of a film; the content of its file as bytes; an array, a tensor,
            nested lists of numbers or a PIL image, bright where dense; or a `Film`.
        padding: of an array, the value in it to leave out, -1 or None for none.
        voi: apply a DICOM file's VOI LUT, or its first window.
        name: what the record calls it; by default the path, or '' where there is none.

    Returns:
        The name, and the film or the reason why there is none.

    Raises:
        UsageError: it is no film, nor does it name one.
    """
    if isinstance(film, (bytes, bytearray, memoryview)):
        film = read_content(bytes(film), "", voi=voi)
    if isinstance(film, Film):
        return name, Reading(film.pixels, film.padding, film.status, film.error, 0.0, film.warning)
    if not isinstance(film, (str, os.PathLike)):
        return name, Reading(*levels_of(film, padding), OK, "", 0.0)
    if not (named := os.fspath(film)):
        raise UsageError("film '': give the path of a film")
    item = film_named(os.fsdecode(named))

    def read(location: Path | str) -> Film:
        return read_location(location, voi=voi)

    [(item, reading)] = read_ahead([item], read)
    return name or item.name, reading


def notices_of(card: ModelCard) -> tuple[str, ...]:
    """Say what must stand beside every answer of a model.

    Args:
        card: the model's.

    Returns:
        The notice, and that of a model that learnt from phantoms.
    """
    return (NOTICE, PHANTOM_NOTICE) if card.phantom else (NOTICE,)


class FilmQuestions:
    """Answers about a film by whatever has `predict`: a loaded model, or one behind a server."""

    card: ModelCard

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        return self.card.classes

    @property
    def model_version(self) -> str:
        """Names weights and options."""
        return self.card.model_version

    def check_process(self) -> None:
        """Refuse to work where the model cannot; one behind a server works in any process."""

    def predict(self, *args: Any, **options: Any) -> "Prediction":
        """Decide on one film; see `cxr_tf.films.model.TriageModel.predict`."""
        raise NotImplementedError

    def score(
        self,
        film: FilmSource,
        vote: VoteOptions | str | None = None,
        *,
        padding: float | None = None,
        voi: bool = False,
        name: str = "",
        **changes: Any,
    ) -> Score:
        """Decide on one film, as `python -m cxr_tf.score` does.

        Args:
            film: path or address; the content of a file as bytes; an array, a tensor, nested
                lists of numbers or a PIL image, bright where dense; or a `Film`.
            vote: how the film is put to the vote: the options, or `patches` or `dense` alone.
            padding: of an array, the value in it to leave out, -1 or None for none.
            voi: apply a DICOM file's VOI LUT, or its first window.
            name: what the record calls it, by default the path.
            **changes: fields of `VoteOptions` by name, such as `seed=3` or `patches=50`.

        Returns:
            The answer; a film that has none is told by status and error, never raised.

        Raises:
            UsageError: the options cannot be used, what was given is no film, or this process was
                forked from the one that loaded the model.
        """
        self.check_process()
        path, reading = read_source(film, padding=padding, voi=voi, name=name)
        record, prediction = self._ask(path, reading, vote, changes)
        return Score(record, self.classes, prediction, notices_of(self.card))

    def explain(
        self,
        film: FilmSource,
        vote: VoteOptions | str | None = None,
        *,
        padding: float | None = None,
        voi: bool = False,
        name: str = "",
        **changes: Any,
    ) -> Explanation:
        """Decide on one film, and give mask, saliency and patches too.

        Args:
            film: see `score`.
            vote: see `score`; one that ends early cannot be explained.
            padding: see `score`.
            voi: see `score`.
            name: see `score`.
            **changes: see `score`.

        Returns:
            The answer with what it rests on.

        Raises:
            UsageError: see `score`.
        """
        self.check_process()
        path, reading = read_source(film, padding=padding, voi=voi, name=name)
        record, prediction = self._ask(path, reading, vote, changes, explain=True)
        notices = notices_of(self.card)
        film_read = (reading.pixels, reading.padding)
        return Explanation(record, self.classes, prediction, notices, *film_read)

    def plot(self, film: FilmSource, **options: Any) -> "FilmFigure":
        """Draw one film with mask outlines, saliency of the decided class, and votes.

        Args:
            film: see `score`.
            **options: those of `explain`.

        Returns:
            A matplotlib figure that a notebook shows.

        Raises:
            UsageError: see `score`.
        """
        return self.explain(film, **options).plot()

    def _ask(
        self,
        path: str,
        reading: Reading,
        vote: VoteOptions | str | None,
        changes: dict[str, Any],
        explain: bool = False,
    ) -> "tuple[Record, Prediction | None]":
        """Give the film's record, by the code that makes rows of `scores.csv`."""
        asked = asked_vote(vote, changes)  # before the film: wrong options are no fault of it
        answer = Answer()
        if reading.status == OK:
            try:
                answer = Answer(
                    self.predict(reading.pixels, reading.padding, asked, explain=explain)
                )
            except UsageError:
                raise
            except Exception as fault:  # as on the command line, a film's failure is its answer
                answer = Answer(None, model_fault(fault))
        return row_of(path, reading, answer, self.card, asked.seed).record, answer.prediction
