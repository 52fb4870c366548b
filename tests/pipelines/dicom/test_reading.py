from io import BytesIO

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from pipelines.dicom.reading import read_dicom
from pipelines.film_error import FilmError
from tests.pipelines.dicom.cutting import assert_refused_or_whole
from tests.samples import dicom_bytes, dicom_dataset, encode, ramp

GREY_16 = ramp(top=4095, dtype=np.uint16)


def read(dataset, voi=False):
    return read_dicom(dicom_bytes(dataset), voi)


def same_order(levels, values):
    """Whether the levels are a strictly increasing function of the values."""
    distinct, place = np.unique(values, return_inverse=True)
    table = np.array([levels[values == value][0] for value in distinct], np.int64)
    return bool((np.diff(table) > 0).all() and (table[place.reshape(values.shape)] == levels).all())


def lookup_table(values, first=0):
    item = Dataset()
    item.LUTDescriptor = [len(values), first, 16]
    item.LUTData = list(values)
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    return Sequence([item])


def compressed(syntax):
    dataset = dicom_dataset(GREY_16, stored_bits=12)
    dataset.compress(syntax)
    return dataset


def deflated():
    dataset = dicom_dataset(GREY_16)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return dataset


def jpeg_dataset(**options):
    pixels = ramp()
    dataset = dicom_dataset(pixels)
    dataset.PixelData = encapsulate([encode(pixels, "JPEG", quality=95, **options)])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return dataset


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_levels_keep_their_order_over_the_full_range(dtype):
    pixels = ramp(top=200, dtype=dtype) - (100 if dtype == np.int16 else 0)
    levels, padding, _ = read(dicom_dataset(pixels.astype(dtype)))
    assert (levels.dtype, levels.min(), levels.max(), padding) == (np.uint16, 0, 65535, -1)
    assert same_order(levels, pixels)


def test_whole_numbers_keep_their_spacing():
    pixels = np.array([[0, 1, 1000, 4095]], np.uint16)
    levels, _, _ = read(dicom_dataset(pixels, stored_bits=12))
    np.testing.assert_array_equal(levels, pixels.astype(np.int64) * 65535 // 4095)


def test_signed_values_go_by_dense_rank():
    levels, _, _ = read(dicom_dataset(np.array([[-1000, -999, 500, 32000]], np.int16)))
    np.testing.assert_array_equal(levels, [[0, 21845, 43690, 65535]])


def test_all_65536_values_stay_apart():
    for pixels in (np.arange(65536, dtype=np.uint16), np.arange(-32768, 32768, dtype=np.int16)):
        levels, _, _ = read(dicom_dataset(pixels.reshape(256, 256)))
        np.testing.assert_array_equal(levels.ravel(), np.arange(65536))


def test_more_values_than_levels_are_scaled_linearly():
    values = np.linspace(-1, 1, 90000, dtype=np.float32).reshape(300, 300)
    dataset = dicom_dataset(values)
    del dataset.PixelData, dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit
    dataset.FloatPixelData = values.tobytes()
    levels, _, _ = read(dataset)
    expected = np.rint((values.astype(float) + 1) / 2 * 65535)
    assert np.abs(levels - expected).max() <= 1


def test_fractional_values_go_by_dense_rank():
    levels, _, _ = read(dicom_dataset(GREY_16, RescaleSlope="0.013", RescaleIntercept="-7.5"))
    assert (levels.min(), levels.max()) == (0, 65535)
    assert same_order(levels, GREY_16)


def test_monochrome1_is_inverted_last():
    plain, _, _ = read(dicom_dataset(GREY_16, stored_bits=12))
    inverted, _, _ = read(dicom_dataset(GREY_16, "MONOCHROME1", stored_bits=12))
    np.testing.assert_array_equal(inverted, 65535 - plain)
    window = {"WindowCenter": "1000", "WindowWidth": "500"}
    plain, _, _ = read(dicom_dataset(GREY_16, **window), voi=True)
    inverted, _, _ = read(dicom_dataset(GREY_16, "MONOCHROME1", **window), voi=True)
    np.testing.assert_array_equal(inverted, 65535 - plain)


def test_a_negative_slope_turns_the_order():
    levels, _, _ = read(dicom_dataset(GREY_16, RescaleSlope="-1", RescaleIntercept="5000"))
    assert same_order(65535 - levels.astype(int), GREY_16)


def test_modality_table_is_applied():
    pixels = ramp(top=3)
    dataset = dicom_dataset(pixels, ModalityLUTSequence=lookup_table([40, 10, 30, 20]))
    dataset.ModalityLUTSequence[0].ModalityLUTType = "US"
    levels, _, _ = read(dataset)
    assert same_order(levels, np.array([40, 10, 30, 20])[pixels])


def test_window_clips_only_on_request():
    dataset = dicom_dataset(GREY_16, WindowCenter="1000", WindowWidth="500")
    assert np.unique(read(dataset)[0]).size == np.unique(GREY_16).size
    levels, _, _ = read(dataset, voi=True)
    inside = (GREY_16 > 760) & (GREY_16 < 1240)
    assert same_order(levels[inside][np.newaxis], GREY_16[inside][np.newaxis])
    assert set(levels[GREY_16 < 740]) == {0}
    assert set(levels[GREY_16 > 1260]) == {65535}


def test_voi_table_is_applied_on_request():
    pixels = ramp(top=3)
    dataset = dicom_dataset(pixels, VOILUTSequence=lookup_table([0, 0, 5, 9]))
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
    assert np.unique(read(dataset)[0]).size == 4
    levels, _, _ = read(dataset, voi=True)
    assert same_order(levels, np.array([0, 0, 5, 9])[pixels])


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_padding_gets_a_level_of_its_own(photometric, dtype):
    pixels = ramp(top=900, dtype=dtype)
    pixels[:, :5] = 2000 if dtype == np.uint16 else -2000
    dataset = dicom_dataset(pixels, photometric)
    dataset.add_new("PixelPaddingValue", "US", 2000 if dtype == np.uint16 else 65536 - 2000)
    levels, padding, _ = read(dataset)
    np.testing.assert_array_equal(levels == padding, pixels == pixels[0, 0])
    film = levels[:, 5:]
    assert (film.min(), film.max()) == (1, 65535)
    order = film if photometric == "MONOCHROME2" else 65536 - film.astype(int)
    assert same_order(order, pixels[:, 5:])


@pytest.mark.parametrize("ends", [(3000, 4095), (4095, 3000)])
def test_the_whole_range_of_padding_is_left_out(ends):
    dataset = dicom_dataset(GREY_16)
    dataset.add_new("PixelPaddingValue", "US", ends[0])
    dataset.add_new("PixelPaddingRangeLimit", "US", ends[1])
    levels, padding, _ = read(dataset)
    assert padding == 0
    np.testing.assert_array_equal(levels == 0, GREY_16 >= 3000)


def test_padding_that_does_not_occur_is_not_reported():
    dataset = dicom_dataset(GREY_16)
    dataset.add_new("PixelPaddingValue", "US", 60000)
    levels, padding, _ = read(dataset)
    assert (padding, levels.min(), levels.max()) == (-1, 0, 65535)


def test_65535_values_beside_padding_stay_apart():
    pixels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    dataset = dicom_dataset(pixels)
    dataset.add_new("PixelPaddingValue", "US", 30000)
    levels, padding, _ = read(dataset)
    assert padding == 0
    assert np.unique(levels).size == 65536
    assert same_order(levels[pixels != 30000], pixels[pixels != 30000])


@pytest.mark.parametrize(
    "dataset",
    [
        compressed(RLELossless),
        compressed(JPEG2000Lossless),
    ],
    ids=["RLE", "JPEG 2000"],
)
def test_lossless_codings(dataset):
    np.testing.assert_array_equal(read(dataset)[0], read(dicom_dataset(GREY_16, stored_bits=12))[0])


def test_jpeg_coding():
    levels, _, _ = read(jpeg_dataset())
    assert np.abs(levels.astype(int) - read(dicom_dataset(ramp()))[0]).max() < 5 * 257


def test_deflated_and_headless_files():
    expected, _, _ = read(dicom_dataset(GREY_16))
    np.testing.assert_array_equal(read(deflated())[0], expected)
    for implicit in (True, False):
        dataset, file = dicom_dataset(GREY_16), BytesIO()
        del dataset.file_meta
        pydicom.dcmwrite(file, dataset, implicit_vr=implicit, little_endian=True)
        assert file.getvalue()[128:132] != b"DICM"
        np.testing.assert_array_equal(read_dicom(file.getvalue())[0], expected)


@pytest.mark.parametrize("pixels", [[[7]], [[7, 7], [7, 7]]])
def test_1_x_1_and_constant_films_are_read(pixels):
    levels, padding, _ = read(dicom_dataset(np.array(pixels, np.uint16)))
    assert levels.shape == np.shape(pixels)
    assert np.unique(levels).size == 1 and padding == -1


def test_a_path_is_read_too(tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(dicom_bytes(dicom_dataset(GREY_16)))
    np.testing.assert_array_equal(read_dicom(path)[0], read_dicom(str(path))[0])
    with pytest.raises(FileNotFoundError):
        read_dicom(tmp_path / "none.dcm")


def without(*names):
    dataset = dicom_dataset(GREY_16)
    for name in names:
        delattr(dataset, name)
    return dicom_bytes(dataset)


def changed(**attributes):
    return dicom_bytes(dicom_dataset(GREY_16, **attributes))


def all_padding():
    dataset = dicom_dataset(np.full((4, 4), 9, np.uint16))
    dataset.add_new("PixelPaddingValue", "US", 9)
    return dicom_bytes(dataset)


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (without("PixelData", "Rows", "Columns"), "unsupported", "no image"),
        (without("PixelData"), "unreadable", "before its pixels"),
        (dicom_bytes(dicom_dataset(np.zeros((3, 9, 8), np.uint8), NumberOfFrames=3)),
         "unsupported", "3 frames"),
        (changed(SamplesPerPixel=3), "unsupported", "colour"),
        (changed(PhotometricInterpretation="PALETTE COLOR"), "unsupported", "colour"),
        (changed(Rows=12000, Columns=12000), "too_large", "12000 x 12000"),
        (changed(Rows=41), "unreadable", "size that the header states"),
        (changed(Rows=0), "unreadable", "how many Rows"),
        (all_padding(), "constant", "padding"),
        (b"", "unreadable", "no DICOM file"),
        (b"junk" * 100, "unreadable", "no DICOM file"),
    ],
)  # fmt: skip
def test_what_is_no_single_grey_film_is_refused(content, status, words):
    with pytest.raises(FilmError, match=words) as refusal:
        read_dicom(content)
    assert refusal.value.status == status
    assert "\n" not in str(refusal.value) and "ecret" not in str(refusal.value).lower()


@pytest.mark.parametrize(
    "content",
    [
        dicom_bytes(dicom_dataset(GREY_16)),
        dicom_bytes(compressed(RLELossless)),
        dicom_bytes(compressed(JPEG2000Lossless)),
        dicom_bytes(jpeg_dataset()),
        dicom_bytes(deflated()),
        dicom_bytes(jpeg_dataset(progressive=False, restart_marker_blocks=1)),
    ],
    ids=["plain", "RLE", "JPEG 2000", "JPEG", "deflated", "JPEG with restarts"],
)
def test_a_file_cut_off_anywhere_is_refused_or_has_all_its_pixels(content):
    assert_refused_or_whole(content, {*range(132, len(content), 43)})
    found = assert_refused_or_whole(content, range(len(content) - 24, len(content)))
    assert found[len(content) - 24] == "unreadable"
    with pytest.raises(FilmError, match="cut off") as refusal:
        read_dicom(content[: len(content) - 100])
    assert refusal.value.status == "unreadable"


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless])
def test_a_stream_cut_off_before_it_was_wrapped_is_refused(syntax):
    dataset = jpeg_dataset() if syntax == JPEGBaseline8Bit else compressed(syntax)
    stream = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([next(stream)[:-40]])
    with pytest.raises(FilmError, match="cut off"):
        read(dataset)


def test_several_fragments_make_one_frame():
    dataset = jpeg_dataset()
    expected, _, _ = read(dataset)
    stream = next(generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = encapsulate([stream], fragments_per_frame=3)
    content = dicom_bytes(dataset)
    np.testing.assert_array_equal(read_dicom(content)[0], expected)
    for end in [at for at in range(1, len(content)) if content[at : at + 4] == b"\xfe\xff\0\xe0"]:
        with pytest.raises(FilmError):
            read_dicom(content[:end])


def test_messages_hold_nothing_from_the_file():
    dataset = dicom_dataset(GREY_16)
    content = dicom_bytes(dataset)
    content = content.replace(b"MONOCHROME2 ", b"SECRET^NAME ")
    with pytest.raises(FilmError) as refusal:
        read_dicom(content)
    assert "secret" not in str(refusal.value).lower()


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.int16]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
    )
)
def test_any_film_keeps_its_order(pixels):
    levels, padding, _ = read(dicom_dataset(pixels))
    assert padding == -1
    assert same_order(levels, pixels)


def test_the_real_films(research_data):
    for name, shape, count in (
        ("nema_rg1_cr_15bit_mono1_j2k", (1955, 1841), 25069),
        ("siim_1024_mono2_jpeg", (1024, 1024), 256),
    ):
        levels, padding, _ = read_dicom(research_data / "dicom" / f"{name}.dcm")
        assert (levels.shape, levels.min(), levels.max(), padding) == (shape, 0, 65535, -1)
        assert np.unique(levels).size == count
        rows, columns = shape
        mediastinum = levels[rows // 3 : rows // 2, columns // 2 - 40 : columns // 2 + 40]
        lung = levels[rows // 3 : rows // 2, columns // 5 : columns // 3]
        assert np.median(mediastinum) > np.median(lung)  # bright where the body is dense
