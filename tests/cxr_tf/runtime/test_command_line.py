"""Command lines of dataclasses: groups, help below a second, and values as in the class."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

import pytest
import tyro

from cxr_tf.analysis import options as analysis
from cxr_tf.evaluation import options as evaluation
from cxr_tf.export import COMMAND as EXPORT
from cxr_tf.hospital import options as hospital
from cxr_tf.runtime.command_line import Command, read_command_line
from cxr_tf.saved import weights_out
from cxr_tf.saved.run_option_groups import EXAMPLES, GROUPS
from cxr_tf.saved.run_options import PRESETS
from cxr_tf.scoring import options as scoring
from tests.processor_time import timed_python
from tools.leave_one_out.__main__ import STEPS

TRAINING = {
    task: Command(type(presets["paper"]), GROUPS, EXAMPLES[task])
    for task, presets in PRESETS.items()
}
COMMANDS = [
    *TRAINING.values(),
    *evaluation.COMMANDS.values(),
    scoring.COMMAND,
    *hospital.COMMANDS.values(),
    analysis.COMMAND,
    EXPORT,
    weights_out.COMMAND,
    *STEPS.values(),
]


@dataclass(frozen=True, kw_only=True)
class Base:
    size: int = 3
    """Side of it
    in pixels."""
    colour: Literal["red", "blue"] = "red"
    """Hue."""


@dataclass(frozen=True, kw_only=True)
class Options(Base):
    """Do it."""

    films: tyro.conf.Positional[tuple[str, ...]]
    """What it is done to."""
    out: str
    """Folder."""
    size: int = 4
    """Side, said anew."""
    later: bool = True
    """Wait."""


COMMAND = Command(Options, {"output": "out films", "look": "colour size unknown"}, "--out x film")


def help_of(command, arguments, capsys):
    with pytest.raises(SystemExit) as end:
        read_command_line(command, "python -m it", arguments)
    assert not end.value.code
    return capsys.readouterr().out


def test_help_shows_groups_in_their_order_and_an_example(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    text = help_of(COMMAND, ["--help"], capsys)
    order = ["Do it.", "What it is done to.", " options ", "--later", " output options "]
    order += ["--out STR", " look options ", "--colour", "--size INT", "Side, said anew."]
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert text.endswith("\nexample:\n  python -m it --out x film\n")
    assert "Side of it in pixels. (default: 3)" in help_of(Command(Base, {}, ""), ["-h"], capsys)


def test_values_are_those_of_the_flat_class():
    given = ["--colour", "blue", "--out", "x", "--no-later", "a.png", "b.png"]
    read = read_command_line(COMMAND, "it", given)
    assert read == Options(films=("a.png", "b.png"), out="x", colour="blue", later=False)
    default = Options(films=(), out="y", size=9)
    read = read_command_line(COMMAND, "it", ["film"], default=default)
    assert read == dataclasses.replace(default, films=("film",))


def test_a_step_is_chosen_by_its_word(capsys):
    steps = {"one": COMMAND, "two": Command(Base, {"look": "size colour"}, "--size 5")}
    assert read_command_line(steps, "it", ["two", "--size", "5"]) == Base(size=5)
    assert isinstance(read_command_line(steps, "it", ["one", "--out", "x", "film"]), Options)
    assert help_of(steps, ["two", "--help"], capsys).endswith("python -m it two --size 5\n")
    assert help_of(steps, ["--help"], capsys).endswith("python -m it one --out x film\n")


def test_wrong_usage_leaves_with_2_and_without_an_example(capsys):
    with pytest.raises(SystemExit) as end:
        read_command_line(COMMAND, "it", ["film"])
    assert end.value.code == 2
    told = capsys.readouterr()
    assert "--out" in told.err and told.out == ""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.kind.__name__)
def test_every_option_has_one_group_and_the_example_is_read(command):
    names = [name for titles in command.groups.values() for name in titles.split()]
    assert len(names) == len(set(names))
    fields = [field.name for field in dataclasses.fields(command.kind)]
    assert sorted(name for shown in command.layout().values() for name in shown) == sorted(fields)
    if len(fields) > 6:
        assert set(fields) <= set(names), "in a long list each option has a group"
    read = read_command_line(command, "it", command.example.partition(" -- ")[0].split())
    assert type(read) is command.kind


def test_no_group_names_an_option_that_there_is_not():
    known = {field.name for each in COMMANDS for field in dataclasses.fields(each.kind)}
    assert {
        name for each in COMMANDS for text in each.groups.values() for name in text.split()
    } <= known


@pytest.mark.parametrize(
    "command",
    ["cxr_tf.train segmentation", "cxr_tf.train classification", "cxr_tf.evaluate classification"]
    + ["cxr_tf.export", "cxr_tf.analyse", "cxr_tf.extract", "cxr_tf.info"]
    + ["cxr_tf.node run", "tools.leave_one_out run"],
)
def test_help_takes_less_than_a_second(command):
    seconds = []
    for _ in range(2):
        shown, taken = timed_python("-m", *command.split(), "--help")
        seconds.append(taken)
        assert f"example:\n  python -m {command} --" in shown or command.endswith("extract")
    assert min(seconds) < 1.0
