"""Options of a training of classification that do not go together."""

from cxr_tf.models.lung_pooling import SCALING
from cxr_tf.models.names import CLASSIFICATION_NETWORKS, feature_stride
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.run_options import ClassificationTrainingOptions
from pipelines.lung_square import LUNGS
from pipelines.masks import EVEN_LUNGS
from pipelines.sizes import SEGMENTATION_SIZE, WINDOWS_ALONG

#: Largest side of the normalised film that patches are cut from; few films have more pixels.
LARGEST_FILM = 2048


def check_options(config: ClassificationTrainingOptions) -> None:
    """Refuse options that do not go together, before any film is read.

    Args:
        config: options of the run.

    Raises:
        UsageError: two of them contradict each other, or one is out of its range.
    """
    if config.film_size % SEGMENTATION_SIZE or not 0 < config.film_size <= LARGEST_FILM:
        raise UsageError(
            f"--film-size {config.film_size}: give a multiple of {SEGMENTATION_SIZE}, the side of "
            f"the masks, up to {LARGEST_FILM}"
        )
    if config.approach == "dense":
        _check_dense(config)
    _check_lungs(config)
    _check_head(config)


def _check_dense(config: ClassificationTrainingOptions) -> None:
    """Refuse what has no windows: see `pipelines.windows`."""
    stride = feature_stride(config.network)
    if "on_lungs" in CLASSIFICATION_NETWORKS[config.network].options:
        raise UsageError(
            f"--approach dense with --network {config.network}, which looks at a film once: take "
            "--network resnet18 or resnet18_layer3"
        )
    if config.patch_size % stride:
        raise UsageError(
            f"--approach dense with --patch-size {config.patch_size}: give a multiple of {stride}, "
            f"the distance between windows of {config.network}"
        )
    if config.film_size > stride * WINDOWS_ALONG:
        raise UsageError(
            f"--approach dense with --film-size {config.film_size}: give at most "
            f"{stride * WINDOWS_ALONG}, for the windows of {config.network} lie {stride} pixels "
            f"apart, and a film has at most {WINDOWS_ALONG} of them along each side"
        )
    if not 1 <= config.crops <= config.batch_size:
        raise UsageError(f"--crops {config.crops}: give 1 to --batch-size {config.batch_size}")


def _check_lungs(config: ClassificationTrainingOptions) -> None:
    """Refuse what the lungs cannot be told apart for."""
    if config.field_of_view == LUNGS and config.approach != "global":
        raise UsageError("--field-of-view lungs: give --approach global, which looks at a whole")
    masked = config.content in ("lungs", EVEN_LUNGS) and config.scaling == SCALING
    if "on_lungs" in CLASSIFICATION_NETWORKS[config.network].options and not masked:
        raise UsageError(
            f"--network {config.network} finds the lungs where its input is not black: give "
            f"--scaling {SCALING} and --content lungs or {EVEN_LUNGS}"
        )


def _check_head(config: ClassificationTrainingOptions) -> None:
    """Refuse what a fitted layer cannot leave out."""
    if config.source_directions and not config.fit_head:
        raise UsageError("--source-directions: give --fit-head, which takes them out")
    if config.agreement and not (config.fit_head and config.approach == "dense"):
        raise UsageError("--agreement: give --fit-head and --approach dense, whose votes it is of")
    if config.agreement < 0.0:
        raise UsageError(f"--agreement {config.agreement}: give 0 or more")
    if not 0.0 <= config.source_share <= 1.0:
        raise UsageError(f"--source-share {config.source_share}: give a share, 0 to 1")
