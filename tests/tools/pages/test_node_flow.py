"""The picture of the node is drawn from the code, and says what the code does."""

import re
import xml.etree.ElementTree as ElementTree

from cxr_tf.hospital import queue, sender, work
from cxr_tf.scoring.report.worklist import GROUPS
from tools.pages.node_flow import FAULTS, NODE, PICTURE, drawing, main


def shown(kind):
    tree = ElementTree.fromstring(drawing())
    return [each.text or "" for each in tree.iter() if each.get("class") == kind]


def test_the_picture_is_what_the_tool_draws(tmp_path, monkeypatch):
    assert PICTURE.read_text(encoding="utf-8") == drawing()
    monkeypatch.setattr("tools.pages.node_flow.PICTURE", tmp_path / "flow.svg")
    assert main() == 0
    assert (tmp_path / "flow.svg").read_text(encoding="utf-8") == drawing()


def test_every_state_and_every_group_of_the_worklist_is_shown():
    states = [state for state in queue.STATES if state != queue.FAILED]
    assert shown("pill") == [*states, *GROUPS]
    words = " ".join(shown("note"))
    assert f"{work.TRIES} tries, then {queue.FAILED}" in words
    assert f"{sender.TRIES} tries, then {queue.FAILED}" in words


def test_the_modules_that_are_named_exist_and_each_has_its_faults():
    rooms = PICTURE.parents[2] / "cxr_tf"
    names = [name for file in shown("file") for name in file.split(", ")]
    for name in names:
        assert (rooms / "hospital" / f"{name}.py").is_file() or (rooms / name).is_dir(), name
    assert len(FAULTS) == len(NODE)


def test_a_change_of_the_code_changes_the_picture(monkeypatch):
    monkeypatch.setattr("tools.pages.node_flow.NODE", [(*NODE[0][:3], ("kept",)), *NODE[1:]])
    assert drawing() != PICTURE.read_text(encoding="utf-8")
    assert "kept" in shown("pill")


def test_no_text_leaves_its_sheet():
    width = float(re.search(r'viewBox="0 0 (\d+)', drawing())[1])
    tree = ElementTree.fromstring(drawing())
    for each in tree.iter():
        if each.get("class") in ("note", "file", "name", "head"):
            letter = 6.6 if each.get("class") != "name" else 9  # of a wide typeface
            assert float(each.get("x")) + letter * len(each.text) < width - 10, each.text
