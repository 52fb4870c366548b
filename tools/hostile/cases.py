"""The files that `tools.hostile.fuzz` tries, by part and number, and what must hold of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pipelines import status as statuses
from tools.hostile.bombs import BOMBS, bomb
from tools.hostile.mutation import mutated
from tools.hostile.seeds import Seed, seeds

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from pipelines.films import Film

PARTS = ("mutants", "cuts", "bombs", "whole")
#: The raw JSRT film has 8 MiB; it takes part in one of so many mutants.
_RAW_EVERY = 400
_RAW = "JSRT raw"
#: Places where each seed is cut off, and all of its last bytes.
_CUTS, _LAST = 200, 16
#: Patches that vote on a film here.
_PATCHES = 10


@dataclass(frozen=True)
class Case:
    """One file.

    Attributes:
        name: Tells it from the others.
        seed: Name of the format it was made from.
        file: Its bytes and suffix.
        whole: The file that it was cut from, or None.
    """

    name: str
    seed: str
    file: Seed
    whole: Seed | None = None


@cache
def _seeds() -> Mapping[str, Seed]:
    return seeds()


@cache
def _cuts() -> tuple[tuple[str, int], ...]:
    found = []
    for name, seed in _seeds().items():
        size = len(seed.content)
        ends = {*np.linspace(0, size - 1, _CUTS).astype(int).tolist(), *range(size - _LAST, size)}
        found += [(name, end) for end in sorted(ends)]
    return tuple(found)


def most(part: str) -> int | None:
    """Tell how many files a part has; None where it has as many as one likes."""
    return {"cuts": len(_cuts()), "bombs": len(BOMBS)}.get(part)


def case(part: str, number: int, seed: int) -> Case:
    """Make one file; the same arguments make the same.

    Args:
        part: One of `PARTS`.
        number: From 0.
        seed: Of the mutants.
    """
    if part == "bombs":
        name = list(BOMBS)[number]
        return Case(name, name, bomb(name))
    if part == "cuts":
        name, end = _cuts()[number]
        whole = _seeds()[name]
        return Case(f"{name} cut at {end}", name, Seed(whole.suffix, whole.content[:end]), whole)
    rng = np.random.default_rng([seed, number, PARTS.index(part)])
    names = [name for name in _seeds() if name != _RAW]
    name = _RAW if number % _RAW_EVERY == _RAW_EVERY - 1 else names[number % len(names)]
    other = _seeds()[names[int(rng.integers(len(names)))]]
    content = mutated(_seeds()[name].content, other.content, rng)
    return Case(f"{name}, mutant {number}", name, Seed(_seeds()[name].suffix, content))


def examine(found: Case, model: "TriageModel | None" = None, deadline: float = 60.0) -> str:
    """Read and normalise a file as scoring does, and check what comes out.

    Args:
        found: The file.
        model: Is asked about the film, where one is given.
        deadline: See `read_film`.

    Returns:
        What became of it: a status; `contained` where the process that decodes DICOM had to be
        ended or crashed.

    Raises:
        AssertionError: What came out breaks a promise.
    """
    from pipelines.films import read_content

    film = read_content(found.file.content, found.file.suffix, deadline=deadline)
    _check_film(film)
    if found.whole is not None:
        _check_cut(found.whole, film)
    if film.pixels is None:
        contained = any(word in film.error for word in ("crashed", "longer than", "MiB of memory"))
        return "contained" if contained else film.status
    status = _check_normalised(film)
    return status if model is None else _check_answer(film, model)


def _check_film(film: "Film") -> None:
    from pipelines.sizes import MAX_PIXELS

    assert film.status in statuses.STATUSES, film.status
    assert (film.pixels is None) == (film.status != statuses.OK) == bool(film.error)
    assert "\n" not in film.error and len(film.error) < 300, film.error
    assert not film.transient, film.error
    if film.pixels is not None:
        assert film.pixels.dtype == np.uint16 and film.pixels.ndim == 2
        assert 0 < film.pixels.size <= MAX_PIXELS
        assert -1 <= film.padding <= 65535


def _check_cut(whole: Seed, film: "Film") -> None:
    """Say that a file that was cut off is refused, unless all of its pixels were there."""
    from pipelines.films import read_content

    if film.pixels is not None:
        expected = read_content(whole.content, whole.suffix).pixels
        assert expected is not None and np.array_equal(film.pixels, expected), "pixels are missing"


@cache
def _normalise() -> Callable[..., tuple[np.ndarray, bool]]:
    import tensorflow as tf

    from pipelines.normalise import normalise

    signature = [tf.TensorSpec([None, None], tf.uint16), tf.TensorSpec([], tf.int32)]
    graph = tf.function(
        lambda pixels, padding: normalise(pixels, padding, sizes=(256,)), input_signature=signature
    )

    def apply(pixels: np.ndarray, padding: int) -> tuple[np.ndarray, bool]:
        (small,), constant = graph(pixels, padding)
        return small.numpy(), bool(constant)

    return apply


def _check_normalised(film: "Film") -> str:
    small, constant = _normalise()(film.pixels, film.padding)
    assert small.shape == (256, 256) and np.isfinite(small).all()
    assert small.min() >= 0 and small.max() <= 255.001, (small.min(), small.max())
    return statuses.CONSTANT if constant else statuses.OK


def _check_answer(film: "Film", model: "TriageModel") -> str:
    assert film.pixels is not None
    answer = model.predict(film.pixels, film.padding, patches=_PATCHES)
    assert answer.status in statuses.STATUSES
    assert bool(answer.label) == (answer.status == statuses.OK)
    numbers = np.array([*answer.probabilities, answer.agreement, answer.lung_fraction])
    assert np.isfinite(numbers).all() and (numbers >= 0).all() and (numbers <= 1.0001).all()
    assert answer.votes.sum() == answer.patches_used
    return answer.status
