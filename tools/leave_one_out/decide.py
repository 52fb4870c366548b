"""Decide the films of some sources by a run, from what its training has kept of them.

The answers are those of `cxr_tf.evaluate --run`. But all folds have the same masks, and segmenting
takes most of the time of an evaluation: here no film is decoded or segmented twice.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from cxr_tf.evaluation.against import TABLE
from cxr_tf.evaluation.patch_store import PATCHES_FILE, write_patches
from cxr_tf.evaluation.split import select_films
from cxr_tf.films.split_answers import film_path
from cxr_tf.measures.vote_rules import best
from cxr_tf.method.vote_options import DENSE
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.whole_files import write_json, write_text
from cxr_tf.saved.file_list import known_sha256
from cxr_tf.saved.run_folder import trained_model
from cxr_tf.saved.run_options import ClassificationTrainingOptions, read_run
from cxr_tf.saved.weights_record import BEST
from cxr_tf.training.all_windows import AllWindows
from cxr_tf.training.run import masks_of, read_examples
from pipelines.classes import ClassMap, parse_classes
from pipelines.classification_examples import ClassificationExamples
from pipelines.manifest.table import Manifest, ManifestRow
from pipelines.patches import network_input
from pipelines.status import NO_LUNG, OK

#: Seed of the centres, as in serving.
SEED = 0
#: Says that all is written.
DONE = "metrics.json"

Floats = npt.NDArray[np.float32]


def decide(
    run: Path, data: Manifest, out: Path, split: str, sources: Sequence[str], patches: int
) -> None:
    """Write the decisions on films, and the probabilities of their patches.

    Where the run learnt to vote densely, the decisions of that vote lie beside them in `dense`.

    Args:
        run: a run of `train classification`.
        data: all rows.
        out: folder to write `predictions.csv`, `patches.npz` and `metrics.json` into.
        split: of the films, or `all`.
        sources: of the films.
        patches: patches of a film that vote.

    Raises:
        UsageError: there is no such run, film or source, or its weights are not those recorded.
        FileFault: a film cannot be read.
    """
    config = read_run(run)
    if not isinstance(config, ClassificationTrainingOptions):
        raise UsageError(f"{run} is no run of classification")
    classes = parse_classes(config.classes)
    films = select_films(data, "classification", split, classes, sources=sources)
    rows, network = list(films.rows), trained_model(run)
    examples, seen = read_examples(config, rows, masks_of(config, rows), classes)
    version = known_sha256(run / BEST)[:12]
    ways = {"": by_patches(network, config, examples, patches)}
    if config.approach == DENSE:
        ways[DENSE] = list(AllWindows(config).probabilities(network, examples))
    folder = films.root if films.root.is_dir() else films.root.parent
    for name, found in ways.items():
        place = out / name
        place.mkdir(parents=True, exist_ok=True)
        chances = iter(found)
        of_films = [next(chances) if has else None for has in seen]
        table = _table(rows, folder, of_films, classes, version)
        write_text(place / TABLE, table.to_csv(index=False, lineterminator="\n"))
        if not name:  # the windows of films differ in number
            write_patches(place / PATCHES_FILE, list(table["path"][seen]), found)
        write_json(place / DONE, {"run": str(run), "films": len(rows), "split": split})


def by_patches(
    network: keras.Model,
    config: ClassificationTrainingOptions,
    examples: ClassificationExamples,
    count: int,
) -> list[Floats]:
    """Classify random patches of each film.

    Args:
        network: of a run.
        config: its options.
        examples: the films.
        count: patches of a film.

    Returns:
        Softmax of each film's patches, float32 [count, C].
    """

    @tf.function(autograph=False)
    def look(patches: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(
            network(network_input(patches, config.scaling), training=False)["logits"]
        )

    return [look(patches).numpy() for patches in examples.fixed_patches(count, SEED)]


def _table(
    rows: Sequence[ManifestRow],
    folder: Path,
    probabilities: Sequence[Floats | None],
    classes: ClassMap,
    version: str,
) -> pd.DataFrame:
    """Lay the decisions out as an evaluation does, as far as the folds' figures need them."""
    lines, count = [], len(classes.names)
    for row, found in zip(rows, probabilities, strict=True):
        votes, means, label, share = np.zeros(count, np.int64), np.zeros(count), "", 0.0
        if found is not None:
            votes = np.bincount(found.argmax(1), minlength=count)
            means = found.astype(np.float64).mean(0)
            label = classes.names[best(votes / len(found), found)]
            share = votes.max() / len(found)
        lines.append(
            {
                "path": film_path(row, folder),
                "patient_id": row.patient_id,
                "source": row.source,
                "class": row.label,
                "truth": classes.names[classes.index(row.label)],
                "status": NO_LUNG if found is None else OK,
                "label": label,
                "agreement": round(share, 6),
                "patches_used": int(votes.sum()),
                **{f"votes_{name}": n for name, n in zip(classes.names, votes, strict=True)},
                **{f"p_{name}": round(p, 6) for name, p in zip(classes.names, means, strict=True)},
                "model_version": version,
            }
        )
    return pd.DataFrame(lines)
