"""PNG and JPEG films that take long to decode, in a process of their own, with a deadline.

The limits on headers bound the work, so most films are decoded where they are read, by the same
function. One that might take longer than the deadline goes to a process that can be ended; it is
started with the first such film and kept. See `pipelines.dicom.apart`, whose ways it shares.
"""

import os

import numpy as np
import numpy.typing as npt

from pipelines import status as statuses
from pipelines.dicom import worker
from pipelines.dicom.apart import DicomProcess, KeptProcess
from pipelines.dicom.reading import DicomFilm
from pipelines.film_error import FilmError

#: Samples a second that any processor decodes, however slow and busy: a fiftieth of the fewest that
#: were measured (214 million, grey noise as JPEG, AMD EPYC).
SAMPLES_A_SECOND = 4e6
_START_OF_SCAN = b"\xff\xda"


def samples(content: bytes, pixels: int) -> int:
    """Estimate the work of decoding from above.

    Args:
        content: a PNG or JPEG file.
        pixels: of the film.

    Returns:
        Samples, counted anew for each scan of a JPEG; those of a PNG as if it had alpha.
    """
    if content.startswith(b"\xff\xd8"):
        return 3 * pixels * max(1, content.count(_START_OF_SCAN))
    return 4 * pixels


def may_be_late(content: bytes, pixels: int, deadline: float) -> bool:
    """Tell whether decoding a film might take longer than the deadline.

    Args:
        content: a PNG or JPEG file.
        pixels: of the film.
        deadline: seconds.
    """
    return samples(content, pixels) > SAMPLES_A_SECOND * deadline


def decode_apart(content: bytes, deadline: float) -> npt.NDArray[np.uint16]:
    """Decode a PNG or JPEG film in the process that is kept for that.

    Args:
        content: the whole file, whose header was found good.
        deadline: seconds after which it is given up.

    Returns:
        See `pipelines.decode.decode_film`; as stored, not turned upright.

    Raises:
        FilmError: it is damaged, was given up, or the decoder crashed.
        OSError: the process cannot be started.
    """
    with _kept.held() as process:
        return process.read(content, deadline=deadline).pixels


def close() -> None:
    """End the process that is kept; the next film starts another."""
    _kept.close()


_kept = KeptProcess(lambda: DicomProcess(memory=0, worker=__name__, what="PNG or JPEG"))


def _decode(content: bytes, *_: bool) -> DicomFilm:
    """In the process: decode as `pipelines.films` does."""
    import tensorflow as tf

    from pipelines.decode import decode_film

    try:
        return DicomFilm(decode_film(tf.constant(content), any_orientation=True).numpy(), -1, "")
    except tf.errors.ResourceExhaustedError:
        raise MemoryError from None
    except tf.errors.OpError as error:
        message = f"the file is damaged ({type(error).__name__}); fetch it again"
        raise FilmError(statuses.UNREADABLE, message) from None


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the caller's are its own
    import tensorflow  # noqa: F401 - before it says that it is ready: no film waits for it

    worker.main(_decode)
