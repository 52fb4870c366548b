"""Choices that differ from the authors' code and have no test elsewhere; docs/deviations.md."""

import ast
import dataclasses
import importlib.util
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import sklearn.metrics
import tensorflow as tf

from cxr_tf.method import preparation as preparing
from cxr_tf.method import vote as voting
from cxr_tf.method.triage import Triage
from cxr_tf.method.triage_options import TriageOptions
from cxr_tf.method.vote import SUB_BATCH
from cxr_tf.models.resnet import LOGITS
from cxr_tf.saved.run_options import (
    PRESETS,
    ClassificationTrainingOptions,
    SegmentationTrainingOptions,
)
from cxr_tf.train import parse_arguments
from cxr_tf.training.classification import ClassificationTask
from pipelines.classification_examples import ClassificationExamples
from pipelines.film_files import HeldFilms
from pipelines.labels import HEART, LEFT_LUNG
from pipelines.manifest.checks import crossing_patients
from pipelines.manifest.rows import Manifest, ManifestRow
from pipelines.manifest.splits import split_again
from pipelines.normalise import normalise, resize
from pipelines.patches import cut_patches, network_input
from tests.equalisation import equalisation_table, equalised
from tests.samples import encode

REPOSITORY = Path(__file__).parents[1]
DOCUMENT = REPOSITORY / "docs" / "deviations.md"
CLASSES = ("a", "b", "c")
PATCH = 32


def noise(side=160, seed=0):
    return np.random.default_rng(seed).integers(0, 65536, (side, side)).astype(np.uint16)


# One film through the whole method, with the smallest networks there can be.


def bright_is_lung():
    """Heart where a film is black, left lung where it is bright, pixel by pixel."""
    inputs = keras.Input((256, 256, 1))
    layer = keras.layers.Conv2D(4, 1)
    model = keras.Model(inputs, layer(inputs))
    kernel = np.zeros((1, 1, 1, 4), np.float32)
    kernel[..., HEART], kernel[..., LEFT_LUNG] = -50, 50
    layer.set_weights([kernel, np.array([0, 15, -25, -100], np.float32)])
    return model


def tiny_classifier():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((PATCH, PATCH, 3))
    features = keras.layers.Conv2D(5, 32, strides=32, activation="relu")(inputs)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    head = keras.layers.Dense(len(CLASSES), name=LOGITS)
    return keras.Model(inputs, {"logits": head(pooled), "features": features})


@pytest.fixture(scope="module")
def classifier():
    return tiny_classifier()


@pytest.fixture
def triage(classifier):
    options = TriageOptions(classes=CLASSES, patch_size=PATCH)
    return Triage(bright_is_lung(), classifier, options)


@pytest.fixture
def work(triage, monkeypatch):
    """How often each step is done, and on what shape."""
    done = {}
    tf.config.run_functions_eagerly(True)  # what is traced once would be counted once

    def watch(owner, name, shape_of, noted=None):
        step = getattr(owner, name)

        def watched(*arguments, **options):
            done.setdefault(noted or name, []).append(tuple(shape_of(*arguments)))
            return step(*arguments, **options)

        monkeypatch.setattr(owner, name, watched)

    watch(preparing, "normalise_full_range", lambda film, *_: film.pixels.shape)
    watch(voting, "draw_centres", lambda mask, *_: mask.shape)
    watch(triage._segmenter, "_network", lambda film: film.shape, "_segmentation")
    watch(triage._vote._network, "of_patches", lambda patches: patches.shape, "_classification")
    yield done
    tf.config.run_functions_eagerly(False)


def ask(function, pixels, seed, patches, *more):
    arguments = (pixels, np.int32(-1), np.int64(seed), np.int32(patches), np.int32(0), np.True_)
    return function(*map(tf.constant, arguments + more))


def test_a_film_is_prepared_once_and_its_patches_go_in_sub_batches(triage, work):
    answer = ask(triage.predict_film, noise(), 0, 2 * SUB_BATCH + 3)
    assert work == {
        "normalise_full_range": [(160, 160)],
        "_segmentation": [(1, 256, 256, 1)],
        "draw_centres": [(1024, 1024)],
        "_classification": [(SUB_BATCH, PATCH, PATCH)] * 3,
    }
    assert answer["patches_used"] == answer["votes"].numpy().sum() == 2 * SUB_BATCH + 3


def test_the_map_is_of_the_patches_that_voted(triage, work):
    decided = ask(triage.predict_film, noise(), 5, SUB_BATCH + 1)
    for calls in work.values():
        calls.clear()
    explained = ask(triage.explain_film, noise(), 5, SUB_BATCH + 1, True)
    assert {name: len(calls) for name, calls in work.items()} == {
        "normalise_full_range": 1, "_segmentation": 1, "draw_centres": 1, "_classification": 2,
    }  # fmt: skip
    for name in decided:
        np.testing.assert_array_equal(decided[name], explained[name], err_msg=name)
    winners = explained["patch_probabilities"].numpy().argmax(-1)
    np.testing.assert_array_equal(np.bincount(winners, minlength=3), decided["votes"])
    covered = np.zeros((1024, 1024), bool)
    for y, x in explained["centres"].numpy():
        covered[max(0, y - 16) : y + 16, max(0, x - 16) : x + 16] = True
    blocks = covered.reshape(256, 4, 256, 4).any((1, 3))
    assert explained["saliency"].numpy().max(0)[blocks].any()
    assert not explained["saliency"].numpy().max(0)[~blocks].any()


def test_patch_probabilities_are_a_softmax(triage, classifier):
    found = ask(triage.explain_film, noise(), 1, 7, True)
    (large,), _ = normalise(noise(), sizes=(1024,))
    lungs = found["mask"].numpy().repeat(4, 0).repeat(4, 1) == LEFT_LUNG
    patches = cut_patches(tf.where(lungs, large, 0.0), found["centres"], PATCH)
    logits = classifier(network_input(patches, "imagenet"))["logits"].numpy().astype(np.float64)
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    softmax = raised / raised.sum(-1, keepdims=True)
    np.testing.assert_allclose(found["patch_probabilities"], softmax, rtol=0, atol=1e-4)
    np.testing.assert_allclose(found["probabilities"], softmax.mean(0), rtol=0, atol=1e-4)
    # What the authors' sigmoid would give is no distribution.
    assert np.abs((1 / (1 + np.exp(-logits))).sum(-1) - 1).max() > 0.1


def test_masks_are_the_raw_arg_max_with_all_classes(triage):
    pixels = noise(256)
    pixels[100:110, 100:110] = 0
    pixels[105, 105] = 65535
    found = triage.segment_film(tf.constant(pixels), tf.constant(-1))
    labels = found["mask"].numpy()
    np.testing.assert_array_equal(labels, found["probabilities"].numpy().argmax(-1))
    # One pixel of lung amid the heart stays, and so does the heart.
    assert labels[105, 105] == LEFT_LUNG
    assert np.count_nonzero(labels[100:110, 100:110] == HEART) == 99


# Validation.


def test_validation_votes_over_the_same_patches_of_every_film():
    levels = np.array([20, 120, 220])
    labels = np.array([0, 1, 2, 0])
    films = np.empty((len(labels), 1024, 1024), np.uint16)
    # Most of each film looks like its class, or, of the last one, like the next class.
    looks = labels + np.array([0, 0, 0, 1])
    for film, look in zip(films, looks, strict=True):
        film[:] = levels[look] * 257
        film[:, 650:] = levels[(look + 1) % 3] * 257
    lungs = np.full((len(labels), 256, 256), LEFT_LUNG, np.uint8)
    validation = ClassificationExamples(
        HeldFilms(films), tf.constant(lungs), tf.constant(labels, tf.int32), 2
    )
    given = [x.numpy() for x in validation.fixed_patches(16, 0)]
    assert [x.shape for x in given] == [(16, 2, 2)] * len(labels)
    by_patch = np.abs(np.stack(given)[:, :, 1, 1, None] - levels).argmin(-1)
    decided = [np.bincount(patches, minlength=3).argmax() for patches in by_patch]
    assert decided == looks.tolist() and (by_patch != looks[:, None]).any()

    def model(inputs, training):
        assert not training
        return {"logits": -tf.abs(inputs[:, 1, 1, :1] - tf.constant(levels, tf.float32))}

    config = ClassificationTrainingOptions(scaling="raw255", patch_size=2)
    task = ClassificationTask(config, CLASSES, validation, validation)
    first, second = task.evaluate(model), task.evaluate(model)
    assert first == second
    assert (task.score, config.validation_patches) == ("f1", 16)
    expected = sklearn.metrics.f1_score(labels, decided, average="macro")
    assert first["f1"] == pytest.approx(expected)
    alone = sklearn.metrics.f1_score(labels.repeat(16), by_patch.ravel(), average="macro")
    assert abs(first["f1"] - alone) > 0.02


def test_segmentation_follows_the_paper_s_schedule_and_stops_early():
    paper = PRESETS["segmentation"]["paper"]
    assert (paper.schedule, paper.learning_rate) == ("plateau", 1e-4)
    assert 0 < paper.patience < paper.epochs
    words = ["segmentation", "--data", "x", "--out", "y", "--schedule"]
    assert parse_arguments([*words, "plateau"]).schedule == "plateau"
    with pytest.raises(SystemExit):  # there are no steps at given epochs
        parse_arguments([*words, "steps"])


# Films.


def test_nothing_is_cut_below_a_zero_pixel_of_the_centre_column():
    pixels = np.maximum(noise(96), 1)
    pixels[30, 48] = 0
    film, _ = equalised(pixels)
    table = 255 * np.sqrt(equalisation_table(pixels).numpy() / 255)
    np.testing.assert_allclose(film, table[pixels], rtol=0, atol=1e-4)
    (same_size,), _ = normalise(pixels, sizes=(96,))
    np.testing.assert_allclose(same_size, film, rtol=0, atol=1e-3)


def test_films_are_equalised_corrected_and_then_resized():
    pixels = (noise(80, 3).astype(np.int64) ** 3 // 65535**2).astype(np.uint16)
    (found,), _ = normalise(pixels, sizes=(32,))
    table = equalisation_table(pixels).numpy()[pixels]
    corrected = 255 * np.sqrt(table / 255)
    right = resize(tf.constant(corrected, tf.float32), 32)
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-3)
    gamma_last = 255 * np.sqrt(resize(tf.constant(table, tf.float32), 32) / 255)
    resized = resize(tf.constant(pixels, tf.float32), 32).numpy().astype(np.uint16)
    for wrong in (gamma_last, equalised(resized)[0]):
        assert np.abs(found - wrong).max() > 5


def test_no_pixel_value_turns_the_grey_scale(tmp_path):
    from pipelines.films import read_film

    dark = np.full((40, 50), 10, np.uint8)
    dark[10:20, 10:20] = 200
    for name, stored in {"dark": dark, "bright": 255 - dark}.items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(encode(stored, "PNG"))
        np.testing.assert_array_equal(read_film(path).pixels, stored.astype(np.uint16) * 257)


def test_a_split_by_image_is_refused_where_it_tears_patients_apart():
    rows = tuple(
        ManifestRow(path=Path(f"/films/{n}.png"), label="covid19", patient_id=f"p{n % 118}",
                    split_classification="train")
        for n in range(180)
    )  # fmt: skip
    manifest = Manifest(Path("/films"), rows)
    by_image = split_again(manifest, by="image").rows
    assert len(list(crossing_patients(by_image, "classification"))) > 10
    assert not list(crossing_patients(split_again(manifest).rows, "classification"))
    nameless = [dataclasses.replace(row, patient_id="") for row in by_image]
    assert not list(crossing_patients(nameless, "classification"))


# What the ablation tables are trained with.


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("segmentation --no-normalise", {"normalise": False}),
        ("segmentation --network fc_densenet67", {"network": "fc_densenet67"}),
        ("segmentation --network u_net", {"network": "u_net"}),
        ("classification --segmentation r", {"segmentation": "r"}),
        ("segmentation --films 50", {"films": 50}),
        ("classification --content whole", {"content": "whole"}),
        ("classification --patch-size 112", {"patch_size": 112}),
        ("classification --patch-size 448", {"patch_size": 448}),
        ("classification --approach global", {"approach": "global"}),
    ],
)
def test_options_behind_the_ablation_tables(words, expected):
    found = parse_arguments([*words.split(), "--preset", "paper", "--data", "x", "--out", "y"])
    paper = PRESETS[words.split()[0]]["paper"]
    assert found == dataclasses.replace(paper, data="x", out="y", **expected)


# The document.


def rows_of_the_document():
    rows = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0].isdecimal():
            rows.append(cells)
    return rows


def names_of_tests(path):
    """Names of the tests at the top level of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_the_document_has_every_row_and_every_test_it_names_exists():
    rows = rows_of_the_document()
    assert [int(cells[0]) for cells in rows] == list(range(1, 23))
    for number, *cells in rows:
        assert len(cells) == 5 and all(cells), number
        names = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cells[-1])
        assert names and len(names) == cells[-1].count("`") // 2, number
        for file, name in names:
            path = REPOSITORY / file
            assert path.is_file(), f"row {number}: {file} is missing"
            assert name in names_of_tests(path), f"row {number}: {file} has no {name}"


def test_options_and_modules_that_the_document_names_exist():
    text = DOCUMENT.read_text(encoding="utf-8")
    known = {"split"}  # of pipelines.adapters
    for kind in (SegmentationTrainingOptions, ClassificationTrainingOptions):
        for field in dataclasses.fields(kind):
            name = field.name.replace("_", "-")
            known |= {name, f"no-{name}"} if field.type is bool else {name}
    named = set(re.findall(r"--([a-z][a-z0-9-]+)", text))
    assert named and named <= known, named - known
    modules = set(re.findall(r"python -m ([\w.]+)", text))
    assert modules
    for module in modules:
        assert importlib.util.find_spec(module), f"{module} is named in {DOCUMENT.name}"
