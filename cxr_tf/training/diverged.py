"""What is said of a training whose numbers are no longer finite."""

from pathlib import Path

from cxr_tf.runtime.errors import DivergedError
from cxr_tf.saved.run_options import TrainingOptions
from cxr_tf.training.state import TrainingState


def place_of(state: TrainingState) -> str:
    """Say where a training stands, counted from 1, as a person does.

    Args:
        state: where it stands; `step` is the number of steps done in the epoch.
    """
    place = f"step {state.step} of" if state.step else "the start of"
    return f"{place} epoch {state.epoch + 1}"


def diverged(
    what: str, config: TrainingOptions, state: TrainingState, rate: float, run: Path, kept: str
) -> DivergedError:
    """Make the error that ends such a run.

    Args:
        what: happened, up to the place: `the loss is nan in`.
        config: options of the run.
        state: where it stands, the step at fault counted as done.
        rate: learning rate of that step.
        run: folder of the run.
        kept: place of the last checkpoint.

    Returns:
        The error; its message has the place, the rate, what to try, and what is kept.
    """
    try_first = [f"a lower --learning-rate (such as {config.learning_rate / 10:g})"]
    if config.precision != "float32":
        try_first.append(f"--precision float32 instead of {config.precision}")
    return DivergedError(
        f"{what} {place_of(state)}, at a learning rate of {rate:g}: the run ends here. Try "
        f"{', '.join(try_first)}, and look at the data (films and masks that are empty or wrong); "
        "changed options need another --out, and --start-from takes the best weights of a run. "
        f"The checkpoint of {kept} is kept in {run / 'checkpoints'}: the same command goes on from "
        "it, and ends here again unless the cause was passing"
    )
