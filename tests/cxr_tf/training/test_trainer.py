"""One step with each option, and what a trainer keeps."""

import dataclasses
import types
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.runtime.errors import UsageError
from cxr_tf.training.classification import ClassificationTask
from cxr_tf.training.run import balanced
from cxr_tf.training.strategy import make_strategy
from cxr_tf.training.trainer import Trainer
from pipelines.manifest.table import ManifestRow
from tests.cxr_tf.training.three_steps import CLASSIFICATION, SEGMENTATION
from tools.bench.few_steps import classification_task, segmentation_task

RATE = 1e-3
PLAIN = dataclasses.replace(SEGMENTATION, l2=0.0, augment=False)


def make_trainer(config=PLAIN, start=None, **options):
    config = dataclasses.replace(config, **options)
    make = segmentation_task if isinstance(config, type(SEGMENTATION)) else classification_task
    return Trainer(make(config), make_strategy(config), start)


def one_step(trainer, rate=RATE):
    [batch] = trainer.batches(0, 0, 1)
    return trainer.step(batch, rate)


def trained(trainer):
    return [weight.numpy() for weight in trainer.model.trainable_variables]


def direction(before, after):
    return np.concatenate([(b - a).ravel() for a, b in zip(before, after, strict=True)])


def gradient(trainer):
    """Gradients of the first step: Adam's momenta after it, over 0.1."""
    momenta = [v for v in trainer.optimizer.variables if v.path.endswith("_momentum")]
    assert len(momenta) == len(trainer.model.trainable_variables)
    return [10.0 * momentum.numpy() for momentum in momenta]


def cosine(left, right):
    left, right = (np.concatenate([x.ravel() for x in nest]) for nest in (left, right))
    assert np.isfinite(left).all() and np.isfinite(right).all()
    return np.dot(left, right) / np.linalg.norm(left) / np.linalg.norm(right)


@dataclasses.dataclass
class Step:
    """A first step without any option, to compare others with."""

    first: list
    loss: float
    gradient: list


@pytest.fixture(scope="module")
def plain():
    trainer = make_trainer()
    first = trained(trainer)
    return Step(first, one_step(trainer), gradient(trainer))


def test_evaluation_network_starts_alike_and_is_apart():
    trainer = make_trainer()
    evaluated = trainer.evaluation_model.get_weights()
    for left, right in zip(trainer.model.get_weights(), evaluated, strict=True):
        np.testing.assert_array_equal(left, right)
    one_step(trainer)
    for left, right in zip(evaluated, trainer.evaluation_model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.slow
def test_evaluation_takes_averaged_weights_and_leaves_what_is_trained_alone():
    """After a step the average is 0.9 of the first weights and 0.1 of the new ones."""
    trainer = make_trainer(CLASSIFICATION, estimate_batch_norm=2)
    first = trained(trainer)
    one_step(trainer)
    for old, new, average in zip(first, trained(trainer), trainer.average, strict=True):
        np.testing.assert_allclose(average.numpy(), 0.9 * old + 0.1 * new, rtol=1e-5, atol=1e-7)
    variables = [*trainer.model.weights, *trainer.optimizer.variables, *trainer.average]
    before = [variable.numpy() for variable in variables]
    model = trainer.prepare_evaluation()
    for average, weight in zip(trainer.average, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(average.numpy(), weight.numpy())
    trainer.task.evaluate(model)
    for old, variable in zip(before, variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())


@pytest.mark.parametrize("config", [PLAIN, CLASSIFICATION], ids=["segmentation", "classification"])
def test_rate_of_the_step_is_obeyed(config):
    trainer = make_trainer(config)
    first = trained(trainer)
    one_step(trainer, 0.0)
    for old, new in zip(first, trained(trainer), strict=True):
        np.testing.assert_array_equal(old, new)
    one_step(trainer, RATE)
    # Adam's steps are of the size of the rate; decay of weights adds a little.
    size = np.abs(direction(first, trained(trainer)))
    assert 0.3 * RATE < np.median(size) < 1.5 * RATE


def test_decay_spares_biases_and_batch_norm():
    """Decoupled decay alone, where the gradient is stopped by a constant loss."""
    trainer = make_trainer(CLASSIFICATION, l1=0.0, weight_decay=0.5)
    trainer.task.losses = lambda model, batch: (
        0.0 * model(trainer.task.inputs(batch), training=True)["logits"][:, 0]
    )
    first = trained(trainer)
    one_step(trainer, 0.1)
    for weight, old in zip(trainer.model.trainable_variables, first, strict=True):
        factor = 1.0 - 0.1 * 0.5 if weight.path.endswith("/kernel") else 1.0
        np.testing.assert_allclose(weight.numpy(), factor * old, rtol=1e-5, atol=1e-7)


def test_coupled_regularisation_enters_the_gradient(plain):
    decayed = make_trainer(l2=10.0)
    assert one_step(decayed) == pytest.approx(plain.loss, abs=1e-6), "not part of the loss"
    compared = zip(plain.first, plain.gradient, gradient(decayed), strict=True)
    for weight, without, with_l2 in compared:
        np.testing.assert_allclose(with_l2 - without, 10.0 * weight, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(plain, precision):
    mixed = make_trainer(precision=precision)
    assert keras.mixed_precision.dtype_policy().name == "float32", "the policy is put back"
    assert mixed.model.get_layer("down0a_conv").compute_dtype == precision.removeprefix("mixed_")
    assert {weight.dtype for weight in mixed.model.trainable_variables} == {"float32"}
    assert mixed.model.output.dtype == "float32"
    scaled = isinstance(mixed.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")
    assert one_step(mixed) == pytest.approx(plain.loss, abs=0.02)
    assert cosine(plain.gradient, gradient(mixed)) > 0.9
    # The rate reaches the optimiser behind the loss scale.
    before = trained(mixed)
    one_step(mixed, 0.0)
    for old, new in zip(before, trained(mixed), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_xla(plain):
    compiled = make_trainer(xla=True)
    assert one_step(compiled) == pytest.approx(plain.loss, abs=1e-4)
    assert cosine(plain.gradient, gradient(compiled)) > 0.99


def test_first_weights_are_taken():
    start = [np.full(w.shape, 0.25, np.float32) for w in make_trainer().model.weights]
    for weight in make_trainer(start=start).model.get_weights():
        assert (weight == 0.25).all()


def test_same_seed_same_weights():
    left, right, other = make_trainer(), make_trainer(), make_trainer(seed=1)
    for one, two in zip(trained(left), trained(right), strict=True):
        np.testing.assert_array_equal(one, two)
    assert (direction(trained(left), trained(other)) != 0).any()


def test_steps_of_an_epoch():
    assert make_trainer().steps_per_epoch() == 3
    assert make_trainer(steps_per_epoch=2).steps_per_epoch() == 2
    with pytest.raises(UsageError, match="--batch-size"):
        make_trainer(batch_size=13).steps_per_epoch()


def test_part_of_an_epoch_is_the_same_part():
    """What an epoch gives from a step on does not depend on the steps before."""
    trainer = make_trainer(augment=True)
    whole = [[x.numpy() for x in batch] for batch in trainer.batches(2, 0, 3)]
    rest = [[x.numpy() for x in batch] for batch in trainer.batches(2, 1, 3)]
    assert len(whole) == 3 and len(rest) == 2
    for left, right in zip(whole[1:], rest, strict=True):
        for one, two in zip(left, right, strict=True):
            np.testing.assert_array_equal(one, two)
    [other] = trainer.batches(3, 0, 1)
    assert (other[0].numpy() != whole[0][0]).any()


def test_what_three_replicas_cannot_do_is_refused(monkeypatch):
    three = types.SimpleNamespace(num_replicas_in_sync=3)
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: three)
    with pytest.raises(UsageError, match="multiple of 3"):
        make_strategy(PLAIN)
    with pytest.raises(UsageError, match="--xla"):
        make_strategy(dataclasses.replace(PLAIN, batch_size=3, xla=True))


def test_sources_are_balanced_where_it_is_asked_for():
    """A source that is rare in one class comes as often in it as in the other."""
    films = [(0, "a")] * 9 + [(1, "a")] * 3 + [(0, "b")] * 2
    rows = [ManifestRow(Path("film.png"), "x", source=source) for _, source in films]
    labels = [label for label, _ in films]
    plain = classification_task(CLASSIFICATION)
    drawn = {}
    for asked in (False, True):
        config = dataclasses.replace(CLASSIFICATION, balance_sources=asked)
        task = ClassificationTask(
            config, plain.classes, plain.training, plain.validation, balanced(config, rows, labels)
        )
        drawn[asked] = Counter(films[index] for index in task.order(0))
    assert sum(n for (label, _), n in drawn[False].items() if label) == 11
    # Class 1 has one source, which weighs 1; class 0 two, so that the other one weighs 1/2.
    assert drawn[True] == {(0, "a"): 9, (1, "a"): 9, (0, "b"): 4}
