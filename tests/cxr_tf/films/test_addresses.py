import numpy as np
import pytest

from cxr_tf.films import addresses
from cxr_tf.films.inputs import Input
from cxr_tf.runtime.errors import UsageError
from pipelines.films import is_film
from tests.gathered import gather
from tests.samples import encode, ramp


@pytest.fixture
def store():
    """A bucket in memory."""
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    system.pipe("/bucket/b/two.png", encode(ramp(20, 30), "PNG"))
    system.pipe("/bucket/a/one.PNG", encode(ramp(20, 30), "PNG"))
    system.pipe("/bucket/a/notes.txt", b"no film")
    system.pipe("/bucket/a/.hidden.png", b"")
    system.pipe("/bucket/cut.png", b"\x89PNG")
    system.pipe(
        "/bucket/list.csv", b"path,split\na/one.PNG,test\nmemory://other/x.png,test\n,train\n"
    )
    yield "memory://bucket"
    system.rm("/bucket", recursive=True)


def test_what_is_an_address():
    assert addresses.is_address("s3://bucket/film.png") and addresses.is_address("gs://b")
    assert not addresses.is_address("films/a.png") and not addresses.is_address("C:/films")


def test_a_folder_is_listed_in_order_and_what_is_no_film_passed_over(store):
    gathered = gather([store], is_film)
    names = [item.name.partition("bucket/")[2] for item in gathered.inputs]
    assert names == ["cut.png", "a/one.PNG", "b/two.png"]
    assert len(gathered.skipped) == 2
    assert [item.name[-7:] for item in gather([store], is_film, recursive=False).inputs] == [
        "cut.png"
    ]
    (empty,) = gather([store + "/none/"], is_film).inputs
    assert empty.fault


def test_a_table_names_what_lies_beside_it_and_elsewhere(store, tmp_path):
    found = gather([store + "/list.csv"], is_film).inputs
    assert [item.name for item in found[:2]] == [store + "/a/one.PNG", "memory://other/x.png"]
    assert "row 3" in found[2].fault
    assert len(gather([store + "/list.csv"], is_film, where={"split": "test"}).inputs) == 2
    table = tmp_path / "list.csv"
    table.write_text("path\ns3://bucket/a.png\n")
    assert gather([table], is_film).inputs == (Input("s3://bucket/a.png"),)
    with pytest.raises(UsageError, match="cannot be read"):
        gather([store + "/gone.csv"], is_film)


def test_a_film_is_read_as_from_a_file(store, tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(encode(ramp(20, 30), "PNG"))
    local = addresses.read_location(path)
    found = addresses.read_location(store + "/b/two.png")
    np.testing.assert_array_equal(found.pixels, local.pixels)
    assert found.status == local.status == "ok" and found.kind == "png"


def test_what_is_not_there_or_damaged_is_not_tried_again(store, monkeypatch):
    for name in ("/gone.png", "/cut.png"):
        film = addresses.read_address(store + name)
        assert film.status == "unreadable" and film.error and not film.transient

    def broken(*_, **__):
        raise RuntimeError("the store is busy")

    import fsspec

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "cat_file", broken)
    film = addresses.read_address(store + "/b/two.png")
    assert film.transient and "RuntimeError: the store is busy" in film.error


def test_without_fsspec_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"cxr-tf\[cloud\]"):
        gather(["s3://bucket/films/"], is_film)


@pytest.mark.parametrize("address", ["memory://b/films.zip", "memory://b/*.png"])
def test_archives_and_patterns_at_an_address_are_told(address):
    (item,) = gather([address], is_film).inputs
    assert item.path == address and "no archive and no pattern" in item.fault
