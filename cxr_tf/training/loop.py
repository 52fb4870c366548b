"""The training loop: epochs of steps, evaluation, checkpoints, early stopping."""

import csv
import time
from pathlib import Path
from typing import Any

from cxr_tf.runs import BEST
from cxr_tf.schedules import learning_rate
from cxr_tf.training.monitor import Monitor
from cxr_tf.training.strategy import worker
from cxr_tf.training.trainer import Trainer
from cxr_tf.weights import save_weights


def fit(trainer: Trainer, run: Path, monitor: Monitor) -> bool:
    """Train until the epochs are over or validation has stopped improving.

    The run goes on from its newest checkpoint. The best weights so far, ready for inference, are
    in `best.safetensors`; `history.csv` has a row for each finished epoch.

    Args:
        trainer: networks and optimiser.
        run: folder of the run.
        monitor: progress, TensorBoard and profile.

    Returns:
        True when training is over, False when `stop_after_steps` ended it early.
    """
    config, state = trainer.config, trainer.state
    chief = worker(trainer.strategy)[0] == 0
    manager = trainer.manager(run)
    steps = trainer.steps_per_epoch()
    done, saved, begun = 0, time.monotonic(), time.monotonic() - state.seconds

    def rate_of(number: int) -> float:
        total, factor = config.epochs * steps, state.factor
        base, warmup = config.learning_rate, config.warmup_steps
        return learning_rate(config.schedule, base, number, total, warmup, factor)

    while state.epoch < config.epochs and state.validation.waited < config.patience:
        batches = iter(trainer.batches(state.epoch, state.step, steps))
        while state.step < steps:
            number = state.epoch * steps + state.step
            rate = rate_of(number)
            monitor.before_step(number)
            with monitor.traced(number):
                loss = trainer.step(next(batches), rate)
            state.step += 1
            state.loss_sum += loss
            done += 1
            state.seconds = time.monotonic() - begun
            monitor.after_step(state, steps, loss, rate)
            due = config.checkpoint_steps and state.step % config.checkpoint_steps == 0
            waited = time.monotonic() - saved
            late = config.checkpoint_minutes and waited > 60 * config.checkpoint_minutes
            stop = config.stop_after_steps and done >= config.stop_after_steps
            if due or late or stop:
                trainer.save(manager)
                saved = time.monotonic()
            if stop:
                return False
        next(batches, None)  # lets the data set see its end
        row: dict[str, Any] = {
            "epoch": state.epoch,
            "loss": state.loss_sum / steps,
            "rate": rate_of((state.epoch + 1) * steps - 1),
        }
        if not state.plateau.improved(-row["loss"], state.epoch, config.plateau_gain * row["loss"]):
            if state.plateau.waited >= config.plateau_patience:
                state.factor, state.plateau.waited = state.factor / 10, 0
        last = state.epoch + 1 == config.epochs
        if last or (state.epoch + 1) % config.validate_every == 0:
            model = trainer.prepare_evaluation()
            figures = trainer.task.evaluate(model)
            row |= {f"validation_{name}": value for name, value in figures.items()}
            if state.validation.improved(figures[trainer.task.score], state.epoch) and chief:
                save_weights(model, run / BEST, {"epoch": str(state.epoch)})
            monitor.after_evaluation(state.epoch, model, trainer.task)
        state.seconds = time.monotonic() - begun
        state.history.append(row | {"seconds": round(state.seconds, 1)})
        state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0
        if chief:
            write_history(run / "history.csv", state.history)
        monitor.after_epoch(state)
        trainer.save(manager)
        saved = time.monotonic()
    return True


def write_history(path: Path, history: list[dict[str, Any]]) -> None:
    """Write the figures of the finished epochs.

    Args:
        path: the CSV file.
        history: one row an epoch; rows without an evaluation leave its columns empty.
    """
    columns = list(dict.fromkeys(name for row in history for name in row))
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(history)
    partial.replace(path)
