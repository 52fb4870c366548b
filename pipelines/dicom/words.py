"""The values that the words of a film stand for, also where its header lies about their bits."""

import numpy as np
import numpy.typing as npt

from pipelines.dicom.header import ImageHeader

_Words = npt.NDArray[np.int64]
LIE = (
    "BitsStored or HighBit of the DICOM header do not fit the pixels: their levels were taken as "
    "they stand there"
)


def distinct(
    words: npt.NDArray[np.generic],
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.integer]]:
    """Find the distinct words of a film.

    Args:
        words: [H, W].

    Returns:
        The words in ascending order, and each pixel's place among them.
    """
    if words.dtype.kind in "iu":
        low = int(words.min())
        if int(words.max()) - low <= 65535:
            offsets = words.astype(np.int64) - low
            present = np.flatnonzero(np.bincount(offsets.ravel()))
            place = np.zeros(present[-1] + 1, np.int32)
            place[present] = np.arange(present.size)
            return present + low, place[offsets]
    found, places = np.unique(words, return_inverse=True)
    return found, places.reshape(words.shape)


def read_words(
    words: npt.NDArray[np.generic], header: ImageHeader, bits: int, signed: bool
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_], str]:
    """Read the values out of words: the bits that are the film's, and no others.

    Of a word, BitsStored bits below and with HighBit are the film's (PS3.5, 8.1.1). Where other
    bits are set, and neither by an overlay nor by the sign, the header lies: words then are values.

    Args:
        words: each once, ascending.
        header: of the image.
        bits: of a word.
        signed: whether words are in two's complement.

    Returns:
        The values in the order of the words, which ones stand for no pixel, and a warning, or ''.
    """
    if words.dtype.kind not in "iu":
        return words, np.zeros(words.shape, bool), ""
    whole = words.astype(np.int64)
    left_out = _is_padding(whole, header, bits, signed)
    values, fits = _field(whole, header, bits, signed)
    impossible = (header.stored or 1) > bits or (header.high or 0) >= bits
    if not (header.overlaid or fits[~left_out].all()):
        return whole, left_out, LIE
    if not left_out.any() and not np.array_equal(values, whole):
        left_out = _is_padding(values, header, bits, signed)
    return values, left_out, LIE if impossible else ""


def _field(
    words: _Words, header: ImageHeader, bits: int, signed: bool
) -> tuple[_Words, npt.NDArray[np.bool_]]:
    """Cut out the film's bits; tells too where all others are 0, or repeat the sign."""
    high = header.high if header.high is not None and header.high < bits else None
    stored = header.stored if header.stored is not None and header.stored <= bits else None
    if stored is None:
        stored = bits if high is None else high + 1
    if high is None or high < stored - 1:
        high = stored - 1
    if stored == bits or bits >= 64:
        return words, np.ones(words.shape, bool)
    shift, every = high - stored + 1, (1 << bits) - 1
    pattern = words & every
    values = (pattern >> shift) & ((1 << stored) - 1)
    if signed:
        values = values - ((values >> (stored - 1)) << stored)
    inside = ((1 << stored) - 1) << shift
    repeated = (values << shift) & every
    return values, ((pattern & ~inside) == 0) | (pattern == repeated)


def _is_padding(
    values: _Words, header: ImageHeader, bits: int, signed: bool
) -> npt.NDArray[np.bool_]:
    """Mark the values that stand for no pixel (PS3.3, C.7.5.1.1.2)."""
    if not header.padding:
        return np.zeros(values.shape, bool)
    period = 1 << min(bits, 62)

    def as_written(end: int) -> int:  # some writers store it with the wrong sign
        end %= period
        return end - period if signed and end >= period // 2 else end

    ends = [as_written(end) for end in header.padding]
    if header.padding_limit is None:
        return np.isin(values, ends)
    ends = [ends[0], as_written(header.padding_limit)]
    return (values >= min(ends)) & (values <= max(ends))
