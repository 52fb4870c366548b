"""Early stopping, plateaus, schedules and what an epoch leaves behind, with a scripted task."""

import csv
import dataclasses
import os
import resource
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors import safe_open

from cxr_tf.runtime.errors import DivergedError
from cxr_tf.runtime.stopping import Stops
from cxr_tf.saved.run_options import SegmentationTrainingOptions
from cxr_tf.training.diverged import diverged
from cxr_tf.training.loop import fit
from cxr_tf.training.monitor import Monitor
from cxr_tf.training.state import TrainingState
from cxr_tf.training.trainer import Trainer

CONFIG = SegmentationTrainingOptions(
    batch_size=2, epochs=20, schedule="constant", patience=50, tensorboard=False
)
STEPS = 3


class ScriptedTask:
    """One weight; losses and scores of each epoch are given."""

    score = "jaccard"

    def __init__(self, config, scores, losses=()):
        self.config, self.scores, self.losses_of = config, scores, losses
        self.evaluated = []

    def build(self):
        inputs = keras.Input((1,))
        return keras.Model(inputs, keras.layers.Dense(1, use_bias=False, name="only")(inputs))

    def order(self, epoch):
        return np.arange(STEPS * self.config.batch_size)

    def batches(self, epoch, places, batch_size):
        loss = self.losses_of[epoch] if epoch < len(self.losses_of) else 1.0
        values = np.full((len(places), 1), loss, np.float32)
        return tf.data.Dataset.from_tensor_slices((values,)).batch(batch_size)

    def inputs(self, batch):
        return batch[0]

    def losses(self, model, batch):
        return batch[0][:, 0] + 0.0 * model(batch[0])[:, 0]

    def evaluate(self, model):
        self.evaluated.append(model.get_layer("only").kernel.numpy())
        return {"jaccard": self.scores[len(self.evaluated) - 1]}

    def images(self, model):
        return ()


def train(run, scores, losses=(), term_at="", **options):
    """Train; `term_at` is the step or the evaluation that SIGTERM comes in, such as `step 4`."""
    config = dataclasses.replace(CONFIG, **options)
    task = ScriptedTask(config, scores, losses)
    trainer = Trainer(task, tf.distribute.get_strategy())
    rates = []
    step, evaluate = trainer.step, task.evaluate

    def recorded(batch, rate):
        rates.append(rate)
        if term_at == f"step {len(rates)}":
            os.kill(os.getpid(), signal.SIGTERM)
        return step(batch, rate)

    def evaluated(model):
        if term_at == f"evaluation {len(task.evaluated) + 1}":
            os.kill(os.getpid(), signal.SIGTERM)
        return evaluate(model)

    trainer.step, task.evaluate = recorded, evaluated
    run.mkdir(exist_ok=True)
    trainer.restore(run)
    with Stops() as stops:
        finished = fit(trainer, run, Monitor(config, run), stops)
    assert bool(stops.came) == bool(term_at)
    return finished, trainer, rates


def history(run):
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


def best_epoch(run):
    with safe_open(run / "best.safetensors", "np") as file:
        return file.metadata()["epoch"]


def test_training_stops_when_validation_does_not_improve(tmp_path):
    scores = [0.1, 0.5, 0.4, 0.5, 0.49, 0.9]
    finished, trainer, _ = train(tmp_path, scores, patience=3)
    assert finished and trainer.state.epoch == 5
    assert [float(row["validation_jaccard"]) for row in history(tmp_path)] == scores[:5]
    assert best_epoch(tmp_path) == "1"
    assert trainer.state.validation.best == 0.5
    # Asked again, the run is over.
    finished, _, rates = train(tmp_path, scores, patience=3)
    assert finished and not rates


def test_gains_start_the_patience_anew(tmp_path):
    scores = [0.1, 0.0, 0.2, 0.1, 0.3, 0.2, 0.1, 0.9]
    _, trainer, _ = train(tmp_path, scores, patience=2)
    assert trainer.state.epoch == 7 and best_epoch(tmp_path) == "4"


def test_score_that_is_not_a_number_is_no_gain(tmp_path):
    scores = [0.2, float("nan"), float("nan"), 0.9]
    _, trainer, _ = train(tmp_path, scores, patience=2)
    assert trainer.state.epoch == 3 and best_epoch(tmp_path) == "0"


def test_rate_falls_when_the_training_loss_stalls(tmp_path):
    losses = [1.0, 0.9, 0.9, 0.9, 0.8, 0.7999, 0.7998, 0.5]
    _, trainer, rates = train(
        tmp_path, [0.0] * 8, losses, epochs=8, schedule="plateau", learning_rate=1.0,
        plateau_patience=2, plateau_gain=1e-3,
    )  # fmt: skip
    by_epoch = np.reshape(rates, (8, STEPS))
    np.testing.assert_allclose(by_epoch, by_epoch[:, :1].repeat(STEPS, 1))
    np.testing.assert_allclose(by_epoch[:, 0], [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01])
    assert trainer.state.factor == pytest.approx(0.01)
    assert [float(row["loss"]) for row in history(tmp_path)] == pytest.approx(losses, abs=1e-6)


def test_rate_rises_and_falls_as_a_cosine(tmp_path):
    _, _, rates = train(
        tmp_path, [0.0] * 4, epochs=4, schedule="cosine", learning_rate=2.0, warmup_steps=4
    )
    expected = [0.5, 1.0, 1.5, 2.0, *(1.0 + np.cos(np.pi * np.arange(8) / 8))]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_epochs_without_evaluation(tmp_path):
    _, trainer, _ = train(tmp_path, [0.3, 0.2, 0.4], epochs=5, validate_every=2)
    assert [row["validation_jaccard"] for row in history(tmp_path)] == ["", "0.3", "", "0.2", "0.4"]
    assert len(trainer.task.evaluated) == 3 and best_epoch(tmp_path) == "4"


def test_run_goes_on_within_an_epoch(tmp_path):
    losses = [4.0, 2.0, 1.0]
    finished, trainer, rates = train(
        tmp_path / "run", [0.1, 0.2, 0.3], losses, epochs=3, stop_after_steps=4
    )
    assert not finished and len(rates) == 4
    assert (trainer.state.epoch, trainer.state.step) == (1, 1)
    finished, trainer, rates = train(tmp_path / "run", [0.2, 0.3], losses, epochs=3)
    assert finished and len(rates) == 5
    rows = history(tmp_path / "run")
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert [float(row["loss"]) for row in rows] == losses
    assert [row["validation_jaccard"] for row in rows] == ["0.1", "0.2", "0.3"]


@pytest.mark.parametrize(
    ("term_at", "place", "evaluations"),
    [("step 4", (1, 1), 1), ("step 6", (1, 3), 1), ("evaluation 2", (1, 3), 1)],
)
def test_a_signal_leaves_a_checkpoint_that_the_run_goes_on_from(
    tmp_path, term_at, place, evaluations
):
    """The losses stall, so that patience counted twice would show in the rates."""
    losses, scores = [1.0] * 4, [0.1, 0.4, 0.3, 0.2]
    options = {"epochs": 4, "schedule": "plateau", "plateau_patience": 2}
    _, _, expected = train(tmp_path / "whole", scores, losses, **options)
    finished, trainer, rates = train(tmp_path / "cut", scores, losses, term_at, **options)
    assert not finished and (trainer.state.epoch, trainer.state.step) == place
    assert len(trainer.task.evaluated) == evaluations
    finished, _, others = train(tmp_path / "cut", scores[evaluations:], losses, **options)
    assert finished and rates + others == expected and len(set(expected)) > 1
    whole, cut = history(tmp_path / "whole"), history(tmp_path / "cut")
    for row in whole + cut:
        del row["seconds"]
    assert whole == cut
    assert best_epoch(tmp_path / "cut") == best_epoch(tmp_path / "whole") == "1"


def test_a_signal_in_the_last_step_lets_nothing_be_lost(tmp_path):
    finished, trainer, _ = train(tmp_path, [0.1], term_at="step 3", epochs=1)
    assert not finished and trainer.state.step == STEPS
    finished, _, rates = train(tmp_path, [0.1], epochs=1)
    assert finished and rates == [] and best_epoch(tmp_path) == "0"


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    train(tmp_path, [0.1], epochs=3, stop_after_steps=2)
    kept = sorted((tmp_path / "checkpoints").iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match="no checkpoint can be written"):
            train(tmp_path, [0.1], epochs=3, stop_after_steps=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert set(kept) <= set((tmp_path / "checkpoints").iterdir())
    finished, trainer, rates = train(tmp_path, [0.1, 0.2, 0.3], epochs=3)
    assert finished and len(rates) == 3 * STEPS - 2


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, (0, 0)),
        ({"checkpoint_steps": 1}, (1, 0)),
        ({"schedule": "plateau", "learning_rate": 0.25}, (1, 0)),
    ],
)
def test_a_loss_that_is_not_finite_ends_the_run_at_its_step(tmp_path, loss, options, kept):
    epoch = 0 if kept == (0, 0) else 1
    losses = [1.0, 2.0]
    losses[epoch] = loss
    place = rf"the loss is (nan|inf) in step 1 of epoch {epoch + 1}, at a learning rate of "
    with pytest.raises(DivergedError, match=place) as told:
        train(tmp_path, [0.1], losses, epochs=3, **options)
    assert f"{options.get('learning_rate', CONFIG.learning_rate):g}: the run ends here" in str(
        told.value
    )
    assert f"the start of epoch {kept[0] + 1} is kept" in str(told.value)
    # Once the data are mended, the run goes on from before that step.
    finished, trainer, rates = train(tmp_path, [0.1, 0.2, 0.3], [1.0] * 3, epochs=3, **options)
    assert finished and len(rates) == STEPS * (3 - kept[0])
    assert all(np.isfinite(float(row["loss"])) for row in history(tmp_path))


def test_weights_that_are_not_finite_are_neither_kept_nor_evaluated(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=3)
    task = ScriptedTask(config, [0.1, 0.2])
    trainer = Trainer(task, tf.distribute.get_strategy())
    step = trainer.step

    def poisoned(batch, rate):
        loss = step(batch, rate)
        if trainer.state.epoch == 1:
            trainer.model.get_layer("only").kernel.assign([[np.inf]])
        return 1.0 if trainer.state.epoch == 1 else loss

    trainer.step = poisoned
    with pytest.raises(DivergedError, match="weights are not finite after step 3 of epoch 2"):
        fit(trainer, tmp_path, Monitor(config, tmp_path))
    assert len(task.evaluated) == 1 and best_epoch(tmp_path) == "0"
    again = Trainer(ScriptedTask(config, []), tf.distribute.get_strategy())
    assert again.restore(tmp_path) and again.weights_are_finite()
    assert (again.state.epoch, again.state.step) == (1, 0)


def test_float32_is_advised_where_less_is_computed_in(tmp_path):
    config = dataclasses.replace(CONFIG, precision="mixed_float16", learning_rate=0.5)
    error = diverged("the loss is nan in", config, TrainingState(1, 2), 0.25, tmp_path, "here")
    assert "in step 2 of epoch 2, at a learning rate of 0.25" in str(error)
    assert "--precision float32 instead of mixed_float16" in str(error)
    plain = diverged("x", CONFIG, TrainingState(), 0.25, tmp_path, "here")
    assert "--precision" not in str(plain)


def test_two_checkpoints_are_kept(tmp_path):
    train(tmp_path, [0.0] * 4, epochs=4, checkpoint_steps=1)
    assert len(list((tmp_path / "checkpoints").glob("*.index"))) == 2


def test_seconds_add_up_over_calls(tmp_path):
    _, trainer, _ = train(tmp_path, [0.0] * 4, epochs=4, stop_after_steps=6)
    before = trainer.state.seconds
    assert before > 0.0
    _, trainer, _ = train(tmp_path, [0.0] * 4, epochs=4)
    assert trainer.state.seconds > before
