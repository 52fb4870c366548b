"""Which options of `cxr_tf.score` cannot be right together."""

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.films.parquet import check_pyarrow
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.model_folders import version_folder
from cxr_tf.scoring.server.transport import split_address
from pipelines.sizes import PATCHES

if TYPE_CHECKING:
    from cxr_tf.scoring.options import ScoreOptions


def check(options: "ScoreOptions") -> Path:
    """Refuse what cannot be right before anything slow is done.

    Args:
        options: the arguments.

    Returns:
        The version folder of the model; the folder of the results is there.

    Raises:
        UsageError: wrong usage.
    """
    options.voting.check("--")
    if not 0 < options.read_deadline < float("inf"):
        raise UsageError(f"--read-deadline {options.read_deadline}: give seconds above 0")
    _check_server(options)
    _check_engine(options)
    if "parquet" in options.formats:
        check_pyarrow()
    if options.dicom_out and importlib.util.find_spec("highdicom") is None:
        raise UsageError("--dicom-out needs highdicom: pip install 'cxr-tf[dicom]'")
    if options.voting.ends_early and options.explains:
        raise UsageError(
            "--decision-only and --fast give no maps and no patches: leave out the other option"
        )
    for condition in options.where:
        if "=" not in condition:
            raise UsageError(f"--where {condition}: write COLUMN=VALUE")
    if not options.inputs:
        raise UsageError("no input: name films, folders, or CSV tables with a path column")
    try:
        folder = version_folder(options.model)
    except OSError as error:
        raise UsageError(f"--model: {error}") from error
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {options.out} cannot be made a folder: {error}") from error
    if not os.access(options.out, os.W_OK):
        raise UsageError(f"--out {options.out} cannot be written to: choose another folder")
    return folder


def _check_server(options: "ScoreOptions") -> None:
    """Refuse what no signature does."""
    if not 1 <= options.requests <= 64 or options.deadline <= 0:
        raise UsageError("--requests goes from 1 to 64, --deadline is above 0")
    if not options.server:
        if options.requests > 1:
            raise UsageError("--requests is for --server: the model here takes one film at a time")
        return
    split_address(options.server)
    if not options.gate:
        raise UsageError("--no-gate needs the model here: the signatures always have their gate")
    if options.voting.ends_early:
        raise UsageError(
            "--decision-only and --fast need the model here: no signature ends a vote early"
        )
    if options.explains and (options.seed or options.patches != PATCHES):
        raise UsageError(
            f"--server explains with seed 0 and {PATCHES} patches alone: leave out --seed, "
            "--patches, or what needs maps"
        )


def _check_engine(options: "ScoreOptions") -> None:
    """Refuse what no worker does."""
    if options.workers < 0:
        raise UsageError(f"--workers {options.workers}: give a number from 1, or 0")
    if options.engine == "local":
        if options.ray_address or options.workers:
            raise UsageError("--ray-address and --workers are for --engine ray")
        return
    if options.retry_failed:
        raise UsageError("--engine ray scores a complete run anew: leave out --retry-failed")
    identifies = options.keep_identifiers or options.hash_identifiers
    if options.server or options.explains or identifies:
        raise UsageError(
            "--engine ray writes scores alone, by a model of its own: leave out --server, "
            "--overlays, --report, --patch-table, --dicom-out and identifiers, or the engine"
        )
    if options.ray_address.startswith("ray://"):
        raise UsageError(
            f"--ray-address {options.ray_address}: start the command on a machine of the cluster, "
            "and give auto or HOST:PORT"
        )
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray: pip install 'cxr-tf[distributed]'")
