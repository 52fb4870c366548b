"""Both votes learn in one step, with one set of weights."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.method.triage_options import TriageOptions
from cxr_tf.method.vote_options import DENSE
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.run_options import PRESETS, ClassificationTrainingOptions
from cxr_tf.training import fitted_head
from cxr_tf.training.classification import ClassificationTask
from cxr_tf.training.first_weights import first_weights
from cxr_tf.training.fitted_head import logistic_regression
from cxr_tf.training.objectives import classification_loss, windows_loss
from cxr_tf.training.trainer import Trainer
from pipelines.classification_examples import ClassificationExamples
from pipelines.film_files import HeldFilms

CLASSES = ("normal", "viral")


@pytest.fixture(scope="module")
def config():
    demo = PRESETS["classification"]["demo"]
    assert isinstance(demo, ClassificationTrainingOptions)
    return dataclasses.replace(
        demo,
        approach="dense",
        patch_size=64,
        batch_size=4,
        crops=2,
        validation_patches=4,
        estimate_batch_norm=2,
        classes=",".join(CLASSES),
    )


@pytest.fixture(scope="module")
def examples():
    """Films of two classes, of which the second one has stripes in its lungs."""
    generator = np.random.default_rng(0)
    films = generator.uniform(0, 120, (4, 1024, 1024))
    films[2:] += 130 * (np.arange(1024) // 8 % 2)
    lungs = np.zeros((4, 256, 256), np.uint8)
    lungs[:, 60:200, 40:110], lungs[:, 60:200, 140:215] = 3, 2
    labels = tf.constant([0, 0, 1, 1])
    kept = HeldFilms(np.rint(films * 257).astype(np.uint16))
    return ClassificationExamples(kept, tf.constant(lungs), labels, 64)


@pytest.fixture(scope="module")
def task(config, examples):
    return ClassificationTask(config, CLASSES, examples, examples)


def test_a_batch_has_patches_and_fewer_crops(task):
    ((patches, labels, crops, windows),) = task.batches(0, np.arange(4), 4)
    assert patches.shape == (4, 64, 64) and crops.shape == (2, 128, 128)
    assert windows.shape == (2, 3, 3) and labels.shape == (4,)
    assert [each.shape[1] for each in task.statistics((patches, labels, crops, windows))] == [
        64,
        128,
    ]


def test_the_loss_is_half_of_patches_and_half_of_windows(task):
    (batch,) = task.batches(0, np.arange(4), 4)
    model = task.build()
    total = task.losses(model, batch).numpy().mean()
    patches, labels, crops, windows = batch
    of_patches = (
        classification_loss(model(task.inputs(batch), training=True)["logits"], labels)
        .numpy()
        .mean()
    )
    features = model(task.statistics(batch)[1], training=True)["features"].numpy()
    head = model.get_layer("fc")
    losses = []
    for crop, label, counted in zip(features, labels.numpy(), windows.numpy(), strict=False):
        found = [
            float(classification_loss(
                head(crop[y : y + 2, x : x + 2].mean((0, 1))[None]), tf.constant([label])
            )[0])
            for y in range(3) for x in range(3) if counted[y, x]
        ]  # fmt: skip
        losses.append(np.mean(found))
    assert len(losses) == 2
    assert total == pytest.approx((of_patches + np.mean(losses)) / 2, rel=1e-4)


def test_a_discounted_source_teaches_what_its_shares_leave_open(task, config, examples):
    """Both losses are those of logits to which the share of the class was added."""
    shares = np.array([[0.5, 0.5], [0.5, 0.5], [0.02, 0.98], [0.02, 0.98]], np.float32)
    discounting = dataclasses.replace(config, discount_sources=0.5)
    plain = task
    task = ClassificationTask(discounting, CLASSES, examples, examples, shares=shares)
    ((patches, labels, expert, crops, windows),) = task.batches(0, np.arange(4), 4)
    np.testing.assert_allclose(expert, 0.5 * np.log(shares[task.order(0)[:4]]), rtol=1e-6)
    model = task.build()
    head = model.get_layer("fc")
    head.kernel.assign(tf.zeros_like(head.kernel))  # logits are 0: the shares alone decide
    entropy = -np.log(np.array([shares[0] ** 0.5, shares[2] ** 0.5]) / [
        [(shares[0] ** 0.5).sum()], [(shares[2] ** 0.5).sum()]
    ])  # fmt: skip
    wanted = entropy[labels.numpy(), labels.numpy()]  # shares follow the class here
    counted = windows.numpy().any((1, 2))
    of_crops = np.where(counted, wanted[:2], 0.0).mean()
    found = task.losses(model, (patches, labels, expert, crops, windows)).numpy()
    np.testing.assert_allclose(found, (wanted + of_crops) / 2, rtol=1e-5)
    without = plain.losses(model, (patches, labels, crops, windows)).numpy()
    assert (without[labels.numpy() == 1] > found[labels.numpy() == 1]).all()
    sides = [seen.shape[1] for seen in task.statistics((patches, labels, expert, crops, windows))]
    assert sides == [64, 128]


def test_a_crop_without_windows_costs_nothing():
    logits = tf.random.stateless_normal([2, 3, 3, 4], [0, 0])
    counted = np.zeros((2, 3, 3), bool)
    counted[1, 0, 2] = True
    found = windows_loss(logits, tf.constant([1, 3]), tf.constant(counted)).numpy()
    one = classification_loss(logits[1, 0, 2][None], tf.constant([3]))
    np.testing.assert_allclose(found, [0.0, one[0]], rtol=1e-6)


@pytest.mark.slow
def test_both_votes_learn(task, examples, config):
    """Stripes are told from noise by either vote, and the mean of both macro F1 chooses."""
    trainer = Trainer(task, tf.distribute.get_strategy())
    drawn = [batch for epoch in range(4) for batch in trainer.batches(epoch, 0, 1)]
    for batch in drawn * 6:
        loss = trainer.step(batch, 3e-3)
    figures = task.evaluate(trainer.prepare_evaluation())
    assert np.isfinite(loss) and task.score == "f1_both"
    assert figures["f1_both"] == (figures["f1"] + figures["dense_f1"]) / 2
    assert figures["f1"] == figures["dense_f1"] == 1.0


def test_a_fitted_layer_tells_films_apart_and_a_rate_of_zero_keeps_it(config, examples):
    """Features of random filters suffice for stripes and noise."""
    probe = dataclasses.replace(config, approach="local", fit_head=0.01)
    task = ClassificationTask(probe, CLASSES, examples, examples)
    start = first_weights(probe, task, [])
    trainer = Trainer(task, tf.distribute.get_strategy(), start)
    fitted = trainer.model.get_layer("fc").kernel.numpy()
    assert np.abs(fitted).max() > 0.1
    (batch,) = list(trainer.batches(0, 0, 1))
    trainer.step(batch, 0.0)
    ready = trainer.prepare_evaluation()
    np.testing.assert_allclose(ready.get_layer("fc").kernel, fitted, rtol=1e-5)
    assert task.evaluate(ready)["f1"] == 1.0


def test_a_fitted_layer_learns_from_windows_as_much_as_from_patches(config, examples, monkeypatch):
    given = []

    def fit(features, labels, experts, weights, *rest):
        given.append((features, labels, experts, weights))
        return logistic_regression(features, labels, experts, weights, *rest)

    monkeypatch.setattr(fitted_head, "logistic_regression", fit)
    both = dataclasses.replace(config, fit_head=0.01, discount_sources=0.5)
    shares = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.7, 0.3]], np.float32)
    task = ClassificationTask(both, CLASSES, examples, examples, shares=shares)
    weights = first_weights(both, task, [])
    ((features, labels, experts, counts),) = given
    model = task.build()
    model.set_weights(weights)
    windows = np.stack(task.every_window(model))
    assert np.abs(windows[:, None] - features[None, :8]).max(-1).min() > 1e-3
    for half in (features[8:12], features[12:]):
        np.testing.assert_allclose(half, windows, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(labels, [0, 0, 1, 1] * 4)
    np.testing.assert_allclose(experts, np.tile(0.5 * np.log(shares), (4, 1)), rtol=1e-6)
    assert counts[:8].sum() == pytest.approx(0.5) == counts[8:].sum()
    assert task.evaluate(model)["f1_both"] == 1.0


def test_a_fitted_layer_lets_both_votes_agree_where_it_is_asked_to(config, examples):
    """What it makes of the difference between windows and patches is less."""
    kernels = {}
    for agreement in (0.0, 10.0):
        both = dataclasses.replace(config, fit_head=0.01, agreement=agreement)
        task = ClassificationTask(both, CLASSES, examples, examples)
        model = task.build()
        model.set_weights(first_weights(both, task, []))
        kernels[agreement] = np.asarray(model.get_layer("fc").kernel)
    apart = task.windows_apart(model)
    np.testing.assert_allclose(apart, apart.T)
    assert np.linalg.eigvalsh(apart)[-1] > 0.0
    heard = {name: np.trace(kernel.T @ apart @ kernel) for name, kernel in kernels.items()}
    assert heard[10.0] < 0.5 * heard[0.0]
    assert task.evaluate(model)["f1_both"] == 1.0


def test_a_fitted_layer_leaves_out_what_tells_the_sources_of_a_class_apart(config, examples):
    """Features of the films of one class do not differ along the direction that is taken out."""
    sources = ["one", "other"] * 2
    probe = dataclasses.replace(config, approach="local", fit_head=0.01, source_directions=1)
    task = ClassificationTask(probe, CLASSES, examples, examples, sources=sources)
    plain = ClassificationTask(
        dataclasses.replace(probe, source_directions=0), CLASSES, examples, examples
    )
    kernels = [first_weights(each.config, each, [])[-2] for each in (task, plain)]
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-3
    with pytest.raises(UsageError, match="--source-directions 3: .* differ in 2 directions"):
        many = dataclasses.replace(probe, source_directions=3)
        task = ClassificationTask(many, CLASSES, examples, examples, sources=sources)
        first_weights(many, task, [])


@pytest.mark.parametrize("estimated", [0, 2])
def test_frozen_layers_keep_their_statistics_where_none_are_estimated(config, examples, estimated):
    frozen = dataclasses.replace(
        config, approach="local", frozen_stages=5, estimate_batch_norm=estimated
    )
    trainer = Trainer(
        ClassificationTask(frozen, CLASSES, examples, examples), tf.distribute.get_strategy()
    )
    norm = trainer.model.get_layer("layer4_1_bn2")
    before = norm.moving_mean.numpy()
    (batch,) = list(trainer.batches(0, 0, 1))
    trainer.step(batch, 1e-3)
    ready = trainer.prepare_evaluation().get_layer("layer4_1_bn2").moving_mean.numpy()
    assert (np.abs(ready - before).max() == 0.0) == (estimated == 0)


@pytest.mark.slow
def test_styles_are_exchanged_while_both_votes_are_learnt(config, examples):
    """In patches and crops alike; statistics and validation see none of it."""
    styled = dataclasses.replace(config, style_exchange=1.0)
    trainer = Trainer(
        ClassificationTask(styled, CLASSES, examples, examples), tf.distribute.get_strategy()
    )
    (batch,) = list(trainer.batches(0, 0, 1))[:1]
    assert np.isfinite(trainer.step(batch, 1e-3))
    ready = trainer.prepare_evaluation()
    first, again = (trainer.task.evaluate(ready) for _ in range(2))
    assert first == again and np.isfinite(first["dense_f1"])


def test_validation_votes_as_the_exported_graph_does(task, config, examples):
    """The dense answers in training and in the graph are those of the same weights."""
    from cxr_tf.method.classifier import Classifier
    from cxr_tf.method.windows import window_network
    from pipelines.masks import lungs_at_full_size

    model = task.build()
    options = TriageOptions(classes=CLASSES, approach=DENSE, patch_size=64)
    frozen = Classifier(model, options).windows
    live = window_network(model, scaling="imagenet", patch_size=64, content="lungs")
    seen = tf.constant(examples.seen(2))
    lungs = lungs_at_full_size(examples.lungs[2])
    expected = frozen.look(seen, lungs, frozen.black())
    found = live.look(seen, lungs, live.black())
    np.testing.assert_array_equal(found.centres, expected.centres)
    np.testing.assert_allclose(found.logits, expected.logits, rtol=1e-4, atol=1e-4)
