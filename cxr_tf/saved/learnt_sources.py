"""Whose films a run has learnt from, as `train` writes it beside the weights."""

import json
from pathlib import Path

#: The file of a run that says it; see `cxr_tf.saved.run_folder`.
_DATA = "data.json"


def learnt_sources(run: Path | None) -> tuple[frozenset[str], bool]:
    """Read whose films the weights of a run have seen, in training or validation.

    Args:
        run: folder of the run; a file of weights, None for an exported model, and runs of earlier
            versions do not say it.

    Returns:
        The sources that are known, and whether there are no others.
    """
    if run is None:
        return frozenset(), False
    try:
        facts = json.loads((run / _DATA).read_text(encoding="utf-8"))
        return frozenset(map(str, facts["sources"])), bool(facts["sources_known"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset(), False
