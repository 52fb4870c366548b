"""Every transfer syntax that the installed plugins decode, and what stands beside the pixels."""

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from pipelines.dicom.reading import read_dicom
from pipelines.film_error import FilmError
from tests.pipelines.dicom.cutting import assert_refused_or_whole
from tests.samples import dicom_bytes, dicom_dataset, encode, ramp
from tools.hostile.jpeg_lossless import jpeg_lossless


def wrapped(pixels, stream, syntax, stored_bits=None, **attributes):
    dataset = dicom_dataset(pixels, stored_bits=stored_bits, Modality="DX", **attributes)
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    return dicom_bytes(dataset)


def relabelled(content, syntax):
    """The file, whatever it holds, with another transfer syntax in its header."""
    at = content.index(b"\x02\x00\x10\x00UI") + 6
    length = int.from_bytes(content[at : at + 2], "little")
    name = syntax.encode() + bytes(len(syntax) % 2)
    group = int.from_bytes(content[140:144], "little") + len(name) - length
    head = content[:140] + group.to_bytes(4, "little") + content[144:at]
    return head + len(name).to_bytes(2, "little") + name + content[at + 2 + length :]


def sample(name):
    """One of pydicom's own test files, as a radiograph."""
    path = get_testdata_file(name, download=False)
    assert path is not None, f"pydicom brings no {name} any more"
    dataset = pydicom.dcmread(path)
    dataset.Modality, dataset.SOPClassUID = "DX", "1.2.840.10008.5.1.4.1.1.1.1"
    for name in ("BodyPartExamined", "DataSetTrailingPadding"):
        dataset.pop(name, None)
    return dataset


def levels_of(pixels, **attributes):
    return read_dicom(dicom_bytes(dicom_dataset(pixels, **attributes)))[0]


FILMS = {
    "8 bit": (ramp(), 8),
    "12 bit": (ramp(top=4095, dtype=np.uint16), 12),
    "15 bit": (ramp(top=32767, dtype=np.uint16), 15),
    "16 bit": (ramp(top=65535, dtype=np.uint16), 16),
}


@pytest.mark.parametrize("film", FILMS)
@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEG2000Lossless,
        JPEGLossless,
        JPEGLosslessSV1,
    ],
    ids=lambda syntax: syntax.name,
)
def test_lossless_codings_of_every_depth_give_the_same_levels(syntax, film):
    pixels, bits = FILMS[film]
    if syntax in (JPEGLossless, JPEGLosslessSV1):
        predictor = 2 if syntax == JPEGLossless else 1
        content = wrapped(pixels, jpeg_lossless(pixels, bits, predictor), syntax, bits)
    else:
        dataset = dicom_dataset(pixels, stored_bits=bits, Modality="CR")
        if syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
            dataset.compress(syntax)
        dataset.file_meta.TransferSyntaxUID = syntax
        content = dicom_bytes(dataset)
    levels, padding, _ = read_dicom(content)
    np.testing.assert_array_equal(levels, levels_of(pixels, stored_bits=bits))
    assert padding == -1 and np.unique(levels).size == np.unique(pixels).size


def test_the_encoder_of_these_tests_makes_noise_too():
    pixels = np.random.default_rng(0).integers(0, 65536, (24, 31), dtype=np.uint16)
    content = wrapped(pixels, jpeg_lossless(pixels, 16), JPEGLosslessSV1)
    np.testing.assert_array_equal(read_dicom(content)[0], levels_of(pixels))


def test_jpeg_ls_lossless_and_near_lossless():
    expected, _, _ = read_dicom(dicom_bytes(sample("MR_small.dcm")))
    lossless = sample("MR_small_jpeg_ls_lossless.dcm")
    assert lossless.file_meta.TransferSyntaxUID == JPEGLSLossless
    np.testing.assert_array_equal(read_dicom(dicom_bytes(lossless))[0], expected)
    for name in ("JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm"):
        near = sample(name)
        assert near.file_meta.TransferSyntaxUID == JPEGLSNearLossless
        levels, _, _ = read_dicom(dicom_bytes(near))
        assert levels.shape == (near.Rows, near.Columns)
        assert (levels.min(), levels.max()) == (0, 65535)


@pytest.mark.parametrize(
    ("name", "syntax"),
    [("JPGExtended.dcm", JPEGExtended12Bit), ("JPEG2000.dcm", JPEG2000)],
)
def test_lossy_codings_of_more_than_8_bit(name, syntax):
    dataset = sample(name)
    assert dataset.file_meta.TransferSyntaxUID == syntax
    levels, _, _ = read_dicom(dicom_bytes(dataset))
    assert levels.shape == (dataset.Rows, dataset.Columns)
    assert np.unique(levels).size == np.unique(dataset.pixel_array).size > 200


def test_jpeg_baseline():
    pixels = ramp()
    content = wrapped(pixels, encode(pixels, "JPEG", quality=95), JPEGBaseline8Bit)
    assert np.abs(read_dicom(content)[0].astype(int) - levels_of(pixels)).max() < 5 * 257


@pytest.mark.parametrize("kind", ["JPEG-LS", "JPEG lossless"])
def test_cut_off_streams_are_refused(kind):
    if kind == "JPEG-LS":
        content = dicom_bytes(sample("MR_small_jpeg_ls_lossless.dcm"))
    else:
        pixels, bits = FILMS["12 bit"]
        content = wrapped(pixels, jpeg_lossless(pixels, bits), JPEGLosslessSV1, bits)
    ends = {*range(400, len(content), 211), *range(len(content) - 12, len(content))}
    found = assert_refused_or_whole(content, ends)
    # Of the delimiter's eight bytes, and a padding byte, none is needed; all else is.
    assert len(content) - 12 <= min(end for end in ends if found[end] == "ok")


@pytest.mark.parametrize("bits", [10, 12, 15, 16])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_signed_films_of_any_depth(bits, syntax):
    top = (1 << (bits - 1)) - 1
    pixels = (ramp(top=2 * top + 1, dtype=np.uint16).astype(np.int32) - top - 1).astype(np.int16)
    assert (pixels.min(), pixels.max()) == (-top - 1, top)
    dataset = dicom_dataset(pixels, stored_bits=bits)
    if syntax.is_compressed:
        dataset.compress(syntax)
    levels, _, _ = read_dicom(dicom_bytes(dataset))
    distinct = np.unique(pixels)
    expected = np.arange(distinct.size) * 65535 // (distinct.size - 1)
    np.testing.assert_array_equal(levels, expected[np.searchsorted(distinct, pixels)])


def test_big_endian():
    pixels, bits = FILMS["12 bit"]
    dataset = dicom_dataset(pixels.byteswap(), stored_bits=bits)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    levels, _, _ = read_dicom(dicom_bytes(dataset))
    np.testing.assert_array_equal(levels, levels_of(pixels, stored_bits=bits))


@pytest.mark.parametrize("signed", [False, True])
def test_overlays_in_unused_bits_and_beside_the_pixels_are_ignored(signed):
    pixels = ramp(top=4095, dtype=np.uint16) if not signed else ramp(top=2000, dtype=np.int16)
    expected = levels_of(pixels, stored_bits=12)
    drawn = pixels.view(np.uint16).copy()
    drawn[5:20, 5:20] |= 0xF000
    dataset = dicom_dataset(drawn.view(pixels.dtype), stored_bits=12)
    for group, position in ((0x6000, 12), (0x6002, 0)):
        dataset.add_new((group, 0x0010), "US", pixels.shape[0])
        dataset.add_new((group, 0x0011), "US", pixels.shape[1])
        dataset.add_new((group, 0x0040), "CS", "G")
        dataset.add_new((group, 0x0050), "SS", [1, 1])
        dataset.add_new((group, 0x0100), "US", 16 if position else 1)
        dataset.add_new((group, 0x0102), "US", position)
    dataset.add_new((0x6002, 0x3000), "OW", b"\xff" * (pixels.size // 8))
    levels, padding, _ = read_dicom(dicom_bytes(dataset))
    np.testing.assert_array_equal(levels, expected)
    assert padding == -1


def voi_item(values, first, vr="US", bits=16, first_vr="US"):
    item = Dataset()
    item.add_new("LUTDescriptor", first_vr, [len(values) % 65536, first, bits])
    data = list(values) if vr == "US" else np.asarray(values, "<u2").tobytes()
    item.add_new("LUTData", vr, data)
    return item


def table(levels, pixels):
    """The level of each stored value."""
    return {int(v): int(levels[pixels == v][0]) for v in np.unique(pixels)}


@pytest.mark.parametrize("vr", ["US", "OW"])
def test_voi_table_of_several_uses_the_first_and_clips_at_its_ends(vr):
    pixels = np.array([[0, 99, 100, 101, 102, 103, 4000]], np.uint16)
    items = [voi_item([10, 20, 30, 60], 100, vr), voi_item([9, 5, 2, 1], 100, vr)]
    dataset = dicom_dataset(pixels, stored_bits=12, VOILUTSequence=Sequence(items))
    dataset.WindowCenter, dataset.WindowWidth = "2000", "10"  # the table goes before the window
    content = dicom_bytes(dataset)
    found = table(read_dicom(content, voi=True)[0], pixels)
    scale = 65535 / 50
    assert found == {
        0: 0, 99: 0, 100: 0, 101: int(10 * scale), 102: int(20 * scale), 103: 65535, 4000: 65535
    }  # fmt: skip
    assert len(set(table(read_dicom(content)[0], pixels).values())) == 7


def test_voi_table_of_signed_values_after_a_rescale():
    pixels = np.array([[-3, -2, -1, 0, 1]], np.int16)
    dataset = dicom_dataset(pixels, RescaleSlope="2", RescaleIntercept="-1", RescaleType="US")
    values = list(range(0, 1100, 100))
    dataset.VOILUTSequence = Sequence([voi_item(values, -7, first_vr="SS")])
    # rescaled: -7, -5, -3, -1, 1: entries 0, 2, 4, 6, 8
    levels, _, _ = read_dicom(dicom_bytes(dataset), voi=True)
    np.testing.assert_array_equal(levels, [[0, 16383, 32767, 49151, 65535]])


def test_a_voi_table_of_65536_entries():
    pixels = np.array([[0, 1, 30000, 65535]], np.uint16)
    item = voi_item(np.arange(65536)[::-1], 0, "OW")
    dataset = dicom_dataset(pixels, VOILUTSequence=Sequence([item]))
    levels, _, _ = read_dicom(dicom_bytes(dataset), voi=True)
    np.testing.assert_array_equal(levels, 65535 - pixels)


def test_the_first_of_several_windows_is_used():
    pixels = ramp(top=4095, dtype=np.uint16)
    several = dicom_dataset(
        pixels, stored_bits=12, WindowCenter=["1000", "3000"], WindowWidth=["500", "100"],
        WindowCenterWidthExplanation=["NORMAL", "HARDER"],
    )  # fmt: skip
    one = dicom_dataset(pixels, stored_bits=12, WindowCenter="1000", WindowWidth="500")
    other = dicom_dataset(pixels, stored_bits=12, WindowCenter="3000", WindowWidth="100")
    levels, first, second = (
        read_dicom(dicom_bytes(dataset), voi=True)[0] for dataset in (several, one, other)
    )
    np.testing.assert_array_equal(levels, first)
    assert (first != second).any()


@pytest.mark.parametrize("empty", ["WindowCenter", "VOILUTSequence"])
def test_an_empty_window_or_table_changes_nothing(empty):
    pixels = ramp(top=900, dtype=np.uint16)
    value = Sequence([]) if empty == "VOILUTSequence" else None
    dataset = dicom_dataset(pixels, RescaleSlope="0.25", RescaleIntercept="0", **{empty: value})
    content = dicom_bytes(dataset)
    np.testing.assert_array_equal(read_dicom(content, voi=True)[0], read_dicom(content)[0])


def test_padding_is_left_out_of_compressed_and_windowed_films():
    pixels = ramp(top=900, dtype=np.uint16)
    pixels[:, :5] = 4000
    for syntax in (ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless):
        dataset = dicom_dataset(pixels, "MONOCHROME1", stored_bits=12)
        dataset.WindowCenter, dataset.WindowWidth = "450", "200"
        dataset.add_new("PixelPaddingValue", "US", 4000)
        if syntax.is_compressed:
            dataset.compress(syntax)
        levels, padding, _ = read_dicom(dicom_bytes(dataset), voi=True)
        np.testing.assert_array_equal(levels == padding, pixels == 4000)
        assert (levels[:, 5:].min(), levels[:, 5:].max()) == (1, 65535)


@pytest.mark.parametrize(
    ("syntax", "named", "remedy"),
    [
        ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", "Explicit VR Little Endian"),
        ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", "Explicit VR Little Endian"),
        ("1.2.840.10008.1.2.4.112", "JPEG XL", "Explicit VR Little Endian"),
        ("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile", "one film"),
        ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264", "one film"),
        ("1.2.840.10008.1.2.4.106.1", "Stereo High Profile", "one film"),
        ("1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10", "one film"),
        ("1.2.840.10008.1.2.7.1", "SMPTE ST 2110-20", "one film"),
        ("1.2.840.10008.1.2.4.94", "JPIP Referenced", "fetch the object"),
        ("1.2.840.10008.1.2.4.205", "JPIP HTJ2K Referenced Deflate", "fetch the object"),
        ("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2", "gdcmconv --raw"),
        ("1.2.840.10008.1.2.4.55", "JPEG Full Progression", "dcmdjpeg"),
        ("1.2.840.10008.1.2.8.1", "Deflated Image Frame", "Explicit VR Little Endian"),
        ("1.2.840.10008.1.2.6.2", "XML Encoding", "dcmconv"),
        ("1.2.840.113619.5.2", "GE Private", "Explicit VR Little Endian"),
        ("1.2.3.4.5", "private or unknown", "Explicit VR Little Endian"),
    ],
)
def test_codings_without_a_decoder_are_named_with_a_remedy(syntax, named, remedy):
    with pytest.raises(FilmError) as refusal:
        read_dicom(relabelled(wrapped(ramp(), bytes(64), JPEGBaseline8Bit), syntax))
    message = str(refusal.value)
    assert refusal.value.status == "unsupported"
    assert named in message and remedy in message and "1.2." not in message
    assert len(message) < 260


@pytest.mark.parametrize("bits", [8, 12])
def test_pixels_in_fragments_that_are_not_compressed(bits):
    pixels, _ = FILMS[f"{bits} bit"]
    content = wrapped(pixels, pixels.tobytes(), "1.2.840.10008.1.2.1.98", bits)
    np.testing.assert_array_equal(read_dicom(content)[0], levels_of(pixels, stored_bits=bits))
    with pytest.raises(FilmError, match="cut off"):
        read_dicom(content[:-60])


@pytest.mark.parametrize("fragments", [True, False])
@pytest.mark.parametrize(
    "syntax", [JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, JPEG2000, RLELossless]
)
def test_plain_pixels_that_are_called_compressed_are_named(syntax, fragments):
    pixels, bits = FILMS["12 bit"]
    content = wrapped(pixels, pixels.tobytes(), syntax, bits)
    if not fragments:
        content = relabelled(dicom_bytes(dicom_dataset(pixels, stored_bits=bits)), syntax)
    with pytest.raises(FilmError, match="the pixels are uncompressed") as refusal:
        read_dicom(content)
    assert refusal.value.status == "unsupported" and syntax.name in str(refusal.value)


@pytest.mark.parametrize(
    ("stream", "named"),
    [
        (encode(ramp(), "JPEG"), "JPEG"),
        (encode(ramp(), "JPEG2000", no_jp2=True), "JPEG 2000"),
        (jpeg_lossless(FILMS["12 bit"][0], 12), "JPEG"),
        (b"\xff\x0a" + bytes(98), "JPEG XL"),
    ],
)
def test_compressed_pixels_that_are_called_something_else_are_named(stream, named):
    for syntax in (ExplicitVRLittleEndian, RLELossless):
        content = relabelled(wrapped(ramp(), stream, JPEGBaseline8Bit), syntax)
        with pytest.raises(FilmError, match=f"the pixels are {named};") as refusal:
            read_dicom(content)
        assert refusal.value.status == "unsupported" and syntax.name in str(refusal.value)
