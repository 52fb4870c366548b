"""Training curves of runs side by side (Fig. 10): `python -m tools.paper.curves OUT.png RUN...`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.drawing.style import write_figure
from cxr_tf.drawing.training_curves import draw_curves
from cxr_tf.runtime.provenance import NOTICE

if TYPE_CHECKING:
    from pandas import Series


def read_history(run: Path) -> Mapping[str, "Series"]:
    """Read what a run recorded epoch by epoch.

    Args:
        run: folder of a run of `train`.

    Returns:
        By name a series indexed by the epoch, from 1, without the epochs that have no value.

    Raises:
        FileNotFoundError: the folder holds no history.
    """
    import pandas as pd

    path = run / "history.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{run}: no training run here (history.csv is missing)")
    table = pd.read_csv(path)
    table.index = table.pop("epoch") + 1
    return {str(name): table[name].dropna() for name in table.columns}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Args:
        arguments: the command line without the program's name; None for this process's own.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.paper.curves", description=__doc__)
    parser.add_argument("out", type=Path, help="PNG to write")
    parser.add_argument("runs", type=Path, nargs="+", help="runs of `train`, one panel each")
    options = parser.parse_args(arguments)
    try:
        histories = {run.name: read_history(run) for run in options.runs}
    except FileNotFoundError as error:
        parser.error(str(error))
    title = f"Loss and validation by epoch. {NOTICE}"
    write_figure(options.out, draw_curves(histories, title))


if __name__ == "__main__":
    main()
