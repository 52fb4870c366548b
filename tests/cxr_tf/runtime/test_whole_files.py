import json

from cxr_tf.runtime.whole_files import write_json, write_text


def test_text_keeps_line_ends_and_escapes_what_is_no_utf8(tmp_path):
    path = tmp_path / "text.txt"
    write_text(path, "a\r\nb\n\udce9é")
    assert path.read_bytes() == "a\r\nb\n\\udce9é".encode()


def test_json_is_read_back(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {"name": "Müller", "share": 0.25, "none": None})
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "name": "Müller", "share": 0.25, "none": None,
    }  # fmt: skip
    assert "Müller" in path.read_text(encoding="utf-8")
