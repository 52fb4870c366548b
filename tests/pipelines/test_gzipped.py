"""Films that are packed by gzip."""

import gzip

import numpy as np
import pytest

from pipelines import gzipped
from pipelines.film_error import FilmError
from pipelines.films import is_film, read_content, read_film
from tests.samples import dicom_bytes, dicom_dataset, encode, ramp

DICOM = dicom_bytes(dicom_dataset(ramp()))
RAW = ramp(2048, 2048, 4095, np.dtype(">u2")).tobytes()
FILMS = {
    "film.dcm": DICOM,
    "headless.dcm": DICOM[132:],
    "film.png": encode(ramp(), "PNG"),
    "film.jpg": encode(ramp(), "JPEG"),
    "film.img": RAW,
}


@pytest.mark.parametrize("name", FILMS)
def test_a_packed_film_is_the_film(tmp_path, name):
    plain, packed, misnamed = (tmp_path / each for each in (name, f"{name}.gz", f"packed_{name}"))
    plain.write_bytes(FILMS[name])
    for path in (packed, misnamed):
        path.write_bytes(gzip.compress(FILMS[name]))
        film = read_film(path)
        assert (film.status, film.kind) == ("ok", read_film(plain).kind)
        np.testing.assert_array_equal(film.pixels, read_film(plain).pixels)
        assert is_film(path)


def test_a_packed_film_without_a_name_and_in_several_members():
    content = gzip.compress(DICOM[:900]) + gzip.compress(DICOM[900:]) + bytes(512)
    for suffix in (".gz", "", ".dcm.gz"):
        np.testing.assert_array_equal(
            read_content(content, suffix).pixels, read_content(DICOM, ".dcm").pixels
        )


def test_what_is_packed_and_no_film_is_not_looked_for(tmp_path):
    for name in ("volume.nii.gz", "list.csv.gz", "gz", "x.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b"x"))
        assert not is_film(tmp_path / name)


@pytest.mark.parametrize("end", [3, 12, 200, -9, -1])
def test_a_packed_film_that_is_cut_off_is_refused(end):
    film = read_content(gzip.compress(DICOM)[:end], ".dcm.gz")
    assert film.status == "unreadable" and "cut off" in film.error


def test_damage_within_is_found_by_the_check_sum():
    content = bytearray(gzip.compress(DICOM, 0))
    content[-2000] ^= 1
    film = read_content(bytes(content), ".dcm.gz")
    assert film.status == "unreadable" and "damaged" in film.error


def test_no_more_is_unpacked_than_the_bound(monkeypatch):
    monkeypatch.setattr(gzipped, "MAX_BYTES", 1 << 20)
    assert len(gzipped.unpack(gzip.compress(bytes(1 << 20)))) == 1 << 20
    halves = gzip.compress(bytes(1 << 19)) * 2
    assert len(gzipped.unpack(halves)) == 1 << 20
    for content in (gzip.compress(bytes((1 << 20) + 1)), halves + gzip.compress(b"x")):
        with pytest.raises(FilmError, match="more than 1 MiB") as refusal:
            gzipped.unpack(content)
        assert refusal.value.status == "too_large"


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("film.DCM", ".dcm"),
        ("a/b.c/film.dcm.GZ", ".dcm.gz"),
        ("s3://bucket/film.png.gz", ".png.gz"),
        ("film.gz", ".gz"),
        ("1.2.840.113", ".113"),
        ("film", ""),
    ],
)
def test_the_suffix_of_a_name(name, suffix):
    assert gzipped.suffix_of(name) == suffix
