"""The transfer syntaxes of DICOM whose pixels are decoded; importing it loads no pydicom."""

from typing import NamedTuple

from pipelines.dicom.streams import JPEG, JPEG_2000, JPEG_LS, RLE

#: Pixels that stand there word by word.
PLAIN = "uncompressed"
_ROOT = "1.2.840.10008.1.2"


class Syntax(NamedTuple):
    """What is known of a transfer syntax.

    Attributes:
        family: a kind of `pipelines.dicom.streams`, or `PLAIN`.
        name: the standard's, without what says the same of all (PS3.6, table A-1).
    """

    family: str
    name: str


#: What the decoders of pydicom and pylibjpeg read, by UID.
DECODED = {
    f"{_ROOT}{end}": Syntax(family, name)
    for end, family, name in (
        ("", PLAIN, "Implicit VR Little Endian"),
        (".1", PLAIN, "Explicit VR Little Endian"),
        (".1.98", PLAIN, "Encapsulated Uncompressed Explicit VR Little Endian"),
        (".1.99", PLAIN, "Deflated Explicit VR Little Endian"),
        (".2", PLAIN, "Explicit VR Big Endian"),
        (".4.50", JPEG, "JPEG Baseline (Process 1)"),
        (".4.51", JPEG, "JPEG Extended (Process 2 and 4)"),
        (".4.57", JPEG, "JPEG Lossless, Non-Hierarchical (Process 14)"),
        (".4.70", JPEG, "JPEG Lossless, Non-Hierarchical, First-Order Prediction"),
        (".4.80", JPEG_LS, "JPEG-LS Lossless"),
        (".4.81", JPEG_LS, "JPEG-LS Lossy (Near-Lossless)"),
        (".4.90", JPEG_2000, "JPEG 2000 (Lossless Only)"),
        (".4.91", JPEG_2000, "JPEG 2000"),
        (".4.201", JPEG_2000, "High-Throughput JPEG 2000 (Lossless Only)"),
        (".4.202", JPEG_2000, "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)"),
        (".4.203", JPEG_2000, "High-Throughput JPEG 2000"),
        (".5", RLE, "RLE Lossless"),
    )
}
#: Distributions that decode a kind beside pydicom, which needs none for the others.
DECODERS = {
    JPEG: ("pylibjpeg", "pylibjpeg-libjpeg"),
    JPEG_LS: ("pylibjpeg", "pylibjpeg-libjpeg"),
    JPEG_2000: ("pylibjpeg", "pylibjpeg-openjpeg"),
}
