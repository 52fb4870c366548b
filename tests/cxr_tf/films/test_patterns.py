import pytest

from cxr_tf.films.inputs import Input
from pipelines.films import is_film
from tests.cxr_tf.films.test_inputs import paths, touch
from tests.gathered import gather


@pytest.fixture
def tree(tmp_path):
    for name in (
        "a.png", "b.PNG", "c.tif", "notes.txt", ".hidden.png", "one/d.png", "one/deep/e.png",
        "one/deep/f.dcm", "two/g.png", ".secret/h.png",
    ):  # fmt: skip
        touch(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.png", ["a.png"]),
        ("*.[pP][nN][gG]", ["a.png", "b.PNG"]),
        ("?.tif", ["c.tif"]),
        ("*/*.png", ["one/d.png", "two/g.png"]),
        ("**/*.png", ["a.png", "one/d.png", "one/deep/e.png", "two/g.png"]),
        ("one/**/*", ["one/d.png", "one/deep/e.png", "one/deep/f.dcm"]),
        ("one/**", ["one/d.png", "one/deep/e.png", "one/deep/f.dcm"]),
        ("**/deep/**/*.dcm", ["one/deep/f.dcm"]),
        ("o*/**/e.png", ["one/deep/e.png"]),
        ("t*", ["two/g.png"]),
        ("*.txt", ["notes.txt"]),
    ],
)
def test_patterns_are_expanded_in_sorted_order(tree, pattern, names, monkeypatch):
    assert paths(gather([tree / pattern], is_film)) == [tree / name for name in names]
    monkeypatch.chdir(tree)
    found = gather([pattern], is_film).inputs
    assert [str(item.path) for item in found] == names
    assert {item.source for item in found} == {pattern}


def test_what_names_no_kind_takes_films_and_counts_the_rest(tree):
    gathered = gather([tree / "*"], is_film)
    assert [item.path.name for item in gathered.inputs] == [
        "a.png", "b.PNG", "d.png", "e.png", "f.dcm", "g.png"
    ]  # fmt: skip
    assert {path.name for path in gathered.skipped} == {"c.tif", "notes.txt"}


def test_a_pattern_that_fits_nothing_gets_a_row(tree):
    for pattern in ("*.jpg", "gone/**/*.png", "**/*.xyz", "[a"):
        (item,) = gather([tree / pattern], is_film).inputs
        assert item == Input(tree / pattern, "no film fits the pattern")


def test_a_file_that_is_named_like_a_pattern_is_that_file(tree):
    film = touch(tree / "film[1].png")
    assert gather([film], is_film).inputs == (Input(film),)


def test_results_are_left_out_and_links_do_not_loop(tree):
    (tree / "two" / "again").symlink_to(tree)
    (tree / "two" / "more").symlink_to(tree)
    found = gather([tree / "**" / "*.png"], is_film, leave_out=(tree / "one",)).inputs
    assert [item.path.name for item in found] == ["a.png", "g.png"]


def test_patterns_find_lists(tree):
    touch(tree / "list.csv", b"path\na.png\n")
    assert paths(gather([tree / "*.csv"], is_film)) == [tree / "a.png"]
