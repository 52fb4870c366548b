import os
from io import BytesIO

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from pipelines.films import FILM_SUFFIXES, Film, encode_png16, is_film, load_pixels, read_film
from tests.samples import (
    dicom_bytes,
    dicom_dataset,
    encode,
    insert_chunk,
    ramp,
    tiff_orientation,
    with_exif,
)

GREY = ramp()
GREY_16 = ramp(top=65535, dtype=np.uint16)
PNG, JPEG = encode(GREY, "PNG"), encode(GREY, "JPEG")
DICOM = dicom_bytes(dicom_dataset(GREY, WindowCenter="128", WindowWidth="64"))
OTHER = [Image.fromarray(255 - GREY)]


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="film"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return to_file


def padded_dicom():
    pixels = np.where(GREY < 20, 0, GREY)
    dataset = dicom_dataset(pixels)
    dataset.add_new("PixelPaddingValue", "US", 0)
    return dicom_bytes(dataset)


def jsrt_bytes():
    values = (np.arange(2048 * 2048, dtype=np.uint32) // 1024).astype(">u2")
    return values.tobytes()


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (PNG, "a.png", "png"),
        (JPEG, "a.jpg", "jpeg"),
        (PNG, "named_wrongly.jpg", "png"),
        (JPEG, "named_wrongly.dcm", "jpeg"),
        (DICOM, "a.dcm", "dicom"),
        (DICOM, "1.2.840.113", "dicom"),
        (DICOM, "named_wrongly.png", "dicom"),
        (DICOM[132:], "without_header.dcm", "dicom"),
    ],
)
def test_the_content_decides_on_the_format(write, content, name, kind):
    film = read_film(write(content, name))
    assert (film.status, film.error, film.kind, film.padding) == ("ok", "", kind, -1)
    assert not film.transient
    assert film.pixels.dtype == np.uint16 and film.pixels.shape == GREY.shape
    assert np.abs(film.pixels / 257.0 - GREY).max() < 4


def test_raw_jsrt_films(write):
    film = read_film(write(jsrt_bytes(), "JPCLN001.IMG"))
    assert (film.status, film.kind, film.pixels.shape) == ("ok", "jsrt", (2048, 2048))
    assert film.pixels[0, 0] == 65535 and film.pixels[-1, -1] == 0
    cut = read_film(write(jsrt_bytes()[:-2], "cut.img"))
    assert (cut.status, cut.pixels) == ("unreadable", None)
    assert "8388608" in cut.error
    odd = read_film(write(b"\xff" * 2 * 2048**2, "odd.img"))
    assert (odd.status, odd.pixels) == ("unreadable", None)


@pytest.mark.parametrize("value", range(1, 9))
def test_films_are_turned_upright_as_pillow_does(write, value):
    block = tiff_orientation(value)
    for content in (with_exif(JPEG, block), insert_chunk(PNG, b"eXIf", block)):
        upright = ImageOps.exif_transpose(Image.open(BytesIO(content)))
        film = read_film(write(content))
        assert film.status == "ok"
        np.testing.assert_array_equal(film.pixels, np.asarray(upright).astype(int) * 257)


@pytest.mark.parametrize(
    ("content", "status", "kind", "words"),
    [
        (b"", "unreadable", "", "empty"),
        (b"name,age\n1,2\n" * 40, "unreadable", "", "no image"),
        (PNG[:-1], "unreadable", "png", "cut off"),
        (PNG[: len(PNG) // 2], "unreadable", "png", "cut off"),
        (PNG[:60] + b"\0" + PNG[61:], "unreadable", "png", "damaged"),
        (JPEG[:-1], "unreadable", "jpeg", "cut off"),
        (JPEG[:400], "unreadable", "jpeg", "cut off"),
        (encode(GREY, "GIF"), "unsupported", "gif", "convert"),
        (encode(GREY, "GIF", save_all=True, append_images=OTHER), "unsupported", "gif", "convert"),
        (encode(GREY, "PNG", save_all=True, append_images=OTHER), "unsupported", "png", "animated"),
        (encode(GREY, "BMP"), "unsupported", "bmp", "convert"),
        (encode(GREY, "TIFF"), "unsupported", "tiff", "convert"),
        (encode(np.zeros((12000, 12000), bool), "PNG"), "too_large", "png", "12000 x 12000"),
        (DICOM[:-1], "unreadable", "dicom", "cut off"),
        (dicom_bytes(dicom_dataset(np.zeros((2, 9, 9), np.uint8), NumberOfFrames=2)),
         "unsupported", "dicom", "2 frames"),
    ],
)  # fmt: skip
def test_bad_content_gives_a_status_and_one_line(write, content, status, kind, words):
    film = read_film(write(content))
    assert (film.pixels, film.padding, film.status, film.kind) == (None, -1, status, kind)
    assert words in film.error and "\n" not in film.error and len(film.error) < 160
    assert not film.transient


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_12000_x_12000_is_refused_before_it_is_decoded(write, form, monkeypatch):
    def decode(*_, **__):
        raise AssertionError("the pixels were decoded")

    monkeypatch.setattr("pipelines.films.decode_film", decode)
    film = read_film(write(encode(np.zeros((12000, 12000), np.uint8), form)))
    assert film.status == "too_large"
    with pytest.raises(AssertionError, match="were decoded"):
        read_film(write(PNG))  # what is small enough comes to the decoder


@pytest.mark.parametrize("pixels", [np.full((1, 1), 7), np.full((30, 20), 9)])
def test_1_x_1_and_constant_films_are_read(write, pixels):
    film = read_film(write(encode(pixels.astype(np.uint8), "PNG")))
    np.testing.assert_array_equal(film.pixels, pixels * 257)


def test_faults_of_reading_are_told_from_faults_of_the_file(tmp_path, write, monkeypatch):
    missing = read_film(tmp_path / "none.png")
    assert (missing.status, missing.transient) == ("unreadable", True)
    assert "No such file" in missing.error
    folder = read_film(tmp_path)
    assert (folder.status, folder.transient) == ("unreadable", False)
    assert read_film("a\0b.png").status == "unreadable"

    def fail(*_):
        raise OSError(5, "Input/output error")

    path = write(PNG)
    monkeypatch.setattr("pathlib.Path.read_bytes", fail)
    broken = read_film(path)
    assert (broken.status, broken.transient) == ("unreadable", True)
    assert "Input/output error" in broken.error


def test_voi_and_padding_of_dicom_are_passed_on(write):
    path = write(DICOM)
    assert np.unique(read_film(path, voi=True).pixels).size < np.unique(GREY).size
    film = read_film(write(padded_dicom()))
    assert film.padding == 0
    np.testing.assert_array_equal(film.pixels == 0, GREY < 20)


def test_films_of_a_folder_are_found(tmp_path, write):
    films = [f"f{suffix}" for suffix in FILM_SUFFIXES] + ["F.PNG", "G.IMG"]
    assert all(is_film(tmp_path / name) for name in films)
    assert is_film(write(DICOM, "IM000001")) and is_film(write(DICOM, "1.2.840.9"))
    for name, content in (("DICOMDIR", DICOM), ("notes.txt", b"text"), ("x.csv", b"")):
        assert not is_film(write(content, name))
    assert not is_film(tmp_path / "missing")


def test_16_bit_png_keeps_every_level(write):
    film = read_film(write(encode_png16(GREY_16)))
    np.testing.assert_array_equal(film.pixels, GREY_16)
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(encode_png16(GREY_16)))), GREY_16)
    with pytest.raises(ValueError, match="uint16"):
        encode_png16(GREY)


def test_load_pixels_equals_read_film_for_every_format(write):
    contents = {
        "a.png": PNG,
        "b.jpg": JPEG,
        "c.dcm": DICOM,
        "d.dcm": padded_dicom(),
        "e.jpg": with_exif(JPEG, tiff_orientation(6)),
        "f.img": jsrt_bytes(),
    }
    paths = [write(content, name) for name, content in contents.items()]
    dataset = tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
    dataset = dataset.map(load_pixels, num_parallel_calls=2, deterministic=True)
    assert dataset.element_spec[0].shape.rank == 2 and dataset.element_spec[1].shape == ()
    loaded = list(dataset.as_numpy_iterator())
    for path, (pixels, padding) in zip(paths, loaded, strict=True):
        film = read_film(path)
        np.testing.assert_array_equal(pixels, film.pixels)
        assert padding == film.padding
        eager = load_pixels(tf.constant(str(path)))
        np.testing.assert_array_equal(eager[0], film.pixels)
    assert loaded[3][1] == 0


@pytest.mark.parametrize(
    ("content", "cause"), [(PNG[:-3], "cut off"), (b"", "empty"), (encode(GREY, "GIF"), "GIF")]
)
def test_load_pixels_names_the_file_and_the_cause(write, content, cause):
    path = write(content, "bad film é.png")
    dataset = tf.data.Dataset.from_tensors(str(path)).map(load_pixels)
    with pytest.raises(tf.errors.InvalidArgumentError, match=cause) as error:
        next(iter(dataset))
    assert "bad film é.png" in error.value.message


def test_load_pixels_names_a_missing_file(tmp_path):
    dataset = tf.data.Dataset.from_tensors(str(tmp_path / "gone.png")).map(load_pixels)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"gone\.png: .*No such file"):
        next(iter(dataset))


@settings(max_examples=60, deadline=None)
@given(
    base=st.sampled_from([b"", PNG, JPEG, DICOM]),
    at=st.integers(0, 1500),
    patch=st.binary(max_size=30),
    name=st.sampled_from(["x", "x.dcm", "x.img"]),
)
def test_no_content_makes_it_raise(tmp_path_factory, base, at, patch, name):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(base[:at] + patch + base[at + len(patch) :])
    film = read_film(path)
    assert isinstance(film, Film)
    assert (film.pixels is None) == (film.status != "ok") == bool(film.error)
    os.remove(path)
