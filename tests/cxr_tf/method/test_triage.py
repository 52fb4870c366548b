"""The whole method: Python path, exported model and a plain implementation agree."""

import dataclasses
import json
import re
import struct
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from cxr_tf.export import ExportOptions, export
from cxr_tf.method.triage import entry_points
from cxr_tf.method.vote import EARLY_STEP, FAST_STEP
from cxr_tf.method.vote_options import FAST_LEAD
from cxr_tf.saved.build import make_module
from cxr_tf.saved.load import from_runs, load
from cxr_tf.saved.run_folder import trained_model
from pipelines.masks import lungs_at_full_size
from pipelines.normalise import normalise
from pipelines.patches import cut_patches, draw_centres, network_input
from tests import samples
from tests.cxr_tf import plain_method
from tests.cxr_tf.fake_runs import classification_run, film, jpeg, png, segmentation_run
from tests.cxr_tf.plain_method import patches_needed

CLASSES = ("normal", "bacterial", "tuberculosis", "viral")
ANSWER = {
    "label": (tf.string, [None]),
    "class_index": (tf.int32, [None]),
    "votes": (tf.int32, [None, 4]),
    "probabilities": (tf.float32, [None, 4]),
    "agreement": (tf.float32, [None]),
    "lung_fraction": (tf.float32, [None]),
    "patches_used": (tf.int32, [None]),
    "status": (tf.string, [None]),
    "model_version": (tf.string, [None]),
    "film_score": (tf.float32, [None]),
    "mask_quality": (tf.float32, [None]),
    "warning": (tf.string, [None]),
    "calibrated_probabilities": (tf.float32, [None, 4]),
    "conformal_set": (tf.int32, [None, 4]),
    "abstain": (tf.bool, [None]),
    "margin": (tf.float64, [None]),
    "agreement_low": (tf.float64, [None]),
    "agreement_high": (tf.float64, [None]),
    "decision": (tf.string, [None]),
}
REASONS = {
    "saliency": (tf.float32, [None, 4, 256, 256]),
    "mask": (tf.uint8, [None, 256, 256]),
    "centres": (tf.int32, [None, 100, 2]),
    "patch_probabilities": (tf.float32, [None, 100, 4]),
}
SEGMENTED = {
    "mask": (tf.uint8, [None, 256, 256]),
    "probabilities": (tf.float32, [None, 256, 256, 4]),
    "uncertainty": (tf.float32, [None, 256, 256]),
    "status": (tf.string, [None]),
    "film_score": (tf.float32, [None]),
    "mask_quality": (tf.float32, [None]),
}
IMAGES = {"image_bytes": (tf.string, [None])}
PIXELS = {
    "pixels": (tf.uint16, [None, None, None]),
    "padding": (tf.int32, [None]),
    "seed": (tf.int64, [None]),
    "patches": (tf.int32, [None]),
}
SIGNATURES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "serving_default": (IMAGES, ANSWER),
    "predict_pixels": (PIXELS, ANSWER),
    "segment": (IMAGES, SEGMENTED),
    "explain": (IMAGES, ANSWER | REASONS),
}


@cache
def bad_files():
    """Every kind of file without an answer, by its status and a name."""
    good = png(film())
    grey = samples.ramp(40, 40)
    whole = samples.chunk(b"IHDR", struct.pack(">IIBBBBB", 12000, 12000, 8, 0, 0, 0, 0))
    return {
        ("unreadable", "empty"): b"",
        ("unreadable", "junk"): b"no image at all" * 9,
        ("unreadable", "truncated png"): good[: len(good) // 2],
        ("unreadable", "truncated jpeg"): jpeg(film())[:-200],
        ("unreadable", "damaged png"): good[:2000] + b"damage" + good[2006:],
        ("unsupported", "gif"): samples.encode(grey, "GIF"),
        ("unsupported", "bmp"): samples.encode(grey, "BMP"),
        ("unsupported", "turned jpeg"): samples.with_exif(
            jpeg(film()), samples.tiff_orientation(6)
        ),
        ("unsupported", "16 x 16"): png(film()[:16, :16]),
        ("unsupported", "3 to 1"): png(np.repeat(film(), 3, 1)),
        ("unsupported", "black and white"): png((film() >> 15) * 65535),
        ("too_large", "12000 x 12000"): good[:8]
        + whole
        + samples.chunk(b"IDAT", b"")
        + samples.chunk(b"IEND"),
        ("constant", "grey"): png(np.full((40, 50), 999, np.uint16)),
        ("constant", "one pixel"): png(np.full((1, 1), 7, np.uint16)),
    }


def rows(outputs):
    """The outputs of a batch as one dictionary of arrays a film."""
    arrays = {name: value.numpy() for name, value in outputs.items()}
    count = len(arrays["status"])
    assert all(len(value) == count for value in arrays.values())
    return [{name: value[index] for name, value in arrays.items()} for index in range(count)]


def ask(served, name, *images):
    return rows(served[name](image_bytes=tf.constant(list(images), tf.string)))


def ask_pixels(served, films, padding=-1, seed=0, patches=100):
    count = len(films)
    return rows(
        served["predict_pixels"](
            pixels=tf.constant(np.stack(films), tf.uint16),
            padding=tf.constant(np.broadcast_to(padding, count), tf.int32),
            seed=tf.constant(np.broadcast_to(seed, count), tf.int64),
            patches=tf.constant(np.broadcast_to(patches, count), tf.int32),
        )
    )


def assert_equal(left, right):
    """Byte-equal rows."""
    assert left.keys() == right.keys()
    for name in left:
        assert np.asarray(left[name]).tobytes() == np.asarray(right[name]).tobytes(), name


def assert_no_answer(row, status):
    assert row["status"] == status.encode()
    assert row["label"] == row["decision"] == b"" and row["class_index"] == -1
    for name in ("margin", "agreement_low", "agreement_high"):
        assert row[name] == 0.0, name
    for name in ("votes", "probabilities", "agreement", "lung_fraction", "patches_used"):
        assert not row[name].any(), name
    for name in ("saliency", "mask", "patch_probabilities"):
        assert name not in row or not row[name].any(), name
    assert "centres" not in row or (row["centres"] == -1).all()


def assert_sound(row):
    """What holds for every answer."""
    used = row["patches_used"]
    assert row["votes"].sum() == used and row["votes"].min() >= 0
    np.testing.assert_allclose(row["probabilities"].sum(), 1.0, atol=1e-5)
    assert row["label"].decode() == CLASSES[row["class_index"]]
    assert row["class_index"] == plain_method.decide(row["votes"], row["probabilities"])
    np.testing.assert_allclose(row["agreement"], row["votes"].max() / used, rtol=1e-6)
    runner_up, most = np.sort(row["votes"])[-2:]
    if used > 1:
        assert row["margin"] == (most - runner_up) / used
    assert row["decision"] == row["label"]
    assert row["agreement_low"] <= row["agreement"] <= row["agreement_high"]
    assert 0.01 <= row["lung_fraction"] <= 1.0


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_have_the_names_types_and_shapes_of_the_contract(served, name):
    inputs, outputs = SIGNATURES[name]
    signature = served[name]
    _, taken = signature.structured_input_signature
    found = {key: (spec.dtype, spec.shape.as_list()) for key, spec in taken.items()}
    assert found == inputs
    given = signature.structured_outputs
    assert {k: (s.dtype, s.shape.as_list()) for k, s in given.items()} == outputs


def test_there_are_four_signatures_and_no_more(served):
    assert set(served["module"].signatures) == set(SIGNATURES)


def test_films_in_every_form_get_an_answer(served):
    pixels = film()
    colour = samples.encode(np.asarray(pixels // 257, np.uint8), "PNG", mode="RGB")
    eight = samples.encode(np.asarray(pixels // 257, np.uint8), "PNG")
    found = ask(served, "serving_default", png(pixels), jpeg(pixels), colour, eight)
    for row in found:
        assert row["status"] == b"ok"
        assert_sound(row)
        assert row["patches_used"] == 100
    assert_equal(found[2], found[3])


def test_votes_differ_between_patches(served):
    """The fake networks are of use: several classes get votes."""
    [row] = ask(served, "serving_default", png(film()))
    assert (row["votes"] > 0).sum() >= 2


@pytest.mark.parametrize("seed", [0, 3])
def test_python_path_against_the_saved_model(
    served, from_python, exported, fake_classification, seed
):
    pixels, network = film(seed), trained_model(fake_classification)
    [row] = ask(served, "explain", png(pixels))
    for model in (from_python, load(exported)):
        found = model.predict(pixels, explain=True, unweighted=True)
        assert (found.status, found.label) == ("ok", row["label"].decode())
        assert found.class_index == row["class_index"]
        assert found.patches_used == row["patches_used"] == 100
        for name in ("margin", "agreement_low", "agreement_high"):  # NumPy and the graph
            np.testing.assert_allclose(getattr(found, name), row[name], rtol=0, atol=1e-12)
        assert found.decision == row["decision"].decode() == found.label
        assert found.model_version == row["model_version"].decode() == model.model_version
        np.testing.assert_array_equal(found.votes, row["votes"])
        np.testing.assert_array_equal(found.mask, row["mask"])
        np.testing.assert_array_equal(found.centres, row["centres"])
        np.testing.assert_allclose(found.probabilities, row["probabilities"], rtol=0, atol=1e-4)
        np.testing.assert_allclose(
            found.patch_probabilities, row["patch_probabilities"], rtol=0, atol=1e-4
        )
        np.testing.assert_allclose(found.saliency, row["saliency"], rtol=0, atol=1e-3)
        plain = plain_method.answer(network, pixels, found.mask)
        np.testing.assert_allclose(
            found.saliency_unweighted, plain.saliency_unweighted, rtol=0, atol=1e-3
        )
        assert abs(found.agreement - row["agreement"]) < 1e-6
        assert abs(found.lung_fraction - row["lung_fraction"]) < 1e-6


def test_a_network_without_its_last_stage_against_the_plain_method(tmp_path, fake_segmentation):
    """Its maps of a patch are twice as fine."""
    run = classification_run(tmp_path / "run", fake_segmentation, network="resnet18_layer3")
    found = from_runs(fake_segmentation, run).predict(film(), explain=True)
    plain = plain_method.answer(trained_model(run), film(), found.mask)
    assert trained_model(run).output["features"].shape[1:3] == (14, 14)
    assert_like_plain(dataclasses.asdict(found), plain)


@pytest.mark.slow
def test_the_square_around_the_lungs_against_the_plain_method(tmp_path, fake_segmentation):
    """The network that averages over lungs looks at it as a whole."""
    run = classification_run(
        tmp_path / "run", fake_segmentation, approach="global", field_of_view="lungs",
        network="resnet18_layer3_lung_halves",
    )  # fmt: skip
    found = from_runs(fake_segmentation, run).predict(film(), explain=True)
    plain = plain_method.answer(
        trained_model(run), film(), found.mask, whole=True, around_lungs=True
    )
    # Where interpolation leaves a pixel of this ragged mask nearly black, rounding decides whether
    # it counts as lung, which changes a cell that has few of them.
    apart = np.abs(found.saliency - plain.saliency)
    assert (apart > 1e-3).mean() < 0.05 and apart.max() < 0.1 and found.saliency.max() > 0.9
    row = dataclasses.asdict(found)
    assert_like_plain(row | {"saliency": plain.saliency}, plain)
    whole = classification_run(tmp_path / "whole", fake_segmentation, approach="global")
    assert from_runs(fake_segmentation, whole).predict(film()).model_version != found.model_version


def assert_like_plain(row, plain):
    np.testing.assert_array_equal(row["votes"], plain.votes)
    np.testing.assert_allclose(row["probabilities"], plain.probabilities, rtol=0, atol=1e-4)
    assert row["class_index"] == plain.class_index
    assert abs(row["lung_fraction"] - plain.lung_fraction) < 1e-6
    if "saliency" in row:
        np.testing.assert_array_equal(row["centres"], plain.centres)
        np.testing.assert_allclose(
            row["patch_probabilities"], plain.patch_probabilities, rtol=0, atol=1e-4
        )
        np.testing.assert_allclose(row["saliency"], plain.saliency, rtol=0, atol=1e-3)


def test_saved_model_against_the_plain_method(served, fake_segmentation, fake_classification):
    """Unfrozen Keras networks, NumPy for everything between them."""
    pixels = film(1)
    [row] = ask(served, "explain", png(pixels))
    mask = plain_method.predicted_mask(trained_model(fake_segmentation), pixels)
    assert (mask != row["mask"]).sum() <= 3, "rounding may move single pixels between classes"
    network = trained_model(fake_classification)
    assert_like_plain(row, plain_method.answer(network, pixels, row["mask"]))
    assert row["saliency"].max() > 0.2 and row["saliency"].min() == 0.0


def test_pixels_with_padding_seed_and_patches_against_the_plain_method(
    served, from_python, fake_classification
):
    pixels = film(2).copy()
    pixels[100:200, 90:190] = 4321
    options = {"padding": 4321, "seed": 12, "patches": 37}
    [row] = ask_pixels(served, [pixels], **options)
    network = trained_model(fake_classification)
    mask = from_python.predict(pixels, 4321, seed=12, explain=True).mask
    assert_like_plain(row, plain_method.answer(network, pixels, mask, **options))
    [unpadded] = ask_pixels(served, [pixels], **(options | {"padding": -1}))
    assert np.abs(unpadded["probabilities"] - row["probabilities"]).max() > 1e-4


@pytest.mark.parametrize("signature", ["serving_default", "explain"])
def test_bad_files_fail_alone(served, signature):
    """One row each, whatever the neighbours are, and byte-equal to the film asked for alone."""
    good = [png(film()), jpeg(film(4, label="viral")), png(film(5, 200, "normal"))]
    bad = bad_files()
    files = list(bad.values())
    batch = [good[0], *files[:5], good[1], *files[5:], good[2]]
    found = ask(served, signature, *batch)
    statuses = [row["status"].decode() for row in found]
    names = [status for status, _ in bad]
    assert statuses == ["ok", *names[:5], "ok", *names[5:], "ok"]
    for row, status in zip(found, statuses, strict=True):
        for name, value in row.items():
            assert np.asarray(value).dtype.kind != "f" or np.isfinite(value).all(), name
        if status == "ok":
            assert_sound(row)
        else:
            assert_no_answer(row, status)
    for index in (0, 6, len(batch) - 1):
        [alone] = ask(served, signature, batch[index])
        assert_equal(alone, found[index])


def test_segment_answers_for_good_and_bad_files(served):
    found = ask(served, "segment", png(film()), *bad_files().values())
    assert found[0]["status"] == b"ok"
    np.testing.assert_allclose(found[0]["probabilities"].sum(-1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(found[0]["probabilities"].argmax(-1), found[0]["mask"])
    surprise = scipy.special.entr(found[0]["probabilities"].astype(np.float64)).sum(-1)
    np.testing.assert_allclose(found[0]["uncertainty"], surprise / np.log(4), atol=1e-4)
    assert found[0]["uncertainty"].max() > 0.1
    [explained] = ask(served, "explain", png(film()))
    np.testing.assert_array_equal(found[0]["mask"], explained["mask"])
    for row, (status, name) in zip(found[1:], bad_files(), strict=True):
        assert row["status"] == status.encode(), name
        for output in ("mask", "probabilities", "uncertainty"):
            assert not row[output].any(), (name, output)


def test_levels_0_to_255_in_16_bits_are_a_film(served):
    """Every signature answers as for the full range, and says in numbers what is no film."""
    eight = film() >> 8
    eight[0, :256] = np.arange(256)
    files = [png(eight * 257), png(eight)]
    for signature in ("serving_default", "segment", "explain"):
        full, little = ask(served, signature, *files)
        assert full["status"] == b"ok"
        assert_equal(full, little)
    full, little = ask_pixels(served, [eight * 257, eight])
    assert_equal(full, little)
    [tiny] = ask_pixels(served, [film()[:16, :16]])
    assert_no_answer(tiny, "unsupported")
    assert b"16 x 16 pixels" in tiny["warning"]


@pytest.mark.parametrize("signature", ["serving_default", "segment", "explain"])
def test_batch_without_films(served, signature):
    outputs = served[signature](image_bytes=tf.constant([], tf.string))
    for name, (dtype, shape) in SIGNATURES[signature][1].items():
        assert outputs[name].dtype == dtype
        assert outputs[name].shape.as_list() == [0, *shape[1:]], name


def test_number_of_patches(served, from_python):
    """What lies outside 1 to 400 is moved there; fewer patches are the first of more."""
    asked = [1, 37, 100, 400, 0, 999]
    pixels = film()
    found = ask_pixels(served, [pixels] * len(asked), patches=asked)
    assert [row["patches_used"] for row in found] == [1, 37, 100, 400, 1, 400]
    for row in found:
        assert row["status"] == b"ok"
        assert_sound(row)
    assert_equal(found[0], found[4])
    assert_equal(found[3], found[5])
    winners = from_python.predict(pixels, patches=400, explain=True).patch_probabilities.argmax(-1)
    for row in found:
        expected = np.bincount(winners[: row["patches_used"]], minlength=4)
        np.testing.assert_array_equal(row["votes"], expected)


@pytest.fixture(scope="module")
def loaded(exported):
    return load(exported)


@pytest.mark.parametrize("patches", [1, 2, 37, 100, 400])
def test_a_vote_that_ends_early_decides_the_same(loaded, from_python, patches):
    whole = loaded.predict(film(), patches=patches)
    by_patch = from_python.predict(film(), patches=patches, explain=True).patch_probabilities
    winners = by_patch.argmax(-1)
    for model in (from_python, loaded):
        found = model.predict(film(), patches=patches, decision_only=True)
        used = found.patches_used
        assert (found.status, found.label) == ("ok", whole.label)
        assert 0 <= used - patches_needed(winners, 4) < EARLY_STEP
        np.testing.assert_array_equal(found.votes, np.bincount(winners[:used], minlength=4))
        np.testing.assert_allclose(found.probabilities, by_patch[:used].mean(0), atol=1e-5)
        np.testing.assert_allclose(found.agreement, found.votes.max() / used, rtol=1e-6)
    if patches == 100:
        assert 51 <= used < 100


def test_a_fast_vote_ends_where_the_lead_is_enough(from_python):
    winners = from_python.predict(film(), explain=True).patch_probabilities.argmax(-1)
    found = from_python.predict(film(), fast=True)
    for seen in range(0, 101, FAST_STEP):
        votes = np.bincount(winners[:seen], minlength=4)
        second, first = np.sort(votes)[-2:]
        if first - second > min(FAST_LEAD * np.sqrt(first + second), 100 - seen):
            break
    assert found.patches_used == seen < 50
    np.testing.assert_array_equal(found.votes, votes)
    assert found.class_index == votes.argmax()


def test_a_vote_that_ends_early_on_a_grid_and_without_lungs(from_python):
    whole = from_python.predict(film(), stride=64)
    found = from_python.predict(film(), stride=64, decision_only=True)
    assert found.label == whole.label and found.patches_used < whole.patches_used
    dark = from_python.predict(np.zeros((40, 50), np.uint16), decision_only=True)
    assert (dark.status, dark.label, dark.patches_used) == ("constant", "", 0)
    with pytest.raises(ValueError, match="ends early has no map"):
        from_python.predict(film(), decision_only=True, explain=True)


def test_pixels_alone_or_in_a_batch(served):
    films = [film(0), film(1), film(0)]
    options = {"padding": [-1, 0, -1], "seed": [0, 7, 2**40], "patches": [100, 33, 100]}
    found = ask_pixels(served, films, **options)
    for index, pixels in enumerate(films):
        own = {name: values[index] for name, values in options.items()}
        assert_equal(ask_pixels(served, [pixels], **own)[0], found[index])
    assert np.abs(found[0]["probabilities"] - found[2]["probabilities"]).max() > 1e-4
    [default] = ask(served, "serving_default", png(films[0]))
    assert_equal(default, found[0])


def test_pixels_without_an_answer(served):
    for shape in ((0, 5), (5, 0)):
        [row] = ask_pixels(served, [np.zeros(shape, np.uint16)])
        assert_no_answer(row, "unreadable")
    half = np.full((30, 30), 500, np.uint16)
    half[:, 15:] = 60000
    [row] = ask_pixels(served, [half], padding=500)
    assert_no_answer(row, "constant")
    [row] = ask_pixels(served, [np.zeros((30, 30), np.uint16)])
    assert_no_answer(row, "constant")


@pytest.mark.slow
def test_pixels_beyond_the_limit_are_too_large(served):
    [row] = ask_pixels(served, [np.zeros((8001, 8000), np.uint16)])
    assert_no_answer(row, "too_large")


@pytest.mark.slow
def test_film_without_lungs(tmp_path, fake_classification):
    nowhere = segmentation_run(tmp_path / "nowhere", finds_lungs=False)
    module, *_ = make_module(nowhere, fake_classification)
    functions = entry_points(module)
    for name in ("serving_default", "explain"):
        [row] = rows(functions[name](tf.constant([png(film())])))
        assert_no_answer(row, "no_lung")
    [row] = rows(functions["segment"](tf.constant([png(film())])))
    assert row["status"] == b"ok" and not row["mask"].any()


@pytest.mark.slow
def test_global_approach(tmp_path, fake_segmentation):
    run = classification_run(tmp_path / "global", fake_segmentation, approach="global")
    module, card, _ = make_module(None, run)
    assert card.options.approach == "global"
    functions = entry_points(module)
    [row] = rows(functions["explain"](tf.constant([png(film())])))
    assert_sound(row)
    assert row["patches_used"] == 1 and row["votes"].sum() == 1
    assert row["centres"].tolist() == [[512, 512]]
    assert row["patch_probabilities"].shape == (1, 4)
    best, second = np.sort(row["probabilities"].astype(np.float64))[::-1][:2]
    assert row["margin"] == pytest.approx(best - second) and 0 < row["margin"] < 1
    plain = plain_method.answer(trained_model(run), film(), row["mask"], whole=True)
    assert_like_plain(row, plain)
    [asked] = rows(
        functions["predict_pixels"](
            tf.constant(film()[None]),
            tf.constant([-1]),
            tf.constant([5], tf.int64),
            tf.constant([50]),
        )  # fmt: skip
    )
    assert asked["patches_used"] == 1
    np.testing.assert_array_equal(asked["votes"], row["votes"])


def test_three_classes_and_other_options(tmp_path, fake_segmentation):
    """Nothing but the default knows the number four."""
    run = classification_run(
        tmp_path / "three", fake_segmentation,
        classes="normal,pneumonia,covid19", patch_size=112, scaling="raw255", content="whole",
        resolution_limit=200,
    )  # fmt: skip
    model = from_runs(None, run)
    assert model.classes == ("normal", "pneumonia", "covid19")
    found = model.predict(film(), explain=True, patches=25)
    assert found.status == "ok" and found.label in model.classes
    assert found.votes.shape == found.probabilities.shape == (3,)
    assert found.saliency.shape == (3, 256, 256) and found.patch_probabilities.shape == (25, 3)
    (limited,), _ = normalise(tf.constant(film()), sizes=(256,), resolution_limit=200)
    logits = trained_model(fake_segmentation)(limited[None, :, :, None] / 255.0, training=False)
    assert (np.argmax(logits[0], -1) != found.mask).sum() <= 3


@pytest.mark.slow
def test_patches_of_a_film_of_another_size(tmp_path, fake_segmentation):
    """The card of an exported model carries the size; centres are those of 1024 x 1024."""
    size = 768
    run = classification_run(
        tmp_path / "small", fake_segmentation, patch_size=64, film_size=size, scaling="raw255"
    )
    model = from_runs(None, run)
    found = model.predict(film(), explain=True, patches=20, seed=3)
    assert model.card.options.film_size == size and found.saliency.shape == (4, 256, 256)
    lungs = lungs_at_full_size(found.mask, size)
    centres = draw_centres(lungs, 3, 20).numpy()
    np.testing.assert_array_equal(found.centres, centres * 1024 // size)
    (large,), _ = normalise(tf.constant(film()), sizes=(size,))
    cut = cut_patches(tf.where(lungs, large, 0.0), centres, 64)
    logits = trained_model(run)(network_input(cut, "raw255"), training=False)["logits"].numpy()
    by_patch = plain_method.softmax(logits)
    np.testing.assert_allclose(found.patch_probabilities, by_patch, rtol=0, atol=1e-3)
    on_grid = model.predict(film(), stride=50, explain=True)
    assert np.isin(on_grid.mask[tuple(on_grid.centres.T // 4)], (2, 3)).all()
    assert 100 < len(on_grid.centres) <= 400
    folder = export(ExportOptions(classification=str(run), out=str(tmp_path / "m"), warmup=False))
    again = load(folder).predict(film(), explain=True, patches=20, seed=3)
    np.testing.assert_array_equal(again.centres, found.centres)
    np.testing.assert_array_equal(again.votes, found.votes)
    assert load(folder).card.options.patch_side == 64 * 1024 // size


@pytest.mark.parametrize("stride", [64, 300])
def test_patches_on_a_grid(from_python, fake_classification, exported, stride):
    found = from_python.predict(film(), stride=stride, seed=3, patches=7, explain=True)
    lungs = np.isin(found.mask, (2, 3)).repeat(4, 0).repeat(4, 1)
    places = np.arange(stride // 2, 1024, stride)
    expected = [(y, x) for y in places for x in places if lungs[y, x]]
    np.testing.assert_array_equal(found.centres, expected)
    assert found.patches_used == found.votes.sum() == len(expected) > 1
    # The same patches through the plain method: random centres replaced by the grid's.
    network = trained_model(fake_classification)
    (large,), _ = normalise(tf.constant(film()), sizes=(1024,))
    seen = np.pad(np.where(lungs, large, 0).astype(np.float32), 32)
    cut = np.stack([seen[y : y + 64, x : x + 64] for y, x in expected])
    inputs = (cut[..., None].repeat(3, -1) / 255.0 - plain_method.MEAN) / plain_method.SD
    by_patch = plain_method.softmax(network(inputs, training=False)["logits"].numpy())
    np.testing.assert_allclose(found.patch_probabilities, by_patch, rtol=0, atol=1e-3)
    same = load(exported).predict(film(), stride=stride)
    np.testing.assert_array_equal(same.votes, found.votes)
    for wrong in (-1, 49, 1025):
        with pytest.raises(ValueError, match="stride"):
            from_python.predict(film(), stride=wrong)


def test_the_segmentation_sees_films_of_the_size_it_was_trained_at(tmp_path):
    run = segmentation_run(tmp_path / "small", size=128)
    network = trained_model(run)
    assert network.input_shape == (None, 128, 128, 1)
    module, *_ = make_module(run, None)
    found = module.segment_film(tf.constant(film()), tf.constant(-1))
    (small,), _ = normalise(tf.constant(film()), sizes=(128,))
    logits = network(small[None, :, :, None] / 255.0, training=False)[0].numpy()
    expected = cv2.resize(plain_method.softmax(logits), (256, 256), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=0, atol=1e-4)
    assert (found["mask"].numpy() != expected.argmax(-1)).sum() <= 3
    assert len(np.unique(found["mask"])) > 1
    answer = module.segment(tf.constant([png(film()), b"junk"]))
    np.testing.assert_array_equal(answer["mask"][0], found["mask"])
    assert answer["status"].numpy().tolist() == [b"ok", b"unreadable"]
    assert not np.any(answer["probabilities"][1])


CONVOLUTIONS = {"Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative"}
#: Operations that hand a value on unchanged and vanish when a graph is optimised.
PASSING = {"Identity"}


def is_convolution(operation):
    """Whether an operation is a convolution, in oneDNN's forms too: `_MklNativeFusedConv2D`."""
    return re.sub("^_?(Mkl)?(Native)?(Fused|PadWith)*", "", operation) in CONVOLUTIONS


def filters(nodes):
    """Operation that each convolution of a graph takes its filter from."""
    by_name = {node.name: node for node in nodes}
    for node in nodes:
        if not is_convolution(node.op):
            continue
        source = node
        name = node.input[1]
        while source is node or source.op in PASSING:
            source = by_name.get(name.lstrip("^").split(":")[0])
            if source is None:
                break
            name = source.input[0] if source.input else ""
        yield node.name, source.op if source is not None else "argument"


@pytest.mark.parametrize("signature", ["serving_default", "predict_pixels", "segment", "explain"])
def test_every_convolution_of_the_optimised_graph_has_a_constant_filter(exported, signature):
    """oneDNN packs constant filters once, and others at every call."""
    pixels = film()
    inputs: dict[str, Any] = {"image_bytes": [png(pixels)]}
    if signature == "predict_pixels":
        inputs = {"pixels": pixels[None], "padding": [-1], "seed": [0], "patches": [100]}
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(exported / "1"))
        definition = meta.signature_def[signature]
        feed = {definition.inputs[name].name: value for name, value in inputs.items()}
        record = tf.compat.v1.RunMetadata()
        wanted = {name: output.name for name, output in definition.outputs.items()}
        found = session.run(
            wanted,
            feed,
            options=tf.compat.v1.RunOptions(output_partition_graphs=True),
            run_metadata=record,
        )
    assert found["status"].tolist() == [b"ok"]
    seen = {}
    for partition in record.partition_graphs:
        seen |= dict(filters(partition.node))
        for function in partition.library.function:
            seen |= dict(filters(function.node_def))
    u_net, resnet = 18 + 4 + 1, 20
    assert len(seen) >= (u_net if signature == "segment" else u_net + resnet), len(seen)
    assert set(seen.values()) == {"Const"}, {k: v for k, v in seen.items() if v != "Const"}


def test_answers_are_json(served):
    """REST has no NaN: every number can be written."""
    rows = ask(served, "serving_default", png(film()), b"junk")
    assert len(rows) == 2
    for row in rows:
        values = {
            name: value.decode() if isinstance(value, bytes) else value.tolist()
            for name, value in row.items()
        }
        assert json.loads(json.dumps(values, allow_nan=False)) == values
