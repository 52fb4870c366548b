"""The transfer syntaxes of DICOM: which are decoded, and what to do about the others."""

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from pipelines import status as statuses
from pipelines.dicom.syntaxes import DECODED
from pipelines.film_error import FilmError

#: Plain pixels in fragments, as if they were compressed (PS3.5, A.4.11).
WRAPPED = "1.2.840.10008.1.2.1.98"
_ROOT = "1.2.840.10008.1.2"
#: Transfer syntaxes that pydicom has no name for.
_NAMES = {
    f"{_ROOT}.4.110": "JPEG XL Lossless",
    f"{_ROOT}.4.111": "JPEG XL JPEG Recompression",
    f"{_ROOT}.4.112": "JPEG XL",
    f"{_ROOT}.8.1": "Deflated Image Frame Compression",
    "1.2.840.113619.5.2": "GE Private Implicit VR Big Endian",
    "1.3.46.670589.33.1.4.1": "Philips Private Compressed",
}
_VIDEO = (*(f"{_ROOT}.4.10{digit}" for digit in range(9)), f"{_ROOT}.7.")


def family(syntax: UID) -> str:
    """Tell which kind of stream a transfer syntax promises.

    Args:
        syntax: of the object.

    Returns:
        A kind of `pipelines.dicom.streams`, or `pipelines.dicom.syntaxes.PLAIN`.

    Raises:
        FilmError: nothing here decodes it; the message has its name and what to do.
    """
    if found := DECODED.get(str(syntax)):
        return found.family
    raise FilmError(statuses.UNSUPPORTED, _advice(str(syntax)))


def name(syntax: UID) -> str:
    """Name a transfer syntax without repeating what the file says.

    Args:
        syntax: of the object.

    Returns:
        The standard's name, or that it is none of the standard's.
    """
    number = str(syntax)
    if number in _NAMES:
        return _NAMES[number]
    if "Transfer Syntax" in UID_dictionary.get(number, ("", ""))[1]:
        return UID_dictionary[number][0]
    return "a private or unknown transfer syntax"


def _advice(number: str) -> str:
    named = name(UID(number))
    if number.startswith(_VIDEO):
        return f"the DICOM object holds video ({named}); export the one film as an image"
    if "JPIP" in named:
        return f"the pixels lie on another server ({named}); fetch the object with its pixels"
    if number in _NAMES or number not in UID_dictionary:
        command = "by the archive or software that wrote it"
    elif "2000" in named:
        command = "e.g. by gdcmconv --raw IN OUT (GDCM)"
    elif "JPEG" in named:
        command = "e.g. by dcmdjpeg IN OUT (DCMTK)"
    else:
        command = "e.g. by dcmconv +te IN OUT (DCMTK)"
    return (
        f"the pixels are coded as {named}, which is not decoded; have the film transcoded to "
        f"Explicit VR Little Endian, {command}"
    )


def mismatch(syntax: UID, found: str) -> FilmError:
    """Say that pixels are not what the header names.

    Args:
        syntax: that the header names.
        found: the kind of the pixels.

    Returns:
        The error to raise.
    """
    return FilmError(
        statuses.UNSUPPORTED,
        f"the DICOM header names the coding {name(syntax)}, but the pixels are {found}; correct "
        "the TransferSyntaxUID, or export the film again",
    )
