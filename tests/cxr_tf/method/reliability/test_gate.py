"""The gate in the graph: what it refuses, what it says, and that it changes no vote."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.export import ExportOptions, export
from cxr_tf.films.model import TriageModel
from cxr_tf.method.reliability.formula import Formula, Term
from cxr_tf.method.reliability.parameters import Reliability
from cxr_tf.method.reliability.refusal import DOUBTFUL_MASK
from cxr_tf.method.triage import FUNCTION_SPECS
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.whole_files import write_json
from cxr_tf.saved.build import make_module
from cxr_tf.saved.load import load
from tests.cxr_tf.fake_runs import film, png

#: Any film passes the one, none the other: the features of a random network say nothing.
PASSES, REFUSES = (Formula(0.0, (Term("doubt", 0.0, 1.0, 0.0),), t) for t in (0.4, 0.6))


@pytest.fixture
def file_of(from_python, tmp_path):
    """A mask that is always doubtful, and probabilities sharpened by 2."""

    def write(gate):
        version = from_python.model_version
        found = Reliability(version, gate, REFUSES, 0.5, 0.25, 0.9)
        write_json(tmp_path / "reliability.json", found.record())
        return tmp_path / "reliability.json"

    return write


def model_with(run, path):
    module, card, _ = make_module(None, run, reliability=path)
    name = "predict_film"
    function = tf.function(
        getattr(module, name), input_signature=FUNCTION_SPECS[name], autograph=False
    )
    return TriageModel({name: function}, card)


def test_numbers_are_added_and_no_vote_changes(from_python, fake_classification, file_of):
    before = from_python.predict(film())
    after = model_with(fake_classification, file_of(PASSES)).predict(film())
    added = ("film_score", "mask_quality", "warning", "calibrated_probabilities",
             "conformal_set", "abstain")  # fmt: skip
    for field in dataclasses.fields(before):
        if field.name not in added:
            left, right = getattr(before, field.name), getattr(after, field.name)
            np.testing.assert_array_equal(left, right, err_msg=field.name)
    assert (before.film_score, before.mask_quality, before.warning) == (-1.0, -1.0, "")
    assert before.conformal_set.all() and not before.abstain
    np.testing.assert_array_equal(before.calibrated_probabilities, before.probabilities)
    assert (after.film_score, after.mask_quality, after.warning) == (0.5, 0.5, DOUBTFUL_MASK)
    squares = after.probabilities**2
    expected = squares / squares.sum()
    np.testing.assert_allclose(after.calibrated_probabilities, expected, rtol=1e-4)
    chosen = (expected >= 0.25) | (expected == expected.max())
    np.testing.assert_array_equal(after.conformal_set, chosen)
    assert after.abstain == (chosen.sum() != 1 or not chosen[after.class_index])


def test_a_refused_film_has_no_answer_unless_the_gate_is_left_out(
    from_python, fake_classification, file_of
):
    model = model_with(fake_classification, file_of(REFUSES))
    refused = model.predict(film())
    assert (refused.status, refused.label, refused.class_index) == ("not_chest_film", "", -1)
    assert refused.film_score == 0.5 and refused.warning == "no frontal chest?"
    assert not refused.votes.any() and not refused.conformal_set.any() and not refused.abstain
    assert not refused.calibrated_probabilities.any() and refused.mask_quality == 0
    answered = model.predict(film(), gate=False)
    assert (answered.status, answered.label) == ("ok", from_python.predict(film()).label)


@pytest.mark.slow
def test_an_exported_model_gets_a_gate_and_keeps_it(exported, file_of, tmp_path):
    folder = export(
        ExportOptions(
            model=str(exported),
            out=str(tmp_path / "cxr_gated"),
            reliability=file_of(REFUSES),
            warmup=False,
        )
    )
    module = tf.saved_model.load(str(folder))
    images = tf.constant([png(film()), b"junk"])
    answer = module.signatures["serving_default"](image_bytes=images)
    assert answer["status"].numpy().tolist() == [b"not_chest_film", b"unreadable"]
    assert answer["warning"].numpy().tolist() == [b"no frontal chest?", b""]
    np.testing.assert_array_equal(answer["film_score"], [0.5, 0.0])
    assert load(folder).card.reliability.gate.threshold == 0.6
    again = ExportOptions(model=str(folder), out=str(tmp_path / "m"), precision="mixed_bfloat16")
    with pytest.raises(UsageError, match="was fitted for model"):
        export(dataclasses.replace(again, reliability=file_of(PASSES)))
