import io
import stat
import struct
import time
import warnings
import zipfile

import pytest

from cxr_tf.films import archives
from cxr_tf.films.addresses import read_location
from cxr_tf.films.inputs import Input, film_named
from pipelines.films import is_film, read_film
from tests.gathered import gather
from tests.samples import dicom_bytes, dicom_dataset, encode, ramp

PNG = encode(ramp(40, 56), "PNG")
DICOM = dicom_bytes(dicom_dataset(ramp(30, 50)))


def pack(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that stand twice
        for name, content in members:
            file.writestr(name, content)
    return path


def faults(path, **options):
    return {
        item.path.relative_to(path).as_posix(): item.fault
        for item in gather([path], is_film, **options).inputs
    }


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_films_in_an_archive_are_found_and_read_like_files(tmp_path, method):
    members = [
        ("inner/film.png", PNG), ("inner/deep/IM0001", DICOM), ("b.dcm", DICOM),
        ("notes.txt", b"x"), ("DICOMDIR", DICOM), ("__MACOSX/._b.dcm", b"x"),
        (".hidden/c.png", PNG), ("empty/", b""), ("1.2.840.7", DICOM),
    ]  # fmt: skip
    path = pack(tmp_path / "Films.ZIP", members, method)
    gathered = gather([path], is_film)
    names = ["1.2.840.7", "b.dcm", "inner/deep/IM0001", "inner/film.png"]
    assert gathered.inputs == tuple(Input(path / name) for name in names)
    assert {item.source for item in gathered.inputs} == {str(path)}
    assert gathered.skipped == (path / "DICOMDIR", path / "notes.txt")
    (tmp_path / "film.png").write_bytes(PNG)
    (tmp_path / "b.dcm").write_bytes(DICOM)
    for name, file in (("inner/film.png", "film.png"), ("inner/deep/IM0001", "b.dcm")):
        found, expected = read_location(path / name), read_film(tmp_path / file)
        assert found.status == expected.status == "ok" and found.kind == expected.kind
        assert (found.pixels == expected.pixels).all()
    assert list(faults(path, recursive=False)) == ["1.2.840.7", "b.dcm"]
    assert {file.name for file in tmp_path.iterdir()} == {"Films.ZIP", "film.png", "b.dcm"}


def test_one_member_may_be_named_alone_and_in_a_list(tmp_path):
    path = pack(tmp_path / "a.zip", [("in/film.png", PNG)])
    table = tmp_path / "list.csv"
    table.write_text("path\na.zip/in/film.png\na.zip/in/gone.png\n")
    first, second = gather([table], is_film).inputs
    assert first == film_named(path / "in" / "film.png") == Input(path / "in" / "film.png")
    assert second.fault == "the archive holds no such file"
    assert read_location(path / "in" / "gone.png").error == second.fault


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../out.png", "_/out.png"),
        ("in/../../../etc/out.png", "in/_/_/_/etc/out.png"),
        ("/etc/out.png", "etc/out.png"),
        ("..\\..\\out.png", "_/_/out.png"),
        ("C:/out.png", "C:/out.png"),
        ("\\\\host\\out.png", "host/out.png"),
    ],
)
def test_no_path_of_a_member_leaves_the_archive(tmp_path, name, shown):
    path = pack(tmp_path / "a.zip", [(name, PNG)])
    assert faults(path) == {shown: "its path leads out of the archive; pack it again"}
    assert ".." not in str(gather([path], is_film).inputs[0].path.relative_to(tmp_path))
    assert read_location(path / shown).pixels is None


def test_members_that_are_not_opened_are_named_and_the_others_read(tmp_path):
    path = tmp_path / "a.zip"
    inner = io.BytesIO()
    pack(inner, [("film.png", PNG)])
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    members = [
        ("inner.zip", inner.getvalue()), ("inner.tar.gz", b"x"), (link, b"/etc/passwd"),
        ("twice.png", PNG), ("twice.png", PNG), ("bomb.png", bytes(5 << 20)), ("fine.png", PNG),
    ]  # fmt: skip
    found = faults(pack(path, members))
    assert found == {
        "bomb.png": "it grows more than 200 times when unpacked, as no film does; unpack it",
        "fine.png": "",
        "inner.tar.gz": "an archive within an archive is not opened; unpack it",
        "inner.zip": "an archive within an archive is not opened; unpack it",
        "link.png": "a link in an archive is not followed; pack the file",
        "twice.png": "the archive holds it twice; pack it again",
    }
    for name, fault in found.items():
        film = read_location(path / name)
        assert (film.status == "ok") is not bool(fault) and film.error == fault


def test_encrypted_members_are_named(tmp_path):
    path = pack(tmp_path / "a.zip", [("a.png", PNG), ("IM1", DICOM), ("notes.txt", b"x")])
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            content[start + at] |= 1
            start += 4
    path.write_bytes(content)
    reason = "it is encrypted; unpack the archive with its password"
    assert faults(path) == {"IM1": reason, "a.png": reason}


def test_methods_that_are_not_read_are_named(tmp_path):
    path = pack(tmp_path / "a.zip", [("a.png", PNG)], zipfile.ZIP_LZMA)
    assert "packed by a method that is not read" in faults(path)["a.png"]


def test_too_large_members_and_archives_are_refused(tmp_path, monkeypatch):
    path = pack(tmp_path / "a.zip", [("a.png", PNG), ("b.png", PNG)], zipfile.ZIP_STORED)
    with monkeypatch.context() as patch:
        patch.setattr(archives, "MAX_BYTES", len(PNG) - 1)
        assert "MiB; unpack the archive" in faults(path)["a.png"]
    for name, limit in (("MAX_MEMBERS", 1), ("MAX_TOTAL", 2 * len(PNG) - 1), ("MAX_DIRECTORY", 60)):
        archives._opened.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(archives, name, limit)
            assert "cut it in parts" in faults(path)["."]
    archives._opened.cache_clear()
    assert set(faults(path).values()) == {""}


def test_a_list_of_members_that_lies_about_its_size_is_not_read_into_memory(tmp_path):
    path = tmp_path / "a.zip"
    with path.open("wb") as file:
        file.truncate(1 << 30)  # sparse
        file.seek(0)
        file.write(b"PK\x05\x06")
        file.seek(0, 2)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, 1 << 30, 0, 0))
    began = time.perf_counter()
    (fault,) = faults(path).values()
    assert "cut it in parts" in fault and time.perf_counter() - began < 5


def test_members_that_share_their_bytes_are_refused(tmp_path):
    path = pack(tmp_path / "a.zip", [(f"{i}.png", PNG) for i in range(9)], zipfile.ZIP_STORED)
    content = path.read_bytes()
    directory = content.index(b"PK\x01\x02")
    one = content[: content.index(b"PK\x03\x04", 4)]
    entries = content[directory : content.rindex(b"PK\x05\x06")]
    for start in [i for i in range(len(entries)) if entries[i : i + 4] == b"PK\x01\x02"]:
        entries = entries[: start + 42] + bytes(4) + entries[start + 46 :]
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, len(entries), len(one), 0)
    path.write_bytes(one + entries + end)
    assert faults(path) == {".": "the members of the archive overlap; pack it again"}


@pytest.mark.parametrize("cut", [0, 3, 30, 200, -1, -22, -40])
def test_what_is_cut_off_is_told(tmp_path, cut):
    path = pack(tmp_path / "a.zip", [("a.png", PNG), ("b.png", PNG)])
    content = path.read_bytes()
    path.write_bytes(content[:cut])
    (item,) = gather([path], is_film).inputs
    if cut:
        assert item.path == path and item.fault
    assert read_location(item.path).pixels is None


def test_damage_costs_one_film_and_damaged_lists_never_raise(tmp_path):
    path = pack(tmp_path / "a.zip", [("a.png", PNG), ("b.png", PNG)], zipfile.ZIP_STORED)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(PNG, PNG[:50] + b"!" + PNG[51:], 1))
    assert set(faults(path).values()) == {""}
    assert read_location(path / "a.png").error == archives._DAMAGED
    assert read_location(path / "b.png").status == "ok"
    for at in range(whole.index(b"PK\x01\x02"), len(whole)):
        for value in (0, 255):
            path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            for item in gather([path], is_film).inputs:
                read_location(item.path)


def test_an_archive_without_films_and_one_that_is_none_are_told(tmp_path):
    path = pack(tmp_path / "a.zip", [("notes.txt", b"x")])
    assert "holds no film" in faults(path)["."]
    film = tmp_path / "film.zip"
    film.write_bytes(PNG)  # a film whatever it is called
    assert gather([film], is_film).inputs == (Input(film),)
    assert read_location(film).status == "ok"
    folder = tmp_path / "folder.zip"
    folder.mkdir()
    (folder / "a.png").write_bytes(PNG)
    assert gather([folder], is_film).inputs == (Input(folder / "a.png"),)
    assert read_location(folder / "a.png").status == "ok"
