"""The one entrance of decoded films: what Python code gives becomes a film, or is refused.

Everything that asks a model goes through it. So an array, a picture and a file of the same film
have the same answer, and the checks also hold for models that were exported before them.
"""

from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.text import one_line
from pipelines.arrays import as_levels
from pipelines.full_range import to_full_range
from pipelines.single_film import film_fault
from pipelines.sizes import MAX_PIXELS
from pipelines.status import TOO_LARGE

if TYPE_CHECKING:
    from PIL.Image import Image

_WHAT = (
    "a path or address, the content of a file as bytes, an array, a tensor, nested lists of "
    "numbers, a PIL image, or what pipelines.films.read_film gave"
)


class Entered(NamedTuple):
    """A film at the model's door.

    Attributes:
        pixels: uint16 [H, W] over the full range, bright where dense.
        padding: grey level to leave out, -1 for none.
        status: `ok`, or why no model is asked.
        reason: the same in a sentence, or ''.
    """

    pixels: npt.NDArray[np.uint16]
    padding: int
    status: str
    reason: str


def _is_image(film: Any) -> "TypeGuard[Image]":
    """Tell a PIL image without importing PIL."""
    return any(each.__module__ == "PIL.Image" for each in type(film).__mro__)


def _from_image(image: "Image") -> npt.NDArray[Any]:
    """Give the levels of a PIL image, upright."""
    from PIL import ImageOps

    if (frames := getattr(image, "n_frames", 1)) > 1:
        raise UsageError(f"a PIL image of {frames} frames: give the one that holds the film")
    image = ImageOps.exif_transpose(image)
    if image.mode in ("1", "LA", "La"):
        image = image.convert("LA" if image.mode == "La" else "L").convert("L")
    elif not image.mode.startswith(("L", "I", "F", "RGB")):
        image = image.convert("RGB")
    return np.asarray(image)


def is_array(film: Any) -> bool:
    """Tell what holds pixels from what names a film.

    Args:
        film: what a caller gave.
    """
    return _is_image(film) or isinstance(film, (np.ndarray, list, tuple)) or hasattr(film, "numpy")


def levels_of(film: Any, padding: Any = None) -> tuple[npt.NDArray[np.uint16], int]:
    """Take what holds the pixels of a film.

    Args:
        film: an array, a tensor, nested lists of numbers, or a PIL image; see
            `pipelines.arrays.as_levels` for types and shapes.
        padding: the value in it to be left out; -1 or None for none.

    Returns:
        uint16 [H, W], and the level of padding, -1 for none.

    Raises:
        UsageError: it is no film; the message says what was given and what to give.
    """
    if not is_array(film):
        raise UsageError(f"film {_named(film)}: give {_WHAT}")
    try:
        if _is_image(film):
            array = _from_image(film)
        else:
            array = film if isinstance(film, np.ndarray) else np.asarray(film)
    except UsageError:
        raise
    except Exception as error:  # whatever a foreign object raises, it is no film
        kind = type(film).__name__
        raise UsageError(
            f"film of type {kind} is no array ({one_line(str(error))[:120]}): give {_WHAT}"
        ) from None
    try:
        return as_levels(array, padding)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _named(film: Any) -> str:
    return "None" if film is None else f"of type {type(film).__name__}"


def entered(film: Any, padding: Any = None) -> Entered:
    """Let a film in, or say why no model need be asked about it.

    Args:
        film: see `levels_of`.
        padding: see `levels_of`.

    Returns:
        The film as models take it.

    Raises:
        UsageError: see `levels_of`.
    """
    pixels, level = levels_of(film, padding)
    if pixels.size > MAX_PIXELS:
        return Entered(pixels, level, TOO_LARGE, "")
    with tf.device("CPU:0"):
        full = to_full_range(pixels, level)
        status, reason = (said.numpy().decode() for said in film_fault(full))
    return Entered(full.pixels.numpy(), int(full.padding), status, reason)
