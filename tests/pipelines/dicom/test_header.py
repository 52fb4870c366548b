"""Headers with attributes that are empty, missing or odd: the clean film's levels all the same."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from pipelines.dicom.reading import read_dicom
from pipelines.film_error import FilmError
from tests.pipelines.dicom.test_codings import wrapped
from tests.samples import dicom_bytes, dicom_dataset, ramp
from tools.hostile.jpeg_lossless import jpeg_lossless

GREY = ramp(top=4095, dtype=np.uint16)
CLEAN = read_dicom(dicom_bytes(dicom_dataset(GREY, stored_bits=12)))
DROPPED = object()


def odd(pixels=GREY, stored_bits=12, **elements):
    """The film with odd elements: (VR, value), or DROPPED."""
    dataset = dicom_dataset(pixels, stored_bits=stored_bits)
    with pydicom.config.disable_value_validation():
        for name, value in elements.items():
            if value is DROPPED:
                del dataset[name]
            else:
                dataset.add_new(name, *value)
    return dataset


def content(dataset):
    with pydicom.config.disable_value_validation():
        return dicom_bytes(dataset)


def read(**elements):
    return read_dicom(content(odd(**elements)))


@pytest.mark.parametrize(
    "elements",
    [
        {"RescaleSlope": ("DS", None), "RescaleIntercept": ("DS", None)},
        {"RescaleSlope": ("DS", None), "RescaleIntercept": ("DS", "0")},
        {"RescaleSlope": ("DS", "1"), "RescaleIntercept": ("DS", None)},
        {"RescaleSlope": ("DS", "1")},
        {"RescaleIntercept": ("DS", "7")},
        {"RescaleSlope": ("DS", "0"), "RescaleIntercept": ("DS", "0")},
        {"RescaleSlope": ("DS", "0"), "RescaleIntercept": ("DS", "-1024")},
        {"RescaleSlope": ("LO", "one"), "RescaleIntercept": ("LO", "none")},
        {"RescaleSlope": ("DS", ["1", "2"]), "RescaleIntercept": ("DS", ["0", "5"])},
        {"RescaleSlope": ("LO", "1,0"), "RescaleIntercept": ("LO", "0,0")},
        {"RescaleSlope": ("DS", "1e-30"), "RescaleIntercept": ("DS", "1000")},
        {"RescaleSlope": ("DS", "1e308"), "RescaleIntercept": ("DS", "0")},
        {"RescaleSlope": ("FD", float("nan")), "RescaleIntercept": ("FD", float("inf"))},
        {"ModalityLUTSequence": ("SQ", Sequence([]))},
        {"ModalityLUTSequence": ("SQ", Sequence([Dataset()]))},
        {"VOILUTSequence": ("SQ", Sequence([Dataset()]))},
        {"WindowCenter": ("DS", None), "WindowWidth": ("DS", None)},
        {"NumberOfFrames": ("IS", None)},
        {"NumberOfFrames": ("IS", "0")},
        {"PlanarConfiguration": ("US", 9)},
        {"SamplesPerPixel": DROPPED},
        {"SamplesPerPixel": ("US", None)},
        {"PixelRepresentation": DROPPED},
        {"PixelRepresentation": ("US", None)},
        {"PixelRepresentation": ("US", 7)},
        {"BitsStored": DROPPED},
        {"BitsStored": ("US", None)},
        {"BitsStored": ("US", 0)},
        {"HighBit": DROPPED},
        {"HighBit": ("US", None)},
        {"HighBit": ("US", 77)},
        {"BitsAllocated": DROPPED},
        {"BitsAllocated": ("US", None)},
        {"BitsAllocated": ("US", 12)},
        {"BitsAllocated": DROPPED, "BitsStored": DROPPED, "HighBit": DROPPED},
        {"SamplesPerPixel": DROPPED, "PixelRepresentation": DROPPED, "BitsStored": DROPPED},
        {"PhotometricInterpretation": ("CS", "monochrome2")},
        {"PhotometricInterpretation": ("CS", " MONOCHROME2 ")},
        {"PhotometricInterpretation": ("LO", "Monochrome 2")},
        {"PhotometricInterpretation": ("CS", ["MONOCHROME2", "MONOCHROME2"])},
        {"PhotometricInterpretation": DROPPED, "PresentationLUTShape": ("CS", "IDENTITY")},
        {"PixelPaddingValue": ("US", None)},
        {"PixelPaddingValue": ("LO", "none")},
        {"PixelPaddingValue": ("OW", b"")},
        {"PixelPaddingRangeLimit": ("US", 4095)},
        {"Rows": ("IS", "40")},
        {"Columns": ("US", [56, 56])},
    ],
    ids=lambda elements: " ".join(
        f"{name} {'-' if value is DROPPED else value[1]}" for name, value in elements.items()
    ),
)
def test_the_levels_of_the_clean_film(elements):
    film = read(**elements)
    np.testing.assert_array_equal(film.pixels, CLEAN.pixels)
    assert (film.padding, film.warning) == (-1, "")


@pytest.mark.parametrize("name", ["SamplesPerPixel", "PixelRepresentation", "BitsStored"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_attributes_that_are_missing_in_other_codings(syntax, name):
    dataset = dicom_dataset(GREY, stored_bits=12)
    if syntax.is_compressed:
        dataset.compress(syntax)
    dataset.file_meta.TransferSyntaxUID = syntax
    del dataset[name]
    np.testing.assert_array_equal(read_dicom(dicom_bytes(dataset)).pixels, CLEAN.pixels)


@pytest.mark.parametrize("allocated", [16, 8, 32, None])
@pytest.mark.parametrize("bits", [8, 12])
def test_a_stream_knows_better_how_long_its_words_are(bits, allocated):
    pixels = GREY if bits == 12 else (GREY >> 4).astype(np.uint8)
    attributes = {"BitsAllocated": allocated, "BitsStored": None, "HighBit": None}
    stream = jpeg_lossless(pixels, bits)
    film = read_dicom(wrapped(pixels, stream, JPEGLosslessSV1, bits, **attributes))
    clean = read_dicom(dicom_bytes(dicom_dataset(pixels, stored_bits=bits)))
    np.testing.assert_array_equal(film.pixels, clean.pixels)


def test_a_negative_slope_turns_the_order_also_where_it_is_all_that_is_left():
    for slope in ("-1", "-1e308", "-1e-30"):
        film = read(RescaleSlope=("DS", slope), RescaleIntercept=("DS", None))
        top, bottom = film.pixels[GREY == GREY.min()], film.pixels[GREY == GREY.max()]
        assert (set(top), set(bottom)) == ({65535}, {0})
        assert (np.argsort(-film.pixels.ravel().astype(int), kind="stable")
                == np.argsort(GREY.ravel(), kind="stable")).all()  # fmt: skip


def test_the_presentation_tells_the_polarity_where_nothing_else_does():
    film = read(PhotometricInterpretation=("CS", None), PresentationLUTShape=("CS", "INVERSE"))
    np.testing.assert_array_equal(film.pixels, 65535 - CLEAN.pixels)


PADDED = np.where(ramp() > 200, 4000, GREY).astype(np.uint16)


@pytest.mark.parametrize(
    ("vr", "value", "left_out"),
    [
        ("US", 4000, [4000]),
        ("OW", (4000).to_bytes(2, "little"), [4000]),
        ("OB", (4000).to_bytes(2, "little"), [4000]),
        ("UN", (4000).to_bytes(2, "little"), [4000]),
        ("US", [4000, 4000], [4000]),
        ("US", [4000, 0], [4000, 0]),
        ("OW", (4000).to_bytes(2, "little") + bytes(2), [4000, 0]),
        ("IS", "4000", [4000]),
        ("FD", 4000.0, [4000]),
        ("SS", 4000, [4000]),
        ("SL", 4000 - 65536, [4000]),
        ("UL", 4000 + 65536, [4000]),
    ],
)
def test_padding_however_it_is_written(vr, value, left_out):
    film = read_dicom(content(odd(PADDED, PixelPaddingValue=(vr, value))))
    np.testing.assert_array_equal(film.pixels == 0, np.isin(PADDED, left_out))
    assert film.padding == 0


def test_padding_of_signed_films_with_the_wrong_sign():
    pixels = np.where(GREY > 3000, -2000, GREY.astype(np.int16)).astype(np.int16)
    for vr, value in (("SS", -2000), ("US", 63536), ("OW", (63536).to_bytes(2, "little"))):
        film = read_dicom(content(odd(pixels, 16, PixelPaddingValue=(vr, value))))
        np.testing.assert_array_equal(film.pixels == 0, pixels == -2000)


def test_padding_as_bytes_of_a_big_endian_object():
    dataset = odd(PADDED.byteswap(), PixelPaddingValue=("OW", (4000).to_bytes(2, "big")))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    film = read_dicom(dicom_bytes(dataset))
    np.testing.assert_array_equal(film.pixels == 0, PADDED == 4000)


@pytest.mark.parametrize(
    ("elements", "status", "words"),
    [
        ({"Rows": DROPPED}, "unreadable", "how many Rows"),
        ({"Rows": ("US", None)}, "unreadable", "how many Rows"),
        ({"Rows": ("US", 0)}, "unreadable", "how many Rows"),
        ({"Columns": ("US", None)}, "unreadable", "how many Columns"),
        ({"Columns": ("LO", "many")}, "unreadable", "how many Columns"),
        ({"PhotometricInterpretation": DROPPED}, "unsupported", "lacks PhotometricInterpretation"),
        ({"PhotometricInterpretation": ("CS", "")}, "unsupported", "lacks PhotometricInterpre"),
        ({"PhotometricInterpretation": ("CS", "RGB")}, "unsupported", "colour"),
        ({"PhotometricInterpretation": ("CS", "MONOCHROME")}, "unsupported", "polarity"),
        ({"SamplesPerPixel": ("US", 3)}, "unsupported", "colour"),
        ({"NumberOfFrames": ("IS", "2")}, "unsupported", "2 frames"),
        ({"Rows": ("US", 41)}, "unreadable", "size that the header states"),
        ({"Rows": ("US", 20)}, "unreadable", "size that the header states"),
        ({"BitsAllocated": ("US", 32)}, "unreadable", "size that the header states"),
        ({"BitsAllocated": DROPPED, "Rows": ("US", 39)}, "unreadable", "BitsAllocated"),
    ],
)
def test_what_is_missing_is_named(elements, status, words):
    with pytest.raises(FilmError, match=words) as refusal:
        read(**elements)
    assert refusal.value.status == status
    assert "damaged" not in str(refusal.value) and len(str(refusal.value)) < 160


def test_a_modality_table_that_is_damaged_is_named():
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 12])
    item.add_new("LUTData", "US", [1, 2, 3])
    with pytest.raises(FilmError, match="ModalityLUTSequence"):
        read(ModalityLUTSequence=("SQ", Sequence([item])))
