"""What a run says of the sources that it has learnt from."""

import json

import pytest

from cxr_tf.saved.learnt_sources import learnt_sources


def test_a_run_names_its_sources(tmp_path):
    facts = {"sources": ["a", "b"], "sources_known": True}
    (tmp_path / "data.json").write_text(json.dumps(facts))
    assert learnt_sources(tmp_path) == (frozenset("ab"), True)
    (tmp_path / "data.json").write_text(json.dumps(facts | {"sources_known": False}))
    assert learnt_sources(tmp_path) == (frozenset("ab"), False)


@pytest.mark.parametrize("content", ['{"fingerprint": "0"}', "[]", "no JSON"])
def test_a_run_that_does_not_say_it_is_not_known(tmp_path, content):
    (tmp_path / "data.json").write_text(content)
    assert learnt_sources(tmp_path) == (frozenset(), False)


def test_neither_is_a_file_of_weights_nor_an_exported_model(tmp_path):
    assert learnt_sources(tmp_path / "none.safetensors") == (frozenset(), False)
    assert learnt_sources(None) == (frozenset(), False)
