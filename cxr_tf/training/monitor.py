"""What a person sees of a training: one progress line, TensorBoard, and a profile."""

import contextlib
import logging
import time
from contextlib import AbstractContextManager
from pathlib import Path

import keras
import tensorflow as tf

from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.run_options import TrainingOptions
from cxr_tf.training.histograms import activations, weights
from cxr_tf.training.state import TrainingState
from cxr_tf.training.task import Task

log = logging.getLogger(__name__)
#: Seconds between two lines of progress.
PROGRESS_EVERY = 15.0


class Monitor:
    """Progress to the log, scalars and images to TensorBoard, a profile of chosen steps."""

    def __init__(self, config: TrainingOptions, run: Path, chief: bool = True):
        """Open the event file.

        Args:
            config: options of the run.
            run: folder of the run.
            chief: only the chief of several workers writes.
        """
        self.config = config
        self.folder = str(run / "tensorboard")
        self.active = chief
        write = chief and config.tensorboard
        self.writer = tf.summary.create_file_writer(self.folder) if write else None
        self.profile = parse_profile(config.profile)
        self._profiling = False
        self._shown = time.monotonic()
        self._seen: list[float] = []

    def before_step(self, number: int) -> None:
        """Start the profile where it is due.

        Args:
            number: step from 0 over the whole training.
        """
        if self.profile and number == self.profile[0] and not self._profiling and self.active:
            tf.profiler.experimental.start(self.folder)
            self._profiling = True

    def traced(self, number: int) -> AbstractContextManager[object]:
        """Mark a step in the profile, the wait for its batch included.

        Args:
            number: step from 0 over the whole training.

        Returns:
            What the step is to be taken in.
        """
        if not self._profiling:
            return contextlib.nullcontext()
        trace: AbstractContextManager[object] = tf.profiler.experimental.Trace(
            "train", step_num=number, _r=1
        )
        return trace

    def after_step(self, state: TrainingState, steps: int, loss: float, rate: float) -> None:
        """Log progress and scalars.

        Args:
            state: where the training stands.
            steps: steps of an epoch.
            loss: loss of the step.
            rate: learning rate of the step.
        """
        number = state.epoch * steps + state.step
        if self._profiling and self.profile and number > self.profile[1]:
            tf.profiler.experimental.stop()
            self._profiling = False
        if not self.active:
            return
        if self.writer:
            with self.writer.as_default(number):
                tf.summary.scalar("step/loss", loss)
                tf.summary.scalar("step/rate", rate)
        now = time.monotonic()
        self._seen = [*self._seen[-20:], now]
        if now - self._shown >= PROGRESS_EVERY and len(self._seen) > 1:
            pace = (self._seen[-1] - self._seen[0]) / (len(self._seen) - 1)
            left = (steps - state.step) * pace
            log.info(
                "epoch %d/%d, step %d/%d: loss %.4f, %.2f s a step, epoch ends in %s",
                state.epoch + 1, self.config.epochs, state.step, steps,
                state.loss_sum / state.step, pace, duration(left),
            )  # fmt: skip
            self._shown = now

    def after_epoch(self, state: TrainingState) -> None:
        """Log the figures of a finished epoch, and how long the rest may take.

        Args:
            state: where the training stands; its last history row is the epoch's.
        """
        if not self.active:
            return
        row = state.history[-1]
        figures = {k: v for k, v in row.items() if k not in ("epoch", "seconds", "rate")}
        text = ", ".join(f"{k.removeprefix('validation_')} {v:.4f}" for k, v in figures.items())
        text = text.replace("loss", "training loss", 1)
        left = state.seconds / state.epoch * (self.config.epochs - state.epoch)
        log.info(
            "epoch %d/%d done: %s; at most %s to go",
            state.epoch, self.config.epochs, text, duration(left),
        )  # fmt: skip
        if self.writer:
            with self.writer.as_default(row["epoch"]):
                for name, value in figures.items():
                    tf.summary.scalar(f"epoch/{name}", value)
            self.writer.flush()

    def after_evaluation(self, epoch: int, model: keras.Model, task: Task) -> None:
        """Write figures of an evaluation; every few epochs also pictures and histograms.

        Args:
            epoch: number of the epoch.
            model: the evaluation network.
            task: what is trained.
        """
        if not self.writer:
            return
        with self.writer.as_default(epoch):
            for name, picture in task.figures():
                tf.summary.image(name, picture[None])
            if self._due(self.config.images_every, epoch):
                for name, picture in task.images(model):
                    tf.summary.image(name, picture[None])
            if self._due(self.config.histograms_every, epoch):
                for name, values in (*weights(model), *activations(model, task.shown())):
                    tf.summary.histogram(name, values)

    def _due(self, every: int, epoch: int) -> bool:
        return bool(every) and (epoch % every == 0 or epoch + 1 == self.config.epochs)

    def close(self) -> None:
        """End a profile under way and close the event file."""
        if self._profiling:
            tf.profiler.experimental.stop()
            self._profiling = False
        if self.writer:
            self.writer.close()


def parse_profile(text: str) -> tuple[int, int] | None:
    """Read `first:last`.

    Args:
        text: such as `20:25`; empty for none.

    Raises:
        UsageError: the text is of another form.
    """
    if not text:
        return None
    first, _, last = text.partition(":")
    if not (first.isdigit() and last.isdigit() and int(first) <= int(last)):
        raise UsageError(f"--profile {text!r}: give the first and last step, such as 20:25")
    return int(first), int(last)


def duration(seconds: float) -> str:
    """Write seconds for a person: `42 s`, `3 min`, `1 h 20 min`.

    Args:
        seconds: not negative.
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
