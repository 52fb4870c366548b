"""The training loop: epochs of steps, evaluation, checkpoints, early stopping."""

import csv
import math
import time
from pathlib import Path
from typing import Any

from cxr_tf.models.weights import weight_arrays
from cxr_tf.runtime.errors import DivergedError
from cxr_tf.runtime.stopping import Stops
from cxr_tf.runtime.whole_files import whole
from cxr_tf.saved.weights_record import save_best
from cxr_tf.training.diverged import diverged, place_of
from cxr_tf.training.monitor import Monitor
from cxr_tf.training.schedules import learning_rate
from cxr_tf.training.strategy import worker
from cxr_tf.training.trainer import Trainer


def fit(trainer: Trainer, run: Path, monitor: Monitor, stops: Stops | None = None) -> bool:
    """Train until the epochs are over or validation has stopped improving.

    The run goes on from its newest checkpoint. The best weights so far, ready for inference, are
    in `best.safetensors`; `history.csv` has a row for each finished epoch. A signal ends the run
    with a checkpoint once the step in work is done; an evaluation in work is dropped, and made
    again when the run goes on.

    A loss that is no finite number ends the run at its step. The first step of a run has a
    checkpoint before it, and no checkpoint holds weights that are not finite, so that there is
    always one from before such a step to go on from.

    Args:
        trainer: networks and optimiser.
        run: folder of the run.
        monitor: progress, TensorBoard and profile.
        stops: the signals that end it.

    Returns:
        True when training is over, False when `stop_after_steps` or a signal ended it early.

    Raises:
        DivergedError: the loss, the weights or the validation are not finite; see `diverged`.
    """
    stops = stops or Stops(listen=False)
    with stops.deferred():
        return _fit(trainer, run, monitor, stops)


def _fit(trainer: Trainer, run: Path, monitor: Monitor, stops: Stops) -> bool:
    """Train while signals wait; see `fit`."""
    config, state = trainer.config, trainer.state
    chief = worker(trainer.strategy)[0] == 0
    manager = trainer.manager(run)
    steps = trainer.steps_per_epoch()
    done, saved, begun = 0, time.monotonic(), time.monotonic() - state.seconds
    kept = place_of(state)

    def rate_of(number: int) -> float:
        total, factor = config.epochs * steps, state.factor
        base, warmup = config.learning_rate, config.warmup_steps
        return learning_rate(config.schedule, base, number, total, warmup, factor)

    def fault(what: str) -> DivergedError:
        rate = rate_of(state.epoch * steps + state.step - 1)
        return diverged(what, config, state, rate, run, kept)

    def check_weights() -> None:
        if not trainer.weights_are_finite():
            raise fault("the weights are not finite after")

    def save() -> None:
        nonlocal saved, kept
        trainer.save(manager)
        saved, kept = time.monotonic(), place_of(state)

    def unfinished() -> bool:
        return state.epoch < config.epochs and state.validation.waited < config.patience

    if not (state.epoch or state.step):
        save()
    while unfinished():
        batches = iter(trainer.batches(state.epoch, state.step, steps))
        while state.step < steps:
            number = state.epoch * steps + state.step
            rate = rate_of(number)
            monitor.before_step(number)
            with monitor.traced(number):
                loss = trainer.step(next(batches), rate)
            state.step += 1
            if not math.isfinite(loss):  # the same on every replica and worker: all end here
                raise fault(f"the loss is {loss} in")
            state.loss_sum += loss
            done += 1
            state.seconds = time.monotonic() - begun
            monitor.after_step(state, steps, loss, rate)
            due = config.checkpoint_steps and state.step % config.checkpoint_steps == 0
            waited = time.monotonic() - saved
            late = config.checkpoint_minutes and waited > 60 * config.checkpoint_minutes
            enough = config.stop_after_steps and done >= config.stop_after_steps
            stop = bool(enough or stops.came)
            if due or late or stop:
                check_weights()
                save()
            if stop:
                return False
        next(batches, None)  # lets the data set see its end
        check_weights()  # ahead of the evaluation, whose weights may be kept as the best
        row: dict[str, Any] = {
            "epoch": state.epoch,
            "loss": state.loss_sum / steps,
            "rate": rate_of((state.epoch + 1) * steps - 1),
        }
        last = state.epoch + 1 == config.epochs
        if last or (state.epoch + 1) % config.validate_every == 0:
            try:
                with stops.at_once():  # nothing of the state is changed until it is over
                    model = trainer.prepare_evaluation()
                    figures = trainer.task.evaluate(model)
            except KeyboardInterrupt:
                save()
                return False
            except DivergedError as error:
                raise fault(f"{error} after") from error
            row |= {f"validation_{name}": value for name, value in figures.items()}
            if state.validation.improved(figures[trainer.task.score], state.epoch) and chief:
                save_best(weight_arrays(model), run, {"epoch": str(state.epoch)})
            monitor.after_evaluation(state.epoch, model, trainer.task)
        if not state.plateau.improved(-row["loss"], state.epoch, config.plateau_gain * row["loss"]):
            if state.plateau.waited >= config.plateau_patience:
                state.factor, state.plateau.waited = state.factor / 10, 0
        state.seconds = time.monotonic() - begun
        state.history.append(row | {"seconds": round(state.seconds, 1)})
        state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0
        if chief:
            write_history(run / "history.csv", state.history)
        monitor.after_epoch(state)
        save()
        if stops.came:
            return not unfinished()
    return True


def write_history(path: Path, history: list[dict[str, Any]]) -> None:
    """Write the figures of the finished epochs.

    Args:
        path: the CSV file.
        history: one row an epoch; rows without an evaluation leave its columns empty.
    """
    columns = list(dict.fromkeys(name for row in history for name in row))
    with whole(path) as fresh, fresh.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(history)
