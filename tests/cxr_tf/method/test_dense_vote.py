"""The dense vote: all windows of the lungs decide, always alike, by the weights of the patches."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.export import ExportOptions, export
from cxr_tf.method.triage_options import DecisionOptions
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.load import from_runs, load
from cxr_tf.saved.model_folders import read_card
from pipelines.masks import lungs_at_full_size
from pipelines.sizes import MOST_WINDOWS
from tests.cxr_tf import plain_method
from tests.cxr_tf.fake_runs import classification_run, film, png

#: What an explained answer holds as arrays.
ARRAYS = ("votes", "probabilities", "mask", "saliency", "centres", "patch_probabilities")


def assert_alike(found, expected, name):
    """Compare what one graph computed with what another did, which may round the last digits."""
    np.testing.assert_allclose(found, getattr(expected, name), rtol=1e-5, atol=1e-5, err_msg=name)


def assert_same(found, expected, names=ARRAYS):
    for name in names:
        np.testing.assert_array_equal(
            getattr(found, name), getattr(expected, name), err_msg=name, strict=True
        )


@pytest.mark.slow
def test_every_place_of_the_grid_on_the_lungs_votes_once(dense_model):
    answer = dense_model.predict(film(), vote="dense", explain=True)
    lungs = lungs_at_full_size(tf.constant(answer.mask)).numpy()
    places = [(y, x) for y in range(0, 1024, 32) for x in range(0, 1024, 32) if lungs[y, x]]
    assert answer.status == "ok" and answer.patches_used == len(places) > 50
    assert [tuple(each) for each in answer.centres.tolist()] == places
    winners = answer.patch_probabilities.argmax(1)
    np.testing.assert_array_equal(answer.votes, np.bincount(winners, minlength=4))
    np.testing.assert_allclose(answer.probabilities, answer.patch_probabilities.mean(0), atol=1e-6)
    assert answer.class_index == plain_method.decide(answer.votes, answer.probabilities)
    assert len(np.unique(winners)) > 1  # a vote that all patches cast alike would show nothing
    assert answer.saliency.shape == (4, 256, 256)
    assert answer.saliency.min() >= 0.0 and 0.0 < answer.saliency.max() <= 1.0
    near = np.zeros((1024, 1024), bool)
    for row, column in places:
        near[max(0, row - 32) : row + 32, max(0, column - 32) : column + 32] = True
    assert (answer.saliency[:, ~near.reshape(256, 4, 256, 4).any((1, 3))] == 0.0).all()


@pytest.mark.slow
def test_the_same_bytes_at_every_call(dense_model):
    """Whatever was asked before, with any seed and number of patches."""
    first = dense_model.predict(film(), vote="dense", explain=True)
    other = dense_model.predict(film(1, 400, "viral"), vote="dense", explain=True)
    assert other.centres.tolist() != first.centres.tolist()
    again = dense_model.predict(film(), vote="dense", explain=True, seed=5, patches=7)
    assert_same(again, first)
    options = VoteOptions(vote="dense")
    assert_same(dense_model.predict(film(), vote=options), first, ARRAYS[:2])
    plain = dense_model.predict(film(), vote="dense", explain=True, unweighted=True)
    assert_same(plain, first)
    assert (plain.saliency_unweighted >= plain.saliency - 1e-6).all()


def test_another_rule_decides_over_the_windows(dense_model):
    answer = dense_model.predict(film(), vote="dense", explain=True)
    mean = dense_model.predict(film(), vote="dense", rule="mean")
    assert mean.class_index == answer.probabilities.argmax()
    assert_same(mean, answer, ARRAYS[:2])


@pytest.mark.slow
def test_weights_of_both_votes_answer_patches_as_those_of_patches_alone(
    tmp_path, fake_segmentation, dense_model
):
    run = classification_run(tmp_path / "local", fake_segmentation, patch_size=64)
    local = from_runs(None, run).predict(film(), explain=True)
    both = dense_model.predict(film(), explain=True)
    assert_same(both, local, ("centres", "votes", "mask"))
    np.testing.assert_allclose(both.patch_probabilities, local.patch_probabilities, atol=1e-5)
    np.testing.assert_allclose(both.saliency, local.saliency, atol=1e-4)


@pytest.mark.slow
def test_a_film_without_lungs_has_no_windows(tmp_path, dense_classification):
    from tests.cxr_tf.fake_runs import segmentation_run

    blind = segmentation_run(tmp_path / "blind", finds_lungs=False)
    model = from_runs(blind, dense_classification)
    answer = model.predict(film(), vote="dense", explain=True)
    assert (answer.status, answer.label, answer.patches_used) == ("no_lung", "", 0)
    assert answer.centres.shape == (0, 2) and answer.patch_probabilities.shape == (0, 4)
    refused = model.predict(np.zeros((300, 300), np.uint16), vote="dense", explain=True)
    assert refused.status == "constant" and refused.centres.shape == (0, 2)


@pytest.mark.slow
def test_a_model_votes_densely_as_it_was_exported(tmp_path, dense_model, dense_exported):
    """A model exported again gives the same bytes.

    Its signatures, and a model straight from its run, may round the last digits otherwise.
    """
    plain = load(dense_exported)
    expected = plain.predict(film(), vote="dense", explain=True)
    from_run = dense_model.predict(film(), vote="dense", explain=True)
    assert_same(from_run, expected, ("votes", "mask", "centres"))
    for name in ("probabilities", "saliency", "patch_probabilities"):
        assert_alike(getattr(from_run, name), expected, name)
    again = ExportOptions(model=str(dense_exported), vote="dense", out=str(tmp_path / "b"))
    folder = export(dataclasses.replace(again, warmup=False))
    card = read_card(folder)
    assert card.decision == DecisionOptions(vote="dense") and card.options.approach == "dense"
    assert card.model_version != plain.card.model_version
    model = load(folder)
    assert_same(model.predict(film(), explain=True), expected)
    assert_same(model.predict(film(), vote="patches"), plain.predict(film()), ARRAYS[:2])
    with pytest.raises(UsageError, match="votes densely, at once and on a grid of its own"):
        model.predict(film(), fast=True)
    signatures = tf.saved_model.load(str(folder)).signatures
    small = film(1, 400, "viral")
    batch = {"image_bytes": tf.constant([png(film()), b"", png(small)])}
    shown, served = signatures["explain"](**batch), signatures["serving_default"](**batch)
    used = expected.patches_used
    for name in ("probabilities", "saliency"):
        assert_alike(shown[name][0], expected, name)
    np.testing.assert_array_equal(shown["votes"][0], expected.votes)
    np.testing.assert_array_equal(served["votes"][0], expected.votes)
    assert served["status"].numpy().tolist() == [b"ok", b"unreadable", b"ok"]
    assert shown["centres"].shape == (3, MOST_WINDOWS, 2)
    np.testing.assert_array_equal(shown["centres"][0, :used], expected.centres)
    assert (shown["centres"][0, used:].numpy() == -1).all()
    assert (shown["patch_probabilities"][1].numpy() == 0).all()
    pixels = signatures["predict_pixels"](
        pixels=tf.constant(film()[None]), padding=tf.constant([-1]),
        seed=tf.constant([3], tf.int64), patches=tf.constant([9]),
    )  # fmt: skip
    np.testing.assert_array_equal(pixels["votes"][0], expected.votes)


def test_a_model_that_did_not_learn_it_refuses(from_python, fake_classification, tmp_path):
    reason = r"not trained for the dense vote \(its approach is local\).*--approach dense"
    with pytest.raises(UsageError, match=reason):
        from_python.predict(film(), vote="dense")
    with pytest.raises(UsageError, match=reason):
        from_python.explain(film(), VoteOptions(vote="dense"))
    asked = ExportOptions(classification=str(fake_classification), out=str(tmp_path / "a"))
    with pytest.raises(UsageError, match=reason):
        export(dataclasses.replace(asked, vote="dense", warmup=False))
    assert not list((tmp_path / "a").glob("[0-9]*"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"vote": "all"}, "vote all: choose one of patches, dense"),
        ({"vote": "dense", "stride": 64}, "on a grid of its own: leave out vote dense, or stride"),
        ({"vote": "dense", "decision_only": True}, "what ends a vote early"),
    ],
)
def test_what_cannot_be_asked_together(dense_model, options, reason):
    with pytest.raises(UsageError, match=reason):
        dense_model.predict(film(), **options)
