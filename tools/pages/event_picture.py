"""Take a picture out of TensorBoard events.

Run it by `python -m tools.pages.event_picture RUN TAG OUT.png`.
"""

import argparse
import sys
from pathlib import Path

from cxr_tf.runtime.progress import Reporter


def last_picture(run: Path, tag: str) -> bytes:
    """Find the newest picture of a name.

    Args:
        run: folder of a run, or any folder with event files below it.
        tag: such as `patches/viral`.

    Returns:
        The PNG file.

    Raises:
        LookupError: there is none; the message names those that are there.
    """
    import tensorflow as tf

    newest, picture, tags = -1.0, b"", set()
    for path in sorted(run.rglob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name != "images" and value.tag not in tags:
                    continue
                tags.add(value.tag)
                if value.tag == tag and event.wall_time >= newest:
                    newest, picture = event.wall_time, value.tensor.string_val[2]
    if not picture:
        raise LookupError(f"{run}: no picture {tag}; there are {', '.join(sorted(tags)) or 'none'}")
    return picture


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 written, 2 there is no such picture.
    """
    parser = argparse.ArgumentParser("python -m tools.pages.event_picture", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("tag", help="name of the picture, such as patches/viral")
    parser.add_argument("out", type=Path, help="PNG to write")
    options = parser.parse_args(arguments)
    try:
        options.out.write_bytes(last_picture(options.run, options.tag))
    except (LookupError, OSError) as error:
        Reporter().error(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
