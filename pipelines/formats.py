"""The formats of films that are read, and what reads each; importing it loads no library."""

from typing import NamedTuple

from pipelines.dicom.syntaxes import DECODED, DECODERS


class Format(NamedTuple):
    """A format of films.

    Attributes:
        name: for a reader.
        needs: distributions that must be installed to read it.
        uid: of the transfer syntax, where it is DICOM.
    """

    name: str
    needs: tuple[str, ...]
    uid: str = ""


FORMATS = (
    Format("PNG, 8 and 16 bit", ("tensorflow",)),
    Format("JPEG, 8 bit, baseline and progressive", ("tensorflow",)),
    Format("raw JSRT (.IMG)", ("tensorflow",)),
    *(
        Format(
            f"DICOM, {syntax.name}",
            ("tensorflow", "pydicom", *DECODERS.get(syntax.family, ())),
            uid,
        )
        for uid, syntax in DECODED.items()
    ),
    Format("any of these packed by gzip (.gz)", ("tensorflow",)),
)
