"""Options in groups: one flat set of values, and a help that shows the groups in their order."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import tyro

from cxr_tf.runtime.grouped_options import read_grouped


@dataclass(frozen=True, kw_only=True)
class Common:
    """What is read."""

    films: Annotated[tuple[str, ...], tyro.conf.Positional]
    """films to read"""
    out: str
    """folder to write"""


@dataclass(frozen=True, kw_only=True)
class Rare:
    """How it is read."""

    seed: int = 3
    """of the draw"""
    where: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """rows to take"""


@dataclass(frozen=True, kw_only=True)
class Both(Rare, Common):
    """Read films.

    A paragraph that goes on
    in the next line.
    """


GROUPS = {"common": Common, "rare": Rare}


def read(*arguments):
    return read_grouped(Both, GROUPS, "python -m both", arguments)


def test_flags_carry_no_name_of_a_group_and_fill_one_flat_set():
    found = read("--out", "o", "--where", "a=1", "--where", "b=2", "one", "two")
    assert found == Both(films=("one", "two"), out="o", seed=3, where=("a=1", "b=2"))


def test_help_shows_the_groups_in_their_order_under_the_description(capsys):
    with pytest.raises(SystemExit) as leaving:
        read("--help")
    shown = capsys.readouterr().out
    assert leaving.value.code == 0
    places = [
        shown.index(text)
        for text in (
            "Read films.",
            "goes on in the",
            "common options",
            "folder to write",
            "rare options",
        )
    ]
    assert places == sorted(places) and "What is read." in shown


def test_what_is_missing_or_unknown_leaves_with_2(capsys):
    for arguments in (["one"], ["--out", "o", "--nothing", "one"]):
        with pytest.raises(SystemExit) as leaving:
            read(*arguments)
        assert leaving.value.code == 2
    assert "--nothing" in capsys.readouterr().err
