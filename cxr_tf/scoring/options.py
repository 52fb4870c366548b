"""The options of a scoring run."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import get_args

from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.scoring.option_groups import (
    CommonOptions,
    FilmOptions,
    Format,
    MachineOptions,
    OutputOptions,
    RunOptions,
)

#: Groups of options in the order in which `--help` shows them, the common ones first.
GROUPS: dict[str, type] = {
    "common": CommonOptions,
    "vote": VoteOptions,
    "film": FilmOptions,
    "output": OutputOptions,
    "machine": MachineOptions,
    "run": RunOptions,
}


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(
    RunOptions, MachineOptions, OutputOptions, FilmOptions, CommonOptions, VoteOptions
):
    """Decide the class of radiographs by an exported model, and write `scores.csv`.

    Research use only. Not a medical device.

    Example: python -m cxr_tf.score --model saved_models/cxr_triage --out scores --report films/

    A run that was stopped or killed goes on where it was when the same command is given again. Of
    a complete run too the rows that are fine stay: films that are new, or failed and whose file has
    changed, are scored.

    Exit status: 0 done (a refusal such as no_lung is an answer), 1 some inputs failed, 2 wrong
    usage or a folder in use, 130 interrupted by Ctrl-C, 143 by SIGTERM (what was done stays in
    scores.csv.partial).
    """

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats of the finished tables, each once; CSV where none is named."""
        return tuple(dict.fromkeys(self.format)) or ("csv",)

    @property
    def explains(self) -> bool:
        """Whether the model is asked for maps and patches too."""
        return self.draws or self.patch_table

    @property
    def draws(self) -> bool:
        """Whether films get files of their own."""
        return self.overlays or self.report or self.dicom_out

    @property
    def voting(self) -> VoteOptions:
        """How films are put to the vote."""
        return VoteOptions(
            **{field.name: getattr(self, field.name) for field in fields(VoteOptions)}
        )


def spread_formats(arguments: Sequence[str]) -> list[str]:
    """Write `--format csv parquet FILM` as `--format csv --format parquet FILM`.

    Args:
        arguments: of the command line.

    Returns:
        The same with every format behind a `--format` of its own, so that a film may stand behind.
    """
    spread: list[str] = []
    names, more = get_args(Format), False
    for argument in arguments:
        if more and argument in names and spread[-1] in names:
            spread.append("--format")
        more = argument == "--format" or (more and argument in names)
        spread.append(argument)
    return spread
