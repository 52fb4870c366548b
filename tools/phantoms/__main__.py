"""Writes labelled chest phantoms: `python -m tools.phantoms OUT --films 40 --layout manifest`.

One layout goes straight into OUT, several into OUT/<layout>. Phantoms are generated drawings for
testing software; everything made from them says so.
"""

import argparse
import functools
import sys
import time
from pathlib import Path

from cxr_tf.runtime.progress import Reporter
from tools.phantoms.chest import LABELS, Phantom, phantom
from tools.phantoms.layouts import LAYOUTS, write_manifest_layout

__all__ = ["LABELS", "LAYOUTS", "Phantom", "main", "phantom"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

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
    parser.add_argument(
        "--sources", type=int, default=1, help="sources of the layout manifest (%(default)s)"
    )
    options = parser.parse_args(arguments)
    if options.films < 1 or options.seed < 0 or options.size < 64:
        parser.error("--films must be at least 1, --seed at least 0, --size at least 64")
    layouts = list(dict.fromkeys(options.layout or ["manifest"]))
    if options.sources != 1 and layouts != ["manifest"]:
        parser.error("--sources belongs to the layout manifest: leave out --layout")
    for layout in layouts:
        out = options.out if len(layouts) == 1 else options.out / layout
        begin = time.perf_counter()
        write = LAYOUTS[layout]
        if layout == "manifest":
            write = functools.partial(write_manifest_layout, sources=options.sources)
        try:
            write(out, options.films, options.seed, options.size)
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
