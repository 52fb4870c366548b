"""Files that are no films, whatever they are called."""

import gzip
import io
import json
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from pipelines.films import read_content, read_film
from pipelines.foreign import recognise
from tests.samples import dicom_bytes, dicom_dataset, encode, ramp


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("film.dcm", b"film")
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("film.dcm"))
    return file.getvalue()


def array():
    file = io.BytesIO()
    np.save(file, ramp())
    return file.getvalue()


def nifti(magic=b"n+1\0", order="<"):
    return struct.pack(order + "i", 348) + bytes(340) + magic + bytes(4000)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 525312\n"
PAGE = b"<!DOCTYPE html><html>Please log in</html>" * 20
KINDS = [
    (b"", "unreadable", "the file is empty"),
    (PAGE, "unreadable", "a web page (HTML)"),
    (b"\n\n  <HTML lang='en'><body>403</body>", "unreadable", "a web page (HTML)"),
    (b"\xef\xbb\xbf<!-- c --><head><title>Sign in</title>", "unreadable", "a web page (HTML)"),
    ("<!doctype html><p>Anmeldung für Ärzte".encode("utf-16"), "unreadable", "a web page (HTML)"),
    (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", "unreadable", "XML"),
    (LFS, "unreadable", "a Git LFS pointer"),
    (b"../../.git/annex/objects/a/b/SHA256E-s1--x.dcm", "unreadable", "a git-annex pointer"),
    (json.dumps({"error": "not found"}).encode(), "unreadable", "JSON"),
    (b"[]", "unreadable", "JSON"),
    (b"name,age\n1,2\n" * 40, "unreadable", "text"),
    ("Aufnahme nicht verfügbar".encode("latin-1"), "unreadable", "text"),
    (zipped(), "unsupported", "a ZIP archive"),
    (tarred(), "unsupported", "a tar archive"),
    (gzip.compress(tarred()), "unsupported", "a tar archive"),
    (nifti(), "unsupported", "a NIfTI file"),
    (gzip.compress(nifti()), "unsupported", "a NIfTI file"),
    (nifti(b"ni1\0"), "unsupported", "NIfTI pair"),
    (nifti(bytes(4)), "unsupported", "Analyze"),
    (nifti(bytes(4), ">"), "unsupported", "Analyze"),
    (struct.pack("<i", 540) + b"n+2\0\r\n\x1a\n" + bytes(600), "unsupported", "NIfTI-2"),
    (b"%PDF-1.7\n%\xe2\xe3\n", "unsupported", "PDF"),
    (array(), "unsupported", "a NumPy array"),
    (b"NRRD0004\ntype: short\n", "unsupported", "NRRD"),
    (b"\xff\x0a" + bytes(50), "unsupported", "JPEG XL"),
    (gzip.compress(gzip.compress(b"x")), "unsupported", "a gzip file within another"),
    (b"\x07\x01junk\x00" * 50, "unreadable", "no DICOM file"),
]
#: Contents make no names: a gzip file holds the time it was made at.
NAMES = [f"{number}-{words}" for number, (_, _, words) in enumerate(KINDS)]


@pytest.mark.parametrize("suffix", [".dcm", ".dicom"])
@pytest.mark.parametrize(("content", "status", "words"), KINDS, ids=NAMES)
def test_what_is_called_dicom_and_is_none_is_told_by_what_it_is(content, status, words, suffix):
    film = read_content(content, suffix)
    assert (film.status, film.pixels) == (status, None)
    assert words in film.error and "holds no image" not in film.error
    assert ";" in film.error and len(film.error) < 160


@pytest.mark.parametrize(("content", "status", "words"), KINDS[1:-1], ids=NAMES[1:-1])
@pytest.mark.parametrize("suffix", [".img", ".png", ""])
def test_so_is_what_is_called_anything_else(content, status, words, suffix):
    film = read_content(content, suffix)
    assert film.status == status and words in film.error


def test_the_data_of_an_analyze_pair_are_not_taken_for_a_film_of_jsrt():
    film = read_content(ramp(512, 512, 4095, np.uint16).tobytes(), ".img")
    assert film.status == "unreadable"
    assert "Analyze or NIfTI" in film.error and "8388608" in film.error


def test_films_are_not_taken_for_anything_else(tmp_path):
    for content in (
        encode(ramp(), "PNG"),
        encode(ramp(), "JPEG"),
        dicom_bytes(dicom_dataset(ramp())),
        dicom_bytes(dicom_dataset(ramp()))[128:],
        dicom_bytes(dicom_dataset(ramp()))[132:],
        ramp(2048, 2048, 4095, np.uint16).tobytes(),
        b"",
    ):
        assert recognise(content) is None
    path = tmp_path / "no_preamble.dcm"
    path.write_bytes(dicom_bytes(dicom_dataset(ramp()))[128:])
    assert read_film(path).status == "ok"
