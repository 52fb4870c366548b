"""Models for Python: from an exported SavedModel, or straight from training runs."""

from pathlib import Path

from cxr_tf.films.model import TriageModel
from cxr_tf.method.vote_options import DENSE
from cxr_tf.models.names import Precision
from cxr_tf.saved.file_list import check_files
from cxr_tf.saved.functions import saved_functions
from cxr_tf.saved.model_folders import read_card, version_folder

#: Functions of an exported model for one decoded film, and of one that can vote densely.
_FUNCTIONS = ("predict_film", "decide_film", "explain_film", "segment_film")
_DENSE_FUNCTIONS = ("predict_film_densely", "explain_film_densely")


def load(path: str | Path) -> TriageModel:
    """Load an exported model.

    Args:
        path: a version folder, or the folder above, of which the newest version is taken, or the
            name of a released model such as `cxr_triage@5`.

    Returns:
        The model.

    Raises:
        FileNotFoundError: there is no model, or it has no card.
        ValueError: model or card is damaged, or from an earlier version; or the files are not those
            that were exported; or a released model cannot be fetched.
    """
    folder = version_folder(Path(path))
    check_files(folder)
    card = read_card(folder)
    further = _DENSE_FUNCTIONS if card.options.approach == DENSE else ()
    return TriageModel(saved_functions(folder, (*_FUNCTIONS, *further)), card)


def from_runs(
    segmentation_run: str | Path | None,
    classification_run: str | Path | None = None,
    resolution_limit: int | None = None,
    clean_masks: bool | None = None,
    precision: Precision = "float32",
) -> TriageModel:
    """Make a model from training runs, without exporting it.

    Args:
        segmentation_run: run of `train segmentation`; None takes the one that the
            classification run was trained with.
        classification_run: run of `train classification`; None gives a model that only segments.
        resolution_limit: overrides the runs' own; 0 for none.
        clean_masks: overrides the classification run's own, or a segmentation run's none.
        precision: what the networks compute in, whatever they were trained in.

    Returns:
        The model.

    Raises:
        FileNotFoundError: a folder holds no run.
        UsageError: neither run is given.
    """
    from cxr_tf.method.triage import entry_points
    from cxr_tf.saved.build import make_module  # Keras, which an exported model does without

    module, card, _ = make_module(
        segmentation_run, classification_run, resolution_limit, clean_masks, precision=precision
    )
    return TriageModel(entry_points(module), card)
