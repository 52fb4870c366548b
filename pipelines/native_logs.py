"""What libraries say past Python; TensorFlow greets with ten lines, one an error about GPUs."""

import contextlib
import os
import sys
from collections.abc import Iterator

from pipelines.lean_import import KERAS_EXTRAS, left_out

#: TensorFlow's own setting of what it says, and the values that ask for all of it.
LEVEL, TALKATIVE = "TF_CPP_MIN_LOG_LEVEL", ("0", "1")


@contextlib.contextmanager
def native_logs_aside(aside: bool) -> Iterator[None]:
    """Keep off stderr what libraries write to it past Python while they start.

    Args:
        aside: False does nothing.

    Yields:
        Nothing.
    """
    if not aside:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def start_tensorflow(look: bool = True) -> None:
    """Import TensorFlow with its greeting aside, unless `TF_CPP_MIN_LOG_LEVEL` is 0 or 1.

    Keras comes without its `KERAS_EXTRAS`.

    Args:
        look: look for devices too, about which it has most to say.
    """
    os.environ.setdefault(LEVEL, "2")
    with native_logs_aside(os.environ[LEVEL] not in TALKATIVE):
        with left_out(*KERAS_EXTRAS):
            import tensorflow as tf

        if look:
            tf.config.list_physical_devices()
