import numpy as np
import pytest

from pipelines.film_files import (
    FIXED_POINT,
    FORMAT,
    LOST,
    HeldFilms,
    Recipe,
    StoredFilms,
    file_size,
    is_sound,
    write_film,
)
from pipelines.normalise import normalise

SIDE = 96


def film(seed=0, side=SIDE):
    return np.random.default_rng(seed).integers(0, 65536, (side, side), np.uint16)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "folder" / "film.npy"
    write_film(path, film())
    return path


def test_a_file_is_one_that_numpy_reads(path):
    assert is_sound(path, SIDE) and path.stat().st_size == file_size(SIDE)
    np.testing.assert_array_equal(np.load(path), film())
    np.testing.assert_array_equal(np.load(path, mmap_mode="r"), film())


def test_what_is_missing_cut_off_or_of_another_side_is_not_sound(path):
    assert not is_sound(path.with_name("other.npy"), SIDE)
    assert not is_sound(path, SIDE // 2)
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_sound(path, SIDE)


@pytest.mark.parametrize("place", [0, 70, 128, 5000, -40, -1])
def test_one_changed_byte_is_found(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    assert not is_sound(path, SIDE)


def test_a_film_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.whole_files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_film(tmp_path / "film.npy", film())
    assert not list(tmp_path.iterdir())


def test_whatever_makes_a_film_another_names_it_otherwise(tmp_path, monkeypatch):
    recipes = [Recipe(1024), Recipe(512), Recipe(1024, 640), Recipe(1024, 0, 30)]
    paths = [each.path(tmp_path, "ab" * 32) for each in recipes]
    paths.append(Recipe(1024).path(tmp_path, "cd" * 32))
    monkeypatch.setattr("pipelines.film_files.FORMAT", FORMAT + 1)
    paths.append(Recipe(1024).path(tmp_path, "ab" * 32))
    assert len(set(paths)) == 6


def test_format_1_is_what_is_written_now():
    """Where this fails, films come out otherwise than before: raise `FORMAT`, mend the test."""
    rows, columns = np.mgrid[:300, :200]
    pixels = ((rows * 37 + columns**2) % 4096 + 8 * rows).astype(np.uint16)
    (found,), constant = normalise(pixels, -1, (256,))
    assert not constant and FORMAT == 1
    expected = [
        [58.43000030517578, 37.459999084472656, 69.30999755859375, 151.88999938964844],
        [223.72000122070312, 211.42999267578125, 229.2100067138672, 111.51000213623047],
        [197.5399932861328, 182.86000061035156, 204.75, 180.1300048828125],
        [166.49000549316406, 148.66000366210938, 175.02999877929688, 229.4499969482422],
    ]
    np.testing.assert_allclose(found.numpy()[16::64, 16::64], expected, atol=0.02)


def test_windows_are_those_of_the_film_with_zeros_around_it(path):
    write_film(path.with_name("second.npy"), film(1))
    stored = StoredFilms([path, path.with_name("second.npy")], SIDE)
    held = HeldFilms(np.stack([film(), film(1)]))
    centres = np.array([[0, 0], [48, 50], [95, 10], [3, 96], [200, 5], [48, -30]], np.int32)
    padded = np.pad(film(1), 300)
    expected = [padded[r + 280 : r + 320, c + 280 : c + 320] for r, c in centres]
    for films in (stored, held):
        assert (len(films), films.side) == (2, SIDE)
        found = films.windows(1, centres, 40)
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, expected)
    whole = stored.windows(0, np.array([[48, 48]], np.int32), SIDE)[0]
    np.testing.assert_array_equal(whole, film())


def test_a_file_that_is_cut_off_meanwhile_is_named(path):
    stored = StoredFilms([path], SIDE)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(OSError, match=f"film.npy: {LOST}$"):
        stored.windows(0, np.array([[80, 48]], np.int32), 20)
    path.unlink()
    with pytest.raises(OSError, match=rf"film.npy: {LOST} \(No such file or directory\)"):
        stored.windows(0, np.array([[80, 48]], np.int32), 20)


def test_a_step_of_the_levels_is_far_below_a_grey_level():
    levels = np.arange(0, 255, 0.01)
    kept = np.rint(levels * FIXED_POINT).astype(np.uint16) / FIXED_POINT
    assert np.abs(kept - levels).max() < 0.002 and kept.max() * FIXED_POINT < 65536
