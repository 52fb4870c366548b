"""One entrance to all commands."""

import subprocess
import sys
from pathlib import Path

import pytest

import cxr_tf
from cxr_tf.__main__ import COMMANDS, main

FOLDER = Path(cxr_tf.__file__).parent


def test_every_command_is_listed():
    loose = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "__main__"}
    assert set(COMMANDS) == loose


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_all_are_described(arguments, capsys):
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert all(f"  {name:<10}{what}" in text for name, what in COMMANDS.items())
    assert "Not a medical device" in text


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == cxr_tf.__version__


def test_an_unknown_command_names_the_near_one(capsys):
    assert main(["scores", "film.png"]) == 2
    assert capsys.readouterr().err == "error: there is no command scores; did you mean score?\n"
    assert main(["zzz"]) == 2
    assert "choose one of score, info" in capsys.readouterr().err


def test_a_command_gets_its_arguments_and_gives_its_status(capsys):
    assert main(["info", "--json"]) == 0
    assert capsys.readouterr().out.startswith("{")
    with pytest.raises(SystemExit) as stop:
        main(["info", "--models", "/no/such/folder"])
    assert stop.value.code == 2


def test_the_list_needs_no_tensorflow():
    code = "import sys, cxr_tf.__main__ as m; m.main([]); sys.exit('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0
