"""The SHA-256 of a run's weights, recorded beside them and checked before they are used.

It has the form of `sha256sum`. For a moment while new weights take the old ones' name it holds
the hashes of both, so that a run killed at any time is never refused for it.
"""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cxr_tf.models.weights import save_arrays
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.whole_files import write_text
from cxr_tf.saved.file_list import known_sha256, read_lines
from pipelines.manifest.checks import file_sha256

#: Weights of the best epoch, averaged and with estimated statistics: ready for inference.
BEST = "best.safetensors"
RECORD = "best.sha256"


def save_best(
    arrays: Mapping[str, np.ndarray], run: Path, metadata: dict[str, str] | None = None
) -> None:
    """Write the weights of a run with the record of their hash.

    Args:
        arrays: by path of their variable.
        run: folder of the run.
        metadata: notes kept in the file's header.

    Raises:
        OSError: a file cannot be written.
    """
    before = _recorded(run / RECORD)
    found: list[str] = []

    def announce(fresh: Path) -> None:
        found.append(file_sha256(fresh))
        _record(run, *found, *before)

    save_arrays(arrays, run / BEST, metadata, announce)
    _record(run, *found)


def check_best(weights: Path) -> None:
    """Refuse weights of a run that are not those it wrote; warn once of a run without a record.

    Args:
        weights: the file. One that is not there, or no run's, is left to who reads it.

    Raises:
        UsageError: the hash is another, or the record is damaged.
        OSError: a file cannot be read.
    """
    if weights.name != BEST or not weights.is_file():
        return
    record = weights.with_name(RECORD)
    if not record.is_file():
        _warn_of(record)
        return
    digest, known = known_sha256(weights), _recorded(record)
    if digest not in known:
        raise UsageError(
            f"{weights} differs from its record: SHA-256 {digest[:12]}…, {RECORD} has "
            f"{', '.join(f'{each[:12]}…' for each in known) or 'none'}. Restore the file or train "
            f"again; if the change is your own, record it: in {weights.parent}, "
            f"sha256sum {BEST} > {RECORD}"
        )


@functools.cache
def _warn_of(record: Path) -> None:
    Reporter().warn(
        f"{record} is missing: whether {BEST} is what the run wrote cannot be told. Where you know "
        f"where it comes from, record it: in {record.parent}, sha256sum {BEST} > {RECORD}"
    )


def _recorded(record: Path) -> list[str]:
    if not record.is_file():
        return []
    return [digest for name, digest in read_lines(record, "train again") if name == BEST]


def _record(run: Path, *digests: str) -> None:
    write_text(run / RECORD, "".join(f"{digest}  {BEST}\n" for digest in dict.fromkeys(digests)))
