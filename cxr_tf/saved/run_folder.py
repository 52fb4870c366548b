"""Read what `cxr_tf.train` leaves in its folder."""

from pathlib import Path

import keras

from cxr_tf.models.names import Precision
from cxr_tf.models.precision import built_in
from cxr_tf.models.registry import build, build_classifier
from cxr_tf.models.weights import load_weights
from cxr_tf.saved.run_options import (
    ClassificationTrainingOptions,
    SegmentationTrainingOptions,
    read_run,
)
from cxr_tf.saved.weights_record import BEST, check_best
from pipelines.classes import parse_classes

#: What the run was trained on: films, their fingerprint, and whether they are phantoms.
DATA = "data.json"


def trained_model(run: Path, precision: Precision = "float32") -> keras.Model:
    """Build the network of a run with its best weights.

    Args:
        run: folder of the run.
        precision: what its layers compute in, whatever they were trained in.

    Returns:
        The network, for the size that it was trained at; for any size where it learnt to vote
        densely.

    Raises:
        FileNotFoundError: the folder holds no run, or no evaluated epoch.
        UsageError: the weights are not those of the run's record.
    """
    config = read_run(run)
    check_best(run / BEST)
    with built_in(precision):
        if isinstance(config, SegmentationTrainingOptions):
            model = build(config.network, size=config.size)
        else:
            assert isinstance(config, ClassificationTrainingOptions)
            classes = parse_classes(config.classes).names
            model = build_classifier(
                config.network,
                approach=config.approach,
                patch_size=config.patch_size,
                classes=len(classes),
            )
    load_weights(model, run / BEST)
    return model
