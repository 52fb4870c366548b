"""The model that a run asks: loaded here, or behind a server."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.runtime.errors import ServerError, UsageError
from cxr_tf.runtime.stopping import raise_if_stopped

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.scoring.options import ScoreOptions
    from cxr_tf.scoring.server.remote_model import RemoteModel


def reach_model(
    folder: Path, options: "ScoreOptions", load: "Callable[[Path], TriageModel] | None" = None
) -> "TriageModel | RemoteModel":
    """Load a model, or reach the server that has it.

    Args:
        folder: the model's version folder.
        options: the arguments, of which a server and its deadline count.
        load: loads the model, by default `cxr_tf.saved.load.load`.

    Returns:
        What answers `predict`.

    Raises:
        UsageError: it cannot be loaded, or the server does not answer.
    """
    if options.server:
        from cxr_tf.scoring.server.remote_model import connect

        remote = connect(options.server, folder, options.deadline)
        remote.check_asked(options.voting)  # refused now, not film by film
        try:
            remote.check()
        except ServerError as error:
            raise UsageError(f"--server {options.server}: {error}") from error
        return remote
    if load is None:
        from cxr_tf.saved import load as from_disk

        load = from_disk.load
    try:
        return load(folder)
    except Exception as error:
        raise_if_stopped()
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"--model {folder} cannot be loaded: {reason}; export it again") from error
