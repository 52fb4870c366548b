import os

import pytest

from cxr_tf.runtime.whole_files import whole, write_text


def test_a_file_is_whole_or_the_one_before(tmp_path):
    path = tmp_path / "record.json"
    write_text(path, "first")
    with pytest.raises(OSError, match="No space"), whole(path) as fresh:
        assert fresh.parent == tmp_path and fresh.suffix == ".json"
        fresh.write_text("half of the sec")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "first" and os.listdir(tmp_path) == ["record.json"]
    write_text(path, "second")
    assert path.read_text() == "second" and os.listdir(tmp_path) == ["record.json"]
