"""An exported model made again: the same weights and answers, or another precision."""

import dataclasses
import json

import numpy as np
import pytest

from cxr_tf.export import ExportOptions, export
from cxr_tf.films.model import TriageModel
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.load import load
from cxr_tf.saved.rebuild import remake_module
from tests.cxr_tf.fake_runs import film


def test_a_model_made_again_is_the_same(exported, tmp_path):
    folder = export(ExportOptions(model=str(exported), out=str(tmp_path / "cxr_again")))
    old, new = load(exported), load(folder)
    assert new.model_version == old.model_version and new.card.name == "cxr_again"
    named = dataclasses.replace(new.card, name=old.card.name, created=old.card.created)
    assert json.dumps(named.record()) == json.dumps(old.card.record())
    expected, found = (dataclasses.asdict(x.predict(film(), explain=True)) for x in (old, new))
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_another_precision_is_another_version(exported):
    old: TriageModel = load(exported)
    module, card, _ = remake_module(exported, "mixed_bfloat16")
    assert card.precision == "mixed_bfloat16" and card.model_version != old.model_version
    assert card.networks.keys() == {"segmentation", "classification"}
    assert module.patches == 100


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"classification": "run", "model": "model"},
        {"model": "model", "segmentation": "run"},
        {"model": "model", "mantissa_bits": 10},
    ],
)
def test_runs_and_a_model_exclude_each_other(options, tmp_path):
    with pytest.raises(UsageError, match="--model"):
        export(ExportOptions(out=str(tmp_path / "out"), **options))
