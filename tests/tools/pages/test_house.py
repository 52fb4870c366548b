"""The picture of the house is drawn from the contract, and shows every room."""

import xml.etree.ElementTree as ElementTree

from tools.pages.house import FILM, PICTURE, ROOT, TRAINING, drawing, layers, modules


def test_the_picture_is_what_the_tool_draws():
    assert PICTURE.read_text(encoding="utf-8") == drawing()


def test_every_room_and_module_is_shown_once_and_the_picture_is_whole():
    tree = ElementTree.fromstring(drawing())
    names = [each.text for each in tree.iter() if each.get("class") == "name"]
    rooms = [room for layer in layers() for room in layer if room != "__main__"]
    assert sorted(names) == sorted([*rooms, "tools", "pipelines"])
    folders = {path.parent.name for path in (ROOT / "cxr_tf").glob("*/__init__.py")}
    assert folders <= set(rooms)
    shown = " ".join(each.text or "" for each in tree.iter() if each.get("class") == "file").split()
    for room in folders:
        assert set(modules(ROOT / "cxr_tf" / room).split()) <= set(shown)
    for steps in (FILM, TRAINING):
        assert {room for room, _ in steps} <= {*rooms, "pipelines"}
