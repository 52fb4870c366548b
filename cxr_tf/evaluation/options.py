"""The options of an evaluation, one typed dataclass a task."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cxr_tf.measures.bootstrap import SAMPLES
from cxr_tf.method.vote_options import Vote, VoteOptions
from cxr_tf.runtime.command_line import Command
from cxr_tf.runtime.errors import UsageError
from pipelines.sizes import PATCHES


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """Options that both tasks share."""

    data: Path
    """a manifest, a folder with one, or a data set that an adapter knows"""
    run: Path | None = None
    """run of `train` to evaluate"""
    model: Path | None = None
    """exported model to evaluate: saved_models/NAME (its newest version), .../VERSION, or the name
    of a released one, such as cxr_triage@5"""
    out: Path | None = None
    """folder for the results; by default evaluation/TASK_SPLIT in the run, for an exported model
    evaluation/NAME_TASK_SPLIT in the working directory"""
    source: tuple[str, ...] = ()
    """only films of these sources, as the manifest's column source names them"""
    paper_list_only: bool = False
    """only films on the paper's own case list"""
    films: int = 0
    """only the first so many films; 0 for all"""
    samples: int = SAMPLES
    """bootstrap samples"""
    seed: int = 0
    """seed of the bootstrap, and of the patch centres"""
    quiet: bool = False
    """say nothing but results, warnings and errors"""
    log_json: bool = False
    """log to stderr as one JSON object a line"""


@dataclass(frozen=True, kw_only=True)
class SegmentationEvaluationOptions(EvaluationOptions):
    """Jaccard similarity of heart and lungs, film by film and on average.

    Writes jaccard.csv, metrics.json, summary.md, jaccard.png and contours.png.

    Research use only. Not a medical device. Exit status: 0 done, 1 some films failed, 2 wrong
    usage.
    """

    split: Literal["train", "validation", "test", "crossdb", "all"] = "test"
    """films to evaluate; crossdb is a source that is never trained on; all is for films of a source
    that the run has left out in training"""
    clean_masks: bool = False
    """keep only the largest region of the heart and of each lung, and fill its holes; a model
    that was exported with this does so anyway"""


@dataclass(frozen=True, kw_only=True)
class ClassificationEvaluationOptions(EvaluationOptions):
    """Accuracy, precision, recall, F1, specificity, sensitivities, ROC-AUC, confusion matrix.

    Writes predictions.csv, metrics.json, summary.md, subgroups.csv and subgroups.md (by source,
    view, sex, age group and age band), confusion.png, roc.png and pr.png; with --aggregations also
    aggregation.csv, with --saliency saliency.csv and saliency.png, with --zones zones.csv, with
    --curves curves.csv, with --patch-probabilities patches.npz, with --against a run or model
    against_predictions.csv. A film without a decision counts as wrong.

    Research use only. Not a medical device. Exit status: 0 done, 1 some films failed, 2 wrong
    usage.
    """

    split: Literal["train", "validation", "test", "all"] = "test"
    """films to evaluate; all is for films of a source that the run has left out in training"""
    patches: int = PATCHES
    """patches that vote on a film, 1 to 400"""
    stride: int | None = None
    """patches on a grid of this many pixels at 1024 x 1024, 50 to 1024, or 0 for random ones; by
    default the model's own: random ones, unless it was exported with a grid"""
    vote: Vote | None = None
    """what votes: random patches, or every place of a grid on the lungs, which the network sees
    all at once (dense; only for models that were trained for it). By default the model's own way"""
    aggregations: bool = False
    """also decide by mean probability, trimmed mean, and mean weighted by the lung in each patch"""
    saliency: str = ""
    """also measure and draw the saliency maps of this class, such as viral (Figs. 7 and 8)"""
    zones: bool = False
    """also measure how much of every class's map lies in the lungs and in each zone of them"""
    curves: bool = False
    """also take the pixels of the lungs out of the film, and put them back, in the order of the map
    and of a random one (deletion and insertion, and ROAD): asks about each film 35 times more"""
    patch_probabilities: bool = False
    """also keep the probabilities of every patch (patches.npz), to fit class offsets on"""
    against: Path | None = None
    """compare with another classifier on the films that both decide (McNemar's test, paired
    bootstrap over patients): predictions.csv of another evaluation or its folder, a run of `train`,
    or an exported model"""
    classes: str = ""
    """classes in order, such as a,b=c+d; by default as the model was trained"""

    @property
    def voting(self) -> VoteOptions:
        """How films are put to the vote: films of a split are known, so none is refused."""
        return VoteOptions(self.seed, self.patches, self.stride, vote=self.vote, gate=False)


Options = SegmentationEvaluationOptions | ClassificationEvaluationOptions

#: Groups of both tasks, the common options first.
_GROUPS = {
    "model, data and output": "model run data split out",
    "film": "source paper_list_only films classes",
    "decision": "patches vote stride clean_masks",
    "further": "against aggregations saliency zones curves patch_probabilities",
    "interval and message": "samples seed quiet log_json",
}
#: The command line of each task.
COMMANDS: dict[str, Command[Any]] = {
    "segmentation": Command(
        SegmentationEvaluationOptions,
        _GROUPS,
        "--run runs/segmentation --data manifest.csv --split test",
    ),
    "classification": Command(
        ClassificationEvaluationOptions,
        _GROUPS,
        "--model saved_models/cxr_triage --data manifest.csv --split test",
    ),
}


def task_of(options: Options) -> str:
    """Return the name of the task of some options.

    Args:
        options: the arguments.
    """
    return (
        "segmentation" if isinstance(options, SegmentationEvaluationOptions) else "classification"
    )


def check_options(options: Options) -> None:
    """Refuse what cannot be right before anything slow is done.

    Args:
        options: the arguments.

    Raises:
        UsageError: says what to give instead.
    """
    if (options.run is None) == (options.model is None):
        raise UsageError("name what to evaluate: either --run RUN or --model SAVED_MODEL")
    if isinstance(options, ClassificationEvaluationOptions):
        options.voting.check("--")
    if isinstance(options, SegmentationEvaluationOptions) and options.clean_masks and options.model:
        raise UsageError("--clean-masks needs --run: an exported model has it or not; leave it out")
    if not 0 <= options.seed < 2**63:
        raise UsageError(f"--seed {options.seed}: give a number from 0 to 2^63 - 1")
    if options.samples < 1 or options.films < 0:
        raise UsageError("--samples starts at 1, --films at 0")
