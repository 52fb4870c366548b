"""Which file of a data set cannot be used, as what it was read, and why."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.decode import decode_mask
from pipelines.films import read_film
from pipelines.manifest.rows import ManifestRow

#: What a data set raises where a file is missing or broken; want of memory is not among it.
FILE_ERRORS = (
    tf.errors.DataLossError,
    tf.errors.FailedPreconditionError,
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
    tf.errors.UnknownError,
)


class FileFault(ValueError):
    """A film or mask that cannot be used.

    Args:
        path: the file.
        role: what it was read as, such as `film` or `heart mask`.
        reason: what is wrong, in one line.
    """

    def __init__(self, path: Path, role: str, reason: str) -> None:
        self.path, self.role, self.reason = path, role, reason
        super().__init__(f"{path}: {reason}")


def film_fault(row: ManifestRow, error: tf.errors.OpError) -> FileFault:
    """Tell why the film of a row could not be used.

    Args:
        row: the row.
        error: what reading it raised.
    """
    film = read_film(row.path)
    reason = _last_words(error) if film.pixels is not None else f"{film.status}: {film.error}"
    return FileFault(row.path, "film", reason)


def mask_fault(row: ManifestRow, error: tf.errors.OpError) -> FileFault:
    """Tell which mask of a row could not be used, and why.

    Args:
        row: the row.
        error: what reading its masks raised.
    """
    for name, path in row.masks.items():
        role = f"{name.replace('_', ' ')} mask"
        try:
            decode_mask(path.read_bytes())
        except OSError as fault:
            reason = f"the file cannot be read: {fault.strerror or type(fault).__name__}"
            return FileFault(path, role, reason)
        except tf.errors.OpError:
            return FileFault(path, role, "the file is no whole PNG or GIF, or is damaged")
    return FileFault(row.path, "masks of this film", _last_words(error))


def _last_words(error: tf.errors.OpError) -> str:
    """Take the cause out of a message that may quote the graph and a trace."""
    first = str(error.message).splitlines()[0]
    if "the film is constant" in str(error.message):
        return "the film is constant"
    return f"it cannot be used ({first[:200]})"


def each_row(
    dataset: tf.data.Dataset, rows: Sequence[ManifestRow], fault: Any = film_fault
) -> Iterator[Any]:
    """Go through a data set that has an element for each row, in their order.

    Args:
        dataset: the data set.
        rows: the rows.
        fault: makes of a row and an error what is raised, such as `mask_fault`.

    Yields:
        The elements.

    Raises:
        FileFault: the file of a row cannot be used.
    """
    elements = iter(dataset)
    for row in rows:
        try:
            element = next(elements)
        except FILE_ERRORS as error:
            raise fault(row, error) from None
        yield element
