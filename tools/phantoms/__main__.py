"""Writes labelled chest phantoms: `python -m tools.phantoms OUT --films 40 --layout manifest`.

One layout goes straight into OUT, several into OUT/<layout>. Phantoms are generated drawings for
testing software; everything made from them says so.
"""

import argparse
import sys
import time
from pathlib import Path

from cxr_tf.runtime.progress import Reporter
from tools.phantoms.chest import LABELS, Phantom, phantom
from tools.phantoms.layouts import LAYOUTS

__all__ = ["LABELS", "LAYOUTS", "Phantom", "main", "phantom"]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: Without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 written, 1 the folder cannot be written, 2 wrong usage.
    """
    parser = argparse.ArgumentParser("python -m tools.phantoms", description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--films", type=int, default=12, help="films in each layout (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the patients (%(default)s)")
    parser.add_argument("--size", type=int, default=512, help="side in pixels (%(default)s)")
    parser.add_argument(
        "--layout",
        action="append",
        choices=list(LAYOUTS),
        help="repeat for several; default: manifest, this project's own form",
    )
    options = parser.parse_args(arguments)
    if options.films < 1 or options.seed < 0 or options.size < 64:
        parser.error("--films must be at least 1, --seed at least 0, --size at least 64")
    layouts = list(dict.fromkeys(options.layout or ["manifest"]))
    for layout in layouts:
        out = options.out if len(layouts) == 1 else options.out / layout
        begin = time.perf_counter()
        try:
            LAYOUTS[layout](out, options.films, options.seed, options.size)
        except ValueError as error:
            parser.error(str(error))
        except OSError as error:
            Reporter().error(f"{out}: cannot be written: {error}")
            return 1
        seconds = time.perf_counter() - begin
        print(f"{out}: {options.films} PHANTOM films ({layout} layout) in {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
