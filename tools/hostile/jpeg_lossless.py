"""Makes what no library here writes: a JPEG by the lossless process, as DICOM films have it."""

import struct

import numpy as np
import numpy.typing as npt


def jpeg_lossless(
    pixels: npt.NDArray[np.unsignedinteger], precision: int, predictor: int = 1
) -> bytes:
    """Encode a film by JPEG's lossless process (ITU-T T.81, annex H).

    Args:
        pixels: uint8 or uint16 [H, W].
        precision: Bits that are used, 2 to 16.
        predictor: 1, the pixel to the left, or 2, the one above.

    Returns:
        The content of the JPEG file.
    """
    values = pixels.astype(np.int64)
    left = np.zeros_like(values)
    left[:, 1:] = values[:, :-1]
    left[1:, 0] = values[:-1, 0]
    left[0, 0] = 1 << (precision - 1)
    if predictor == 2:  # above, but for the first row
        left[1:] = values[:-1]
    differences = (values - left + 32767) % 65536 - 32767  # -32767..32768
    bits = []
    for difference in differences.ravel().tolist():
        size = abs(difference).bit_length()
        bits.append(f"{size:05b}")  # all 17 categories have codes of five bits
        if 0 < size < 16:
            value = difference if difference > 0 else difference + (1 << size) - 1
            bits.append(f"{value:0{size}b}")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHBBBB", precision, *pixels.shape, 1, 1, 0x11, 0)
    table = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    scan = bytes([1, 1, 0, predictor, 0, 0])
    segments = ((0xC3, frame), (0xC4, table), (0xDA, scan))
    parts = [bytes([0xFF, kind]) + struct.pack(">H", len(own) + 2) + own for kind, own in segments]
    return b"\xff\xd8" + b"".join(parts) + data + b"\xff\xd9"
