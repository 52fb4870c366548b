"""Patches measured on films whose intensities are known, decided by a model that is told."""

from types import SimpleNamespace

import numpy as np
import pytest

from cxr_tf.analysis.patches import Patches, patch_figures
from cxr_tf.runtime.errors import UsageError
from pipelines.classes import PAPER_CLASSES
from pipelines.manifest.rows import ManifestRow
from tests.cards import made_up_card

CLASSES = PAPER_CLASSES.names
CENTRES = np.array([[400, 400], [600, 400]], np.int32)


def model(approach="local", classes=CLASSES):
    networks = made_up_card().networks
    if not classes:
        networks = {"segmentation": networks["segmentation"]}
    card = made_up_card(
        classes, networks=networks, approach=approach, patch_size=100, resolution_limit=512
    )
    return SimpleNamespace(classes=classes, card=card)


def rows(split="test"):
    return [ManifestRow("a.png", "normal", split_classification=split)]


def answer(*votes):
    mask = np.zeros((256, 256), np.uint8)
    mask[:, 90:110] = 3  # columns 360 to 439 of 1024
    probabilities = np.eye(4, dtype=np.float32)[list(votes)]
    return SimpleNamespace(
        mask=mask, centres=CENTRES, patch_probabilities=probabilities, patches_used=len(votes)
    )


def half(upper, lower):
    """A film with one level in its upper half and another one below."""
    film = np.full((1024, 1024), 255.0 * upper)
    film[512:] = 255.0 * lower
    return film


def test_lung_pixels_within_the_window_and_the_film_are_measured():
    film = np.zeros((20, 20))
    film[:, :10] = 51.0
    film[:4] = 255.0
    lungs = np.zeros((20, 20), bool)
    lungs[:, 5:15] = True
    found = patch_figures(film, lungs, np.array([[10, 10], [0, 10]]), 4)
    # The first window is half 0.2 and half 0; the second stands half outside, the rest is 1.
    assert found == pytest.approx(np.array([[0.1, 0.1], [1.0, 0.0]]))


def test_only_patches_decided_rightly_count():
    patches = Patches(model(), rows())
    votes, figures = patches.add(0, answer(0, 3), half(0.2, 0.6))
    assert votes.tolist() == [0, 3] and figures[:, 0] == pytest.approx([0.2, 0.6])
    patches.add(0, answer(0, 0), half(0.2, 0.6))
    patches.add(3, answer(1, 1), half(0.2, 0.6))
    patches.add(1, answer(1, 1), half(0.5, 0.5))
    assert patches.groups("means", by_film=False)["normal"] == pytest.approx([0.2, 0.2, 0.6])
    by_film = patches.groups("means", by_film=True)
    assert by_film["normal"] == pytest.approx([0.2, 0.4])
    assert list(by_film) == ["normal", "bacterial"]  # no patch of the viral film was right
    assert patches.groups("sds", by_film=False)["bacterial"] == pytest.approx([0.0, 0.0])


def test_tables_by_patch_and_by_film():
    patches = Patches(model(), rows())
    patches.add(0, answer(0, 0), half(0.2, 0.6))
    patches.add(3, answer(3, 3), half(0.3, 0.9))
    tables = {table.name: table for table in patches.tables()}
    assert list(tables) == [
        "patch_means", "patch_means_by_film", "patch_sds", "patch_sds_by_film", "patch_comparisons"
    ]  # fmt: skip
    assert [row[:4] for row in tables["patch_means"].rows] == [
        ["Normal", "2", "1", "0.400"],
        ["Viral, COVID-19", "2", "1", "0.600"],
    ]
    assert [row[1] for row in tables["patch_means_by_film"].rows] == ["1", "1"]
    assert len(tables["patch_comparisons"].rows) == 4


@pytest.mark.parametrize(
    ("subject", "split", "message"),
    [
        (model("global"), "test", "local"),
        (model(classes=()), "test", "local"),
        (model(), "train", "no test film"),
    ],
)
def test_what_cannot_be_measured_is_refused(subject, split, message):
    with pytest.raises(UsageError, match=message):
        Patches(subject, rows(split))
