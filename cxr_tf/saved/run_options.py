"""The options of a training run, one typed dataclass a task, with its presets."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import tyro

from cxr_tf.models.names import CLASSIFICATION_NETWORKS, SEGMENTATION_NETWORKS, Precision
from cxr_tf.runtime.whole_files import write_text
from cxr_tf.saved.options_file import checked_values, read_values
from pipelines.sizes import CLASSIFICATION_SIZE, PATCH_SIZE, SEGMENTATION_SIZE

if TYPE_CHECKING:
    SegmentationNetwork = str
    ClassificationNetwork = str
else:  # what the command line offers
    SegmentationNetwork = tyro.extras.literal_type_from_choices(SEGMENTATION_NETWORKS)
    ClassificationNetwork = tyro.extras.literal_type_from_choices(CLASSIFICATION_NETWORKS)

#: Options that may change when a run goes on.
MAY_CHANGE = frozenset(
    {"config", "data", "out", "epochs", "patience", "profile", "stop_after_steps", "tensorboard"}
    | {"checkpoint_minutes", "checkpoint_steps", "images_every", "cache", "histograms_every"}
)


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Options that both tasks share."""

    data: str = ""
    """A manifest, a folder with one, or a data set that an adapter knows."""
    out: str = ""
    """Folder of the run; a run found there goes on."""
    config: Annotated[str, tyro.conf.arg(metavar="FILE")] = ""
    """A config.json of a run. Its options override the preset's; options on the command line
    override both."""
    preset: Literal["paper", "improved", "demo"] = "improved"
    """Values of all other options: the paper's and its authors' (paper), ours (improved), or
    small networks for phantoms (demo)."""
    network: str = ""
    """Name of the network."""
    seed: int = 0
    """Seed of weights, order and augmentation."""
    epochs: int = 100
    """Most epochs to train."""
    batch_size: int = 2
    """Examples a step over all replicas together."""
    learning_rate: float = 1e-4
    """Peak rate of Adam."""
    schedule: Literal["constant", "plateau", "cosine"] = "plateau"
    """Course of the rate; plateau divides it by 10 when the training loss stalls."""
    warmup_steps: int = 0
    """Steps of linear rise at the start."""
    plateau_patience: int = 5
    """Epochs without a gain in training loss before the rate falls."""
    plateau_gain: float = 1e-3
    """Smallest relative gain in training loss that counts."""
    patience: int = 50
    """Epochs without a better validation score before training stops."""
    l2: float = 0.0
    """Coupled weight decay: half of it times the squared norm of all parameters is added to the
    loss."""
    weight_decay: float = 0.0
    """Decoupled weight decay of the kernels (AdamW)."""
    l1: float = 0.0
    """Weight of the sum of absolute parameters in the loss."""
    ema: float = 0.0
    """Decay of an exponential average of the weights that validation uses; 0 for none."""
    augment: bool = True
    """Vary training examples at random."""
    estimate_batch_norm: int = 0
    """Training batches from which batch-norm statistics are estimated anew, dropout off, before
    each evaluation; 0 keeps the moving averages, and in
    frozen layers those that they started with."""
    validate_every: int = 1
    """Epochs between evaluations."""
    steps_per_epoch: int = 0
    """Steps of one epoch; 0 for one pass over the data."""
    films: int = 0
    """Use only the first so many films of each split; 0 for all."""
    leave_out: tuple[str, ...] = ()
    """Sources whose films are kept out of training, validation and batch-norm statistics, so that
    the model can be judged on them."""
    start_from: str = ""
    """Weights to start from: a run, or a safetensors file of ours."""
    resolution_limit: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 0
    """Reduce films to this longer side before the resize; 0 for none."""
    strategy: Literal["auto", "one", "mirrored", "multiworker"] = "auto"
    """Devices: auto takes TF_CONFIG's workers, all GPUs, or the one device there is."""
    devices: tuple[str, ...] = ()
    """Devices of the mirrored strategy, such as GPU:0 GPU:1; none for all."""
    synchronised_batch_norm: bool = True
    """Share batch statistics between replicas."""
    precision: Precision = "float32"
    """Arithmetic of the networks."""
    xla: bool = False
    """Compile the training step with XLA; one replica only."""
    deterministic: bool = False
    """Bit-equal results on one machine, at some cost in speed."""
    checkpoint_steps: int = 0
    """Steps between checkpoints within an epoch; 0 for none."""
    checkpoint_minutes: float = 5.0
    """Minutes between checkpoints within an epoch; 0 for none."""
    stop_after_steps: int = 0
    """Stop, with a checkpoint, after this many steps of this call; 0 for never."""
    profile: str = ""
    """First and last step to profile for TensorBoard, such as 20:25."""
    tensorboard: bool = True
    """Write scalars and images for TensorBoard."""
    images_every: int = 5
    """Epochs between images for TensorBoard."""
    histograms_every: int = 0
    """Epochs between histograms of weights and activations for TensorBoard; 0 for none."""

    def save(self, path: Path) -> None:
        """Write the options as JSON.

        Args:
            path: the file.
        """
        content = {"task": task_name(type(self)), **dataclasses.asdict(self)}
        write_text(path, json.dumps(content, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read options written by `save`.

        Args:
            path: the file.

        Raises:
            UsageError: the file cannot be read, is of the other task, or has options or values
                that this version does not know.
        """
        return cls(**checked_values(path, read_values(path), cls, task_name(cls)))


@dataclass(frozen=True, kw_only=True)
class SegmentationTrainingOptions(TrainingOptions):
    """Options of `train segmentation`."""

    network: SegmentationNetwork = "fc_densenet103"
    """Name of the network; u_net_small is for phantoms."""
    size: int = SEGMENTATION_SIZE
    """Side of the films in pixels, in training and after it; masks are enlarged to 256."""
    dropout: float = 0.2
    """Share of channels dropped."""
    class_weights: tuple[float, float, float, float] = (0.5, 1.0, 1.0, 1.0)
    """Weights of background, heart, left and right lung (lambda of Eq. 2)."""
    normalise: bool = True
    """Equalise and correct gamma; off for Table V, row "-"."""
    augment_strength: float = 1.0
    """Size of the random changes."""
    frames: float = 0.0
    """Share of training films that are put into a blank frame and stretched."""
    memory_efficient: bool = True
    """Compute in the backward pass again what the dense layers of an FC-DenseNet see. Off, a step
    of FC-DenseNet103 takes a fifth less time, and 5.0 GB in place of 3.6 GB (two films of 256)."""


@dataclass(frozen=True, kw_only=True)
class ClassificationTrainingOptions(TrainingOptions):
    """Options of `train classification`."""

    network: ClassificationNetwork = "resnet18"
    """Name of the network; resnet18_layer3 leaves out the last stage of ResNet-18, and
    resnet18_layer3_lungs averages what is left over the lungs alone; resnet18_layer3_lung_halves
    also compares their upper half with their lower; resnet18_small is for phantoms."""
    segmentation: str = ""
    """Run of `train segmentation` whose network makes the lung masks."""
    approach: Literal["local", "dense", "global"] = "local"
    """What the network learns from: random patches (local); patches and larger crops whose
    windows are all classified, so that it can vote densely too (dense); or the whole film, reduced
    to --patch-size (global)."""
    crops: int = 4
    """For --approach dense: patches to each crop of twice their side. A step takes twice the
    time with 4, and one and a half times with 8."""
    classes: str = "normal,bacterial,tuberculosis,viral=viral+covid19"
    """Classes in order; `a=b+c` joins the manifest's classes b and c."""
    patch_size: int = PATCH_SIZE
    """Side of a patch in pixels (Table XVII: 112, 224, 448)."""
    film_size: int = CLASSIFICATION_SIZE
    """Side in pixels of the normalised film that patches are cut from, a multiple of 256. Half of
    it with half of --patch-size shows the same of the lungs for a quarter of the arithmetic."""
    clean_masks: bool = False
    """Keep only the largest region of the heart and of each lung, and fill its holes."""
    field_of_view: Literal["film", "lungs"] = "film"
    """What --approach global takes for the whole: the film, or the square around its lungs."""
    content: Literal["lungs", "even_lungs", "whole", "outside", "mask"] = "lungs"
    """What of the film the network sees."""
    scaling: Literal["raw255", "imagenet"] = "imagenet"
    """Range of the network's input."""
    imagenet: tuple[str, ...] = ()
    """Files with ImageNet weights: safetensors, or npz with folded and 8-bit kernels;
    `download` fetches the public safetensors file."""
    augment_strength: float = 0.0
    """Size of random changes of grey scale, sharpness and size of patches; 0 for none."""
    jpeg: float = 0.0
    """Share of training patches that are cut from a JPEG copy of the film, of a quality between
    30 and 95. Each film has one copy, made before it is normalised."""
    balance: float = 1.0
    """1 draws every class equally often, 0 every film equally often; values between them mix the
    two."""
    balance_sources: bool = False
    """Draw all classes of a source equally often, so that the source says little about the
    class. A source counts as one over the number of sources that share its rarest class."""
    fit_head: float = 0.0
    """Fit the dense layer before the first step, by logistic regression of films on the mean
    features of their patches, with this penalty on its weights; 0 draws it at random. With
    --learning-rate 0 it stays as it is (a linear probe)."""
    agreement: float = 0.0
    """With --fit-head and --approach dense: further penalty on what the layer makes of the
    difference between windows and the patches at their places, so that both votes and their maps
    agree; 0 for none."""
    source_directions: int = 0
    """With --fit-head: take so many directions out of the features, those in which the means of
    the sources of one class lie farthest apart (nuisance attribute projection, Solomonoff et al.
    2005)."""
    source_share: float = 0.0
    """Share of these directions that stays in the features, 0 to 1."""
    discount_sources: float = 0.0
    """Add the logarithm of each class's share in the film's source to the logits of training, times
    this number (0 to 1), so that the network need not recognise the source (a product of experts,
    Clark et al. 2019)."""
    validation_patches: int = 16
    """Fixed patches a film in every validation."""
    label_smoothing: float = 0.0
    """Share of the target spread over all classes."""
    frozen_stages: int = 0
    """First parts of the network that keep their ImageNet weights: 1 is the first convolution, 2
    to 5 add the stages behind it. A step is then cheaper."""
    style_exchange: float = 0.0
    """Share of training patches whose style, means and spreads of early channels, is mixed with
    that of another patch (MixStyle); 0 for none."""
    cache: str = ""
    """Folder of predicted masks and of normalised films; by default that of the segmentation
    run."""


PRESETS: dict[str, dict[str, TrainingOptions]] = {
    "segmentation": {
        "paper": SegmentationTrainingOptions(
            preset="paper",
            epochs=100,
            batch_size=2,
            learning_rate=1e-4,
            schedule="plateau",
            l2=1e-6,
            patience=20,
            augment=False,
            estimate_batch_norm=0,
        ),
        "improved": SegmentationTrainingOptions(
            preset="improved",
            epochs=60,
            batch_size=4,
            learning_rate=1e-3,
            schedule="cosine",
            warmup_steps=50,
            l2=1e-6,
            patience=30,
            estimate_batch_norm=40,
        ),
        "demo": SegmentationTrainingOptions(
            preset="demo",
            network="u_net_small",
            epochs=8,
            batch_size=4,
            learning_rate=3e-3,
            schedule="cosine",
            estimate_batch_norm=8,
            images_every=4,
        ),
    },
    "classification": {
        "paper": ClassificationTrainingOptions(
            preset="paper",
            epochs=100,
            batch_size=16,
            learning_rate=1e-5,
            schedule="constant",
            l2=0.1,
            l1=1e-5,
            patience=50,
            scaling="raw255",
        ),
        "improved": ClassificationTrainingOptions(
            preset="improved",
            epochs=40,
            batch_size=16,
            learning_rate=2e-4,
            schedule="cosine",
            warmup_steps=50,
            weight_decay=0.1,
            ema=0.98,
            estimate_batch_norm=30,
        ),
        "demo": ClassificationTrainingOptions(
            preset="demo",
            network="resnet18_small",
            epochs=24,
            batch_size=16,
            learning_rate=2e-3,
            schedule="cosine",
            ema=0.9,
            estimate_batch_norm=6,
            validation_patches=8,
            images_every=4,
        ),
    },
}


def task_name(kind: type[TrainingOptions]) -> str:
    """Name of the task that a configuration class belongs to.

    Args:
        kind: the class.
    """
    return "segmentation" if issubclass(kind, SegmentationTrainingOptions) else "classification"


def read_run(run: Path) -> TrainingOptions:
    """Read the options of a run.

    Args:
        run: folder written by `train`.

    Raises:
        FileNotFoundError: the folder holds no run.
    """
    path = run / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{run}: no training run here (config.json is missing)")
    task = read_values(path).get("task")
    return (
        SegmentationTrainingOptions if task == "segmentation" else ClassificationTrainingOptions
    ).read(path)


def changed_options(old: TrainingOptions, new: TrainingOptions) -> list[str]:
    """Name the options that differ between two configurations and must not in one run.

    Args:
        old: options the run was started with.
        new: options asked for now.
    """
    before, after = dataclasses.asdict(old), dataclasses.asdict(new)
    return [
        f"{name}: {before[name]!r} -> {after.get(name)!r}"
        for name in before
        if name not in MAY_CHANGE and before[name] != after.get(name)
    ]


def from_file(task: str, path: Path, preset: str = "") -> TrainingOptions:
    """Read the options of a file over those of a preset.

    Args:
        task: `segmentation` or `classification`.
        path: the file, such as a run's `config.json`, or its folder; it may leave options out.
        preset: what gives the others; '' for the one that the file names.

    Returns:
        The options; `config` names the file.

    Raises:
        UsageError: the file cannot be read, is of the other task, or has unknown options or values
            that an option cannot take.
    """
    if path.is_dir():
        path = path / "config.json"
    presets = PRESETS[task]
    kind = type(presets["improved"])
    values = checked_values(path, read_values(path), kind, task)
    base = presets[preset or values.get("preset", "improved")]
    return dataclasses.replace(base, **values | {"config": str(path)})
