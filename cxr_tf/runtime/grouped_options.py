"""Command lines whose help shows the options in groups, read into one flat set of options."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, make_dataclass
from typing import Any, TypeVar

import tyro

Options = TypeVar("Options")


def read_grouped(
    options: type[Options],
    groups: Mapping[str, type],
    prog: str,
    arguments: Sequence[str],
) -> Options:
    """Read a command line into a dataclass that inherits from one dataclass for each group.

    Args:
        options: the dataclass; its docstring is the description that `--help` prints.
        groups: its bases by the titles of their groups, in the order of the help. Together they
            hold every field of `options`.
        prog: the command, as it is typed.
        arguments: what stands behind it.

    Returns:
        The options; wrong arguments leave with 2 through tyro.
    """
    # A docstring is wrapped for the source: its paragraphs are lines to a terminal.
    description = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.getdoc(options) or "")
    asked: Any = tyro.cli(
        make_dataclass(options.__name__, list(groups.items())),
        prog=prog,
        description=description,
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    values = {
        field.name: getattr(getattr(asked, title), field.name)
        for title, group in groups.items()
        for field in fields(group)
    }
    return options(**values)
