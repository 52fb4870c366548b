"""Take the weights out of an exported model: each network becomes a run as `train` writes it.

A SavedModel holds its weights as constants without the names of their variables; the hashes that
`cxr_tf.export` wrote beside it find them again, and prove them.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import tyro

from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.command_line import Command
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.whole_files import write_json
from cxr_tf.saved.file_list import check_files
from cxr_tf.saved.model_folders import WEIGHTS, read_card, version_folder
from cxr_tf.saved.run_options import PRESETS, TrainingOptions
from pipelines.native_logs import start_tensorflow

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExtractOptions:
    """Options of `python -m cxr_tf.extract`."""

    model: Annotated[Path, tyro.conf.Positional]
    """Exported model: saved_models/NAME (its newest version), .../VERSION, or the name of a
    released one, such as cxr_triage@5."""
    out: Path
    """Folder for the runs `segmentation` and `classification`."""


#: The command line.
COMMAND = Command(ExtractOptions, {}, "saved_models/cxr_triage --out runs/extracted")


def extract(options: ExtractOptions) -> list[Path]:
    """Write the weights and options of an exported model, one run a network.

    Args:
        options: the model and where to write.

    Returns:
        The runs' folders.

    Raises:
        FileNotFoundError: there is no model.
        UsageError: the model was exported without hashes, or its constants do not have them; its
            files are not those that were exported; or there is a run already.
    """
    from cxr_tf.saved.run_folder import DATA
    from cxr_tf.saved.weights_record import save_best

    folder = version_folder(options.model)
    check_files(folder)
    if not (folder / WEIGHTS).is_file():
        raise UsageError(f"{folder / WEIGHTS} is missing: export the model again")
    hashes: dict[str, dict[str, str]] = json.loads((folder / WEIGHTS).read_text())
    wanted = {each for network in hashes.values() for each in network.values()}
    found = find_arrays(folder / "saved_model.pb", wanted)
    if missing := [
        f"{network}: {path}"
        for network, of_network in hashes.items()
        for path, each in of_network.items()
        if each not in found
    ]:
        raise UsageError(
            f"{folder}: {len(missing)} weights are not in the model, the first is {missing[0]}; "
            "the model or its hashes were changed: restore or export it again"
        )
    card = read_card(folder)
    runs = {network: options.out / network for network in hashes}
    for run in runs.values():
        if (run / "config.json").exists():
            raise UsageError(f"{run} holds a run already: choose another --out")
    for network, run in runs.items():
        arrays = {name: found[each] for name, each in hashes[network].items()}
        save_best(arrays, run, {"notice": NOTICE, "model": folder.parent.name})
        facts = dataclasses.asdict(card.networks[network].data)
        write_json(run / DATA, facts)
        run_config(network, card, runs["segmentation"]).save(run / "config.json")
    return list(runs.values())


def run_config(network: str, card: ModelCard, segmentation: Path) -> TrainingOptions:
    """Give the options of a network that a model card knows.

    Args:
        network: `segmentation` or `classification`.
        card: of the exported model.
        segmentation: run of the network that makes the masks.

    Returns:
        Its preset, with what decides how the network is built and used.
    """
    facts, options = card.networks[network], card.options
    start = PRESETS[network].get(facts.preset, PRESETS[network]["improved"])
    known: dict[str, Any] = {"network": facts.network}
    if network == "segmentation":
        known |= {"size": facts.size, "normalise": options.enhance}
    else:
        of_network = "approach patch_size film_size field_of_view content scaling".split()
        known |= {name: getattr(options, name) for name in of_network}
        known |= {"resolution_limit": options.resolution_limit, "clean_masks": options.clean_masks}
        known |= {"classes": card.class_map, "segmentation": str(segmentation)}
    return dataclasses.replace(start, **known)


def find_arrays(saved_model: Path, hashes: set[str]) -> dict[str, np.ndarray]:
    """Find constants of a SavedModel by their hashes.

    Args:
        saved_model: the file `saved_model.pb`.
        hashes: of `cxr_tf.models.weights.array_hash`.

    Returns:
        Arrays by hash, those that were found.
    """
    start_tensorflow()
    import tensorflow as tf

    from cxr_tf.models.weights import array_hash
    from cxr_tf.runtime.tf_private import SavedModel

    content = SavedModel()
    content.ParseFromString(saved_model.read_bytes())

    def constants() -> Iterator["tf.compat.v1.NodeDef"]:
        for graph in (meta.graph_def for meta in content.meta_graphs):
            yield from (node for node in graph.node if node.op == "Const")
            for function in graph.library.function:
                yield from (node for node in function.node_def if node.op == "Const")

    found: dict[str, np.ndarray] = {}
    for node in constants():
        array = tf.make_ndarray(node.attr["value"].tensor)
        if array.dtype.kind == "f" and (name := array_hash(array)) in hashes:
            found[name] = array
    return found
