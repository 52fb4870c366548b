"""The run or exported model that is evaluated."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.evaluation.options import Options, SegmentationEvaluationOptions, task_of
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.model_folders import version_folder

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel


@dataclass(frozen=True)
class Subject:
    """What is evaluated.

    Attributes:
        model: answers `predict` or `segment`.
        path: its run or folder.
        approach: `local` or `global`, or the segmentation network's name.
        classes: the class map it was trained with, as text; '' if unknown.
    """

    model: "TriageModel"
    path: Path
    approach: str = ""
    classes: str = ""


def load_subject(options: Options) -> Subject:
    """Load the run or the exported model that the arguments name.

    Args:
        options: the arguments.

    Returns:
        The model and what is known of it.

    Raises:
        UsageError: neither or both are named, or what is named does not fit the task.
    """
    if options.run is not None:
        clean = options.clean_masks if isinstance(options, SegmentationEvaluationOptions) else None
        return _load_run(options.run, task_of(options), clean)
    assert options.model is not None
    from cxr_tf.saved.load import load

    try:
        folder = version_folder(options.model)
        model = load(folder)
    except (OSError, ValueError) as error:
        raise UsageError(f"--model {options.model} cannot be loaded: {error}") from error
    return Subject(model, folder, model.card.options.approach, model.card.class_map)


def _load_run(run: Path, task: str, clean: bool | None) -> Subject:
    from cxr_tf.saved.run_options import (
        ClassificationTrainingOptions,
        SegmentationTrainingOptions,
        read_run,
    )

    try:
        config = read_run(run)
    except (OSError, ValueError) as error:
        raise UsageError(f"--run: {error}") from error
    if task == "segmentation" and isinstance(config, ClassificationTrainingOptions):
        raise UsageError(
            f"--run {run} was trained for classification: evaluate the segmentation run it uses, "
            f"--run {config.segmentation}"
        )
    if task == "classification" and isinstance(config, SegmentationTrainingOptions):
        raise UsageError(f"--run {run} was trained for segmentation: evaluate it as such")
    from cxr_tf.saved.load import from_runs

    try:
        if isinstance(config, ClassificationTrainingOptions):
            return Subject(from_runs(None, run), run, config.approach, config.classes)
        return Subject(from_runs(run, clean_masks=clean), run, config.network)
    except (OSError, ValueError) as error:
        raise UsageError(f"--run {run} cannot be loaded: {error}") from error
