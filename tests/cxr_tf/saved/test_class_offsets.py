"""Class offsets: read from a file, added to a network, and part of an exported model."""

import json

import numpy as np
import pytest

from cxr_tf.export import ExportOptions, export
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.class_offsets import read_offsets
from cxr_tf.saved.load import load
from cxr_tf.saved.model_folders import read_card
from tests.cxr_tf.fake_runs import film

CLASSES = ("normal", "bacterial", "tuberculosis", "viral")


def written(path, offsets, classes=CLASSES):
    path.write_text(json.dumps({"classes": classes, "offsets": offsets, "penalty": 0.01}))
    return path


def test_offsets_are_read_for_the_models_classes(tmp_path):
    file = written(tmp_path / "offsets.json", [0.5, 0, -0.25, -0.25])
    assert read_offsets(file, CLASSES) == (0.5, 0.0, -0.25, -0.25)


@pytest.mark.parametrize(
    ("offsets", "classes", "message"),
    [
        ([0.5, 0, 0], CLASSES, "no offsets can be read"),
        ([1, 2, 3, 4], CLASSES[::-1], "for the classes viral, tuberculosis"),
        ([1, 2, 3, float("nan")], CLASSES, "no finite number"),
        ("much", CLASSES, "no offsets can be read"),
    ],
)
def test_offsets_that_do_not_fit_are_refused(tmp_path, offsets, classes, message):
    with pytest.raises(UsageError, match=message):
        read_offsets(written(tmp_path / "offsets.json", offsets, classes), CLASSES)
    with pytest.raises(UsageError, match="no offsets can be read"):
        read_offsets(tmp_path / "none.json", CLASSES)


@pytest.mark.slow
def test_an_exported_model_votes_with_them(tmp_path, exported, fake_classification):
    offsets = (1.5, 0.25, -1.0, -0.75)
    file = written(tmp_path / "offsets.json", offsets)
    options = {"out": str(tmp_path / "shifted"), "warmup": False}
    folder = export(
        ExportOptions(classification=str(fake_classification), class_offsets=file, **options)
    )
    vote = VoteOptions(0, 20)
    plain = load(exported).predict(film(), -1, vote, explain=True)
    shifted = load(folder).predict(film(), -1, vote, explain=True)
    expected = plain.patch_probabilities[:20] * np.exp(offsets)
    expected /= expected.sum(-1, keepdims=True)
    np.testing.assert_allclose(shifted.patch_probabilities[:20], expected, atol=1e-5)
    assert shifted.votes.tolist() == np.bincount(expected.argmax(1), minlength=4).tolist()
    assert shifted.votes.tolist() != plain.votes.tolist()

    card, before = read_card(folder), read_card(exported / "1")
    assert card.class_offsets == offsets and before.class_offsets == ()
    assert card.model_version != before.model_version
    text = (folder / "assets.extra" / "model_card.md").read_text()
    assert "normal +1.500, bacterial +0.250" in text
    again = export(ExportOptions(model=str(folder), **options))
    assert read_card(again).class_offsets == offsets
    with pytest.raises(UsageError, match="--class-offsets"):
        export(ExportOptions(model=str(folder), class_offsets=file, **options))
