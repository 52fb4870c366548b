import shutil

import cv2
import numpy as np
import pytest

from cxr_tf.saved import predicted_masks as module
from cxr_tf.saved.load import from_runs
from cxr_tf.saved.predicted_masks import predicted_masks
from pipelines.components import clean_labels
from pipelines.manifest.table import ManifestRow
from tests.cxr_tf.fake_runs import film, png


@pytest.fixture
def rows(tmp_path):
    found = []
    for seed in range(3):
        path = tmp_path / f"{seed}.png"
        path.write_bytes(png(film(seed)))
        found.append(ManifestRow(path=path, label="normal"))
    return found


@pytest.fixture
def calls(monkeypatch):
    """Runs from which a model was made."""
    made = []

    def counted(run, **options):
        made.append((run, options))
        return from_runs(run, **options)

    monkeypatch.setattr(module, "from_runs", counted)
    return made


def test_masks_are_made_once_and_kept(rows, calls, tmp_path, fake_segmentation):
    cache = tmp_path / "cache"
    maps = predicted_masks(rows, fake_segmentation, cache=cache)
    assert maps.shape == (3, 256, 256) and maps.dtype == np.uint8
    model = from_runs(fake_segmentation)
    for seed, labels in enumerate(maps):
        np.testing.assert_array_equal(labels, model.segment(film(seed))[0])
    assert len(calls) == 1 and len(list(cache.rglob("*.png"))) == 3
    again = predicted_masks(list(reversed(rows)), fake_segmentation, cache=cache)
    np.testing.assert_array_equal(again, maps[::-1])
    assert len(calls) == 1
    assert not list(cache.rglob(".*"))


def test_damaged_mask_is_made_again(rows, calls, tmp_path, fake_segmentation):
    cache = tmp_path / "cache"
    maps = predicted_masks(rows, fake_segmentation, cache=cache)
    kept = sorted(cache.rglob("*.png"))
    kept[0].write_bytes(b"damaged")
    cv2.imwrite(str(kept[1]), np.zeros((9, 9), np.uint8))
    np.testing.assert_array_equal(predicted_masks(rows, fake_segmentation, cache=cache), maps)
    assert len(calls) == 2


def test_other_weights_films_or_limits_do_not_share_masks(rows, calls, tmp_path, fake_segmentation):
    cache = tmp_path / "cache"
    plain = predicted_masks(rows, fake_segmentation, cache=cache)
    limited = predicted_masks(rows, fake_segmentation, 100, cache)
    assert (plain != limited).any() and len(calls) == 2
    assert calls[1][1] == {"resolution_limit": 100, "clean_masks": False}
    rows[0].path.write_bytes(png(film(9)))
    changed = predicted_masks(rows[:1], fake_segmentation, cache=cache)
    assert (changed[0] != plain[0]).any() and len(calls) == 3


def test_cleaned_masks_are_kept_apart_from_raw_ones(rows, tmp_path, fake_segmentation):
    cache = tmp_path / "cache"
    raw = predicted_masks(rows, fake_segmentation, cache=cache)
    clean = predicted_masks(rows, fake_segmentation, cache=cache, clean=True)
    expected = [clean_labels(labels).numpy() for labels in raw]
    np.testing.assert_array_equal(clean, expected)
    assert (clean != raw).any()
    np.testing.assert_array_equal(predicted_masks(rows, fake_segmentation, cache=cache), raw)


def test_masks_lie_in_the_run_by_default(rows, tmp_path, fake_segmentation):
    run = tmp_path / "run"
    shutil.copytree(fake_segmentation, run, ignore=shutil.ignore_patterns("masks"))
    predicted_masks(rows[:1], run)
    assert len(list((run / "masks").rglob("*.png"))) == 1


def test_run_without_weights_is_named(rows, tmp_path):
    with pytest.raises(FileNotFoundError, match="train the segmentation first"):
        predicted_masks(rows, tmp_path / "none")


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"junk", "unreadable"), (png(np.full((30, 30), 7, np.uint16)), "constant")],
)
def test_film_that_cannot_be_used_is_named(rows, tmp_path, fake_segmentation, content, status):
    rows[1].path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"1\.png: {status}"):
        predicted_masks(rows, fake_segmentation, cache=tmp_path / "cache")
