"""The card of a model: what JSON holds of it, and what each fault of it is called."""

import dataclasses
import json

import pytest

from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.reliability.formula import Formula, Term
from cxr_tf.method.reliability.parameters import Reliability
from cxr_tf.method.triage_options import DecisionOptions, TriageOptions
from tests.cards import made_up_card

FORMULA = Formula(0.5, (Term("doubt", 1.0, 2.0, -1.0, 0.25),), 0.4)
FITTED = Reliability("fake-1", FORMULA, FORMULA, 0.5, 0.2, 0.9, {"films": 3})
CARD = made_up_card(reliability=FITTED, precision="mixed_bfloat16", resolution_limit=512)
#: The names on disk, which other programs read.
ON_DISK = (
    "name", "version", "classes", "model_version", "class_map", "phantom", "options",
    "mantissa_bits", "precision", "networks", "reliability", "signatures", "created", "software",
    "use", "decision", "finds_collages",
)  # fmt: skip


def through_json(record):
    return json.loads(json.dumps(record))


def test_a_card_goes_through_json():
    record = through_json(CARD.record())
    assert tuple(record) == ON_DISK
    assert tuple(record["options"]) == (
        "resolution_limit", "enhance", "clean_masks", "approach", "patch_size", "content", "scaling"
    )  # fmt: skip
    assert tuple(record["networks"]["segmentation"]) == (
        "network", "weights_sha256", "data", "preset", "size"
    )  # fmt: skip
    assert ModelCard.from_record(record) == CARD


def test_a_card_keeps_the_order_that_it_was_read_in():
    record = through_json(CARD.record())
    turned = dict(reversed(record.items()))
    found = ModelCard.from_record(turned | {"of a later version": 1})
    assert found == CARD
    assert json.dumps(dataclasses.replace(found, version=2).record()) == json.dumps(
        turned | {"version": 2}
    )


def test_a_card_from_before_there_was_a_choice_refers_nothing_and_stays_as_it_was():
    before = through_json(CARD.record())
    del before["decision"], before["finds_collages"]
    found = ModelCard.from_record(before)
    assert found.decision == DecisionOptions(refer_below=0.0)
    assert json.dumps(found.record()) == json.dumps(before)
    narrow = dataclasses.replace(found, decision=DecisionOptions(refer_below=0.2))
    assert through_json(narrow.record()) == before | {
        "decision": dataclasses.asdict(narrow.decision)
    }
    assert ModelCard.from_record(through_json(narrow.record())) == narrow
    assert narrow.triage_options.refer_below == 0.2


def test_a_card_names_the_size_of_films_only_where_it_is_another_than_before():
    before = through_json(CARD.record())
    assert ModelCard.from_record(before).options.film_size == 1024
    small = made_up_card(film_size=512, patch_size=112)
    record = through_json(small.record())
    assert record["options"]["film_size"] == 512
    found = ModelCard.from_record(record)
    assert found == small and found.triage_options.film_size == 512
    assert found.options.patch_side == CARD.options.patch_side == 224


def test_class_offsets_stand_on_a_card_where_there_are_any():
    shifted = dataclasses.replace(CARD, class_offsets=(0.5, 0.0, -0.25, -0.25))
    record = through_json(shifted.record())
    assert tuple(record) == (*ON_DISK, "class_offsets")
    assert ModelCard.from_record(record) == shifted


def test_the_graph_takes_its_options_from_the_card():
    found = CARD.triage_options
    assert type(found) is TriageOptions and found.resolution_limit == 512
    assert (found.classes, found.version) == (CARD.classes, CARD.model_version)


@pytest.mark.parametrize("name", ON_DISK[:-2])
def test_a_card_of_an_earlier_version_is_refused(name):
    with pytest.raises(ValueError, match=f"^{name} is missing$"):
        ModelCard.from_record({k: v for k, v in CARD.record().items() if k != name})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phantom": "no"}, "phantom is 'no', not true or false"),
        ({"precision": "float64"}, "precision is 'float64', not one of"),
        ({"options": {"resolution_limit": None}}, "options.resolution_limit is None, not a whole"),
        ({"networks": {}}, "networks are .*, not .*segmentation"),
        (
            {"networks": {"segmentation": {"network": "u"}}},
            "segmentation.weights_sha256 is missing",
        ),
        ({"reliability": {"model_version": "x"}}, "reliability.gate is missing"),
        ({"reliability": FITTED.record() | {"temperature": 0}}, "reliability: the temperature"),
        ({"class_map": "normal,viral"}, "class_map is 'normal,viral', classes are"),
        ({"classes": []}, "networks are .*, not .*segmentation"),
    ],
)
def test_the_field_at_fault_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        ModelCard.from_record(CARD.record() | change)
    with pytest.raises(ValueError, match="no JSON object"):
        ModelCard.from_record([])
