"""Read one film from disk, whatever its format and condition, on the Python side.

The definitions stand in `pipelines.decode` (graph operations, run eagerly here) and
`pipelines.dicom.reading` (which `pipelines.dicom.apart` runs in a process of its own, as
`pipelines.slow_images` does with large PNG and JPEG films); this module chooses between them and
turns films upright.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipelines import gzipped
from pipelines import status as statuses
from pipelines.decode import (
    JSRT_BYTES,
    MAX_PIXELS,
    Header,
    decode_film,
    decode_jsrt,
    guard,
    read_header,
)
from pipelines.dicom.apart import read_dicom_apart
from pipelines.dicom.parsing import is_dicom
from pipelines.film_error import FilmError
from pipelines.foreign import recognise
from pipelines.sizes import READ_DEADLINE
from pipelines.slow_images import decode_apart, may_be_late

#: Suffixes (lower case) by which a folder's films are found; see also `is_film`.
FILM_SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".img")
_DICOM_SUFFIXES = (".dcm", ".dicom")
#: No film within `MAX_PIXELS` needs more, not even four channels of 16 bit stored plainly.
MAX_BYTES = 1 << 30
#: No JPEG film does: 64 megapixels of three colours are 183 MiB. Looking for the marks of a hostile
#: one takes some twelve times its size in memory.
MAX_JPEG_BYTES = 256 << 20
_NO_PADDING = -1


@dataclass(frozen=True)
class Film:
    """What became of reading one film.

    Attributes:
        pixels: uint16 [H, W], upright, bright where the body is dense, over the full range
            0..65535; None unless the status is `ok`.
        padding: grey level of the pixels to be left out; -1 where there are none.
        status: `ok`, `unreadable`, `unsupported`, `too_large`, `constant` (all padding) or
            `not_chest_film` (by a DICOM header).
        error: one line: the cause and the remedy; empty where the status is `ok`.
        kind: `png`, `jpeg`, `dicom`, `jsrt`, or another format that was recognised; may be empty.
        transient: whether the fault lay in reading (disk, network, memory), not in the file, so
            that another try may succeed.
        warning: one line: what to know of a film that was read; '' where there is nothing.
    """

    pixels: npt.NDArray[np.uint16] | None
    padding: int
    status: str
    error: str
    kind: str
    transient: bool = False
    warning: str = ""


def is_film(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file found in a folder is taken for a film.

    Args:
        path: a file.

    Returns:
        True where the suffix is one of `FILM_SUFFIXES`, also before .gz, or the file has the magic
        bytes of DICOM (exports often name files by number) and is no DICOMDIR.
    """
    path = Path(path)
    if gzipped.suffix_of(path.name).removesuffix(gzipped.SUFFIX) in FILM_SUFFIXES:
        return True
    if path.name.upper() == "DICOMDIR":
        return False
    try:
        with path.open("rb") as file:
            return is_dicom(file.read(132))
    except OSError:
        return False


def encode_png16(pixels: npt.NDArray[np.uint16]) -> bytes:
    """Encode a film as a 16-bit grey PNG without loss.

    Args:
        pixels: uint16 [H, W].

    Returns:
        The content of the PNG file.

    Raises:
        ValueError: the array is not uint16 [H, W].
    """
    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise ValueError(f"encode_png16 needs uint16 [H, W], not {pixels.dtype} {pixels.shape}.")
    with tf.device("CPU:0"):
        return bytes(tf.io.encode_png(pixels[..., np.newaxis]).numpy())


def _upright(pixels: npt.NDArray[np.uint16], orientation: int) -> npt.NDArray[np.uint16]:
    """Turn a film upright by its EXIF orientation (EXIF 2.32, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.T
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _refusal(header: Header) -> FilmError:
    """Put into words what a header with a status other than `ok` says."""
    status, kind = header.status.numpy().decode(), header.kind.numpy().decode()
    if status == statuses.TOO_LARGE:
        return FilmError(
            status,
            f"{int(header.width)} x {int(header.height)} pixels exceed the "
            f"{MAX_PIXELS // 10**6} megapixels that are read; reduce the film",
        )
    if status == statuses.UNREADABLE:
        if not kind:
            return FilmError(status, "this is no image; name a PNG, JPEG, DICOM or raw JSRT file")
        return FilmError(status, f"the {kind.upper()} file is cut off or damaged; fetch it again")
    if bool(header.animated):
        return FilmError(status, "the PNG is animated; export the one film")
    if kind == "jpeg":
        return FilmError(
            status,
            "only 8-bit baseline and progressive JPEG (up to 100 scans) is read; convert to PNG",
        )
    return FilmError(status, f"{kind.upper()} files are not read; convert to PNG")


def _decode_dicom(content: bytes, voi: bool, deadline: float, header_check: bool) -> Film:
    pixels, padding, warning = read_dicom_apart(content, voi, deadline, header_check)
    return Film(pixels, padding, statuses.OK, "", "dicom", warning=warning)


def _decode(
    content: bytes,
    suffix: str,
    voi: bool,
    deadline: float,
    header_check: bool,
    packed: bool = False,
) -> Film:
    """Decode the content of a file; FilmError and TensorFlow's errors pass."""
    if not content:
        raise FilmError(statuses.UNREADABLE, "the file is empty; fetch it again")
    if content.startswith(b"\xff\xd8\xff") and len(content) > MAX_JPEG_BYTES:
        raise FilmError(statuses.TOO_LARGE, "no JPEG film has more than 256 MiB; reduce the film")
    if content.startswith(gzipped.MAGIC) and not packed:
        inner = suffix.removesuffix(gzipped.SUFFIX)
        unpacked = gzipped.unpack(content)
        return _decode(unpacked, inner, voi, deadline, header_check, packed=True)
    header = read_header(content)
    kind = header.kind.numpy().decode()
    if kind == "dicom" or is_dicom(content):
        return _decode_dicom(content, voi, deadline, header_check)
    if not kind and (foreign := recognise(content)) is not None:
        raise FilmError(*foreign)
    if suffix == ".img" and not kind:
        if len(content) != JSRT_BYTES:
            raise FilmError(
                statuses.UNREADABLE,
                f"a raw JSRT film has {JSRT_BYTES} bytes, this file {len(content)}; fetch it "
                "again, or export it as DICOM or PNG where it belongs to Analyze or NIfTI",
            )
        return Film(decode_jsrt(content).numpy(), _NO_PADDING, statuses.OK, "", "jsrt")
    if not kind and (suffix in _DICOM_SUFFIXES or packed):  # the magic bytes are often left out
        return _decode_dicom(content, voi, deadline, header_check)
    if header.status.numpy().decode() != statuses.OK:
        raise _refusal(header)
    if may_be_late(content, int(header.height) * int(header.width), deadline):
        pixels = decode_apart(content, deadline)
    else:
        pixels = decode_film(content, any_orientation=True).numpy()
    pixels = _upright(pixels, int(header.orientation))
    return Film(pixels, _NO_PADDING, statuses.OK, "", kind)


def _read(path: Path) -> bytes:
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise FilmError(statuses.UNREADABLE, "this is a folder or device; name a file")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FilmError(
            statuses.TOO_LARGE, f"the file has {size >> 20} MiB, no film has more than 1024"
        )
    return path.read_bytes()


def read_film(
    path: str | os.PathLike[str],
    *,
    voi: bool = False,
    deadline: float = READ_DEADLINE,
    header_check: bool = True,
) -> Film:
    """Read a film: PNG, JPEG, DICOM or raw JSRT, turned upright; magic bytes decide.

    A film that is packed by gzip is unpacked first, within `pipelines.gzipped.MAX_BYTES`.

    Args:
        path: the file. A file named .img that has no magic bytes is a raw JSRT film; one named
            .dcm or .dicom may lack the header of DICOM files.
        voi: apply the first VOI LUT of a DICOM file, or where it has none the first window.
        deadline: seconds after which decoding is given up.
        header_check: refuse a DICOM file whose header says that it is no frontal chest film.

    Returns:
        The film, or the status and the reason why there is none; bad content never raises.
    """
    path = Path(path)
    return _film(lambda: _read(path), gzipped.suffix_of(path.name), voi, deadline, header_check)


def read_content(
    content: bytes,
    suffix: str,
    *,
    voi: bool = False,
    deadline: float = READ_DEADLINE,
    header_check: bool = True,
) -> Film:
    """Read a film whose file was fetched already; see `read_film`.

    Args:
        content: the whole file.
        suffix: of its name, lower case.
        voi: see `read_film`.
        deadline: see `read_film`.
        header_check: see `read_film`.

    Returns:
        The film, or the status and the reason why there is none; bad content never raises.
    """
    return _film(lambda: content, suffix, voi, deadline, header_check)


def _film(
    fetch: Callable[[], bytes], suffix: str, voi: bool, deadline: float, header_check: bool
) -> Film:
    content = b""
    try:
        content = fetch()
        with tf.device("CPU:0"):
            return _decode(content, suffix, voi, deadline, header_check)
    except FilmError as error:
        status, message, transient = error.status, str(error), False
    except OSError as error:
        status, transient = statuses.UNREADABLE, True
        message = f"the file cannot be read: {error.strerror or type(error).__name__}"
    except (MemoryError, tf.errors.ResourceExhaustedError):
        status, transient = statuses.UNREADABLE, True
        message = "memory is too short to decode the film; free some or reduce the film"
    except (tf.errors.OpError, ValueError) as error:
        status, transient = statuses.UNREADABLE, False
        message = f"the file is damaged ({type(error).__name__}); fetch it again"
    kind = read_header(content[:160]).kind.numpy().decode()
    return Film(None, _NO_PADDING, status, message, kind, transient)


def _read_or_raise(path: bytes | npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint16], np.int32]:
    # Eagerly, TensorFlow gives an array here; in a graph, bytes.
    name = os.fsdecode(np.asarray(path, object).item())
    film = read_film(name)
    if film.pixels is None:
        raise ValueError(f"{name}: {film.status}: {film.error}.")
    return film.pixels, np.int32(film.padding)


def load_pixels(path: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Load a film in a tf.data map.

    PNG and JPEG files are decoded in the graph; DICOM, raw JSRT, turned and faulty films go to
    `read_film`. Not for export: it may call Python.

    Args:
        path: string scalar.

    Returns:
        pixels: uint16 [H, W], as in `Film`.
        padding: int32 scalar, as in `Film`.

    Raises:
        tf.errors.InvalidArgumentError: the film cannot be read; the message names the file and
            the cause.
    """
    pixels = guard(
        lambda name: decode_film(tf.io.read_file(name)), path, tf.zeros([0, 0], tf.uint16)
    )
    pixels, padding = tf.cond(
        tf.size(pixels) > 0,
        lambda: (pixels, tf.constant(_NO_PADDING)),
        lambda: tuple(tf.numpy_function(_read_or_raise, [path], (tf.uint16, tf.int32))),
    )
    return tf.ensure_shape(pixels, [None, None]), tf.ensure_shape(padding, [])
