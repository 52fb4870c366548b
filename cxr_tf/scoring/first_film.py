"""What a first film costs once: reading is tried while the model loads."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.films.inputs import Input

if TYPE_CHECKING:
    from pipelines.films import Film


@contextlib.contextmanager
def reading_tried(inputs: Sequence[Input], read: "Callable[[Path | str], Film]") -> Iterator[None]:
    """Read the first film beside the block, and forget it: its file may yet change.

    What stays is all that reading imports and traces. Nothing is fetched over a network for it.

    Args:
        inputs: the films, in order.
        read: reads one film.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="first-film") as pool:
        first = inputs[0].path if inputs else ""
        if isinstance(first, Path) and first.is_file():
            pool.submit(_tried, first, read)
        yield


def _tried(path: Path, read: "Callable[[Path | str], Film]") -> None:
    from cxr_tf.films.entrance import entered

    with contextlib.suppress(Exception):  # what is wrong with the film, its row will say
        film = read(path)
        if film.pixels is not None:
            entered(film.pixels, film.padding)
