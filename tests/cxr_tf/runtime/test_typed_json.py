"""Dataclasses out of JSON: what is taken, and what each fault is called."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pytest

from cxr_tf.runtime.typed_json import read_typed


@dataclass(frozen=True)
class Part:
    share: float
    name: str = "left to no default"

    def __post_init__(self):
        if self.share > 1:
            raise ValueError(f"a share of {self.share}")


@dataclass(frozen=True)
class Whole:
    count: int
    ready: bool
    kind: Literal["one", "many"]
    parts: tuple[Part, ...]
    by_name: Mapping[str, Part]
    rest: Part | None
    notes: Mapping[str, Any]


RECORD = {
    "count": 2,
    "ready": False,
    "kind": "many",
    "parts": [{"share": 0.5, "name": "a"}, {"share": 1, "name": "b"}],
    "by_name": {"c": {"share": 0.25, "name": "c"}},
    "rest": None,
    "notes": {"any": [1, {"thing": None}]},
}


def test_what_was_written_is_read_again():
    found = read_typed(Whole, RECORD)
    assert found.parts == (Part(0.5, "a"), Part(1.0, "b")) and found.by_name["c"].share == 0.25
    assert type(found.parts[1].share) is float  # JSON has one kind of number
    assert read_typed(Whole, json.loads(json.dumps(asdict(found)))) == found
    assert read_typed(Whole, RECORD | {"of a later version": 1}) == found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 2.5}, "count is 2.5, not a whole number"),
        ({"count": True}, "count is True, not a whole number"),
        ({"ready": 1}, "ready is 1, not true or false"),
        ({"kind": "few"}, "kind is 'few', not one of one, many"),
        ({"parts": "ab"}, "parts is 'ab', not a list"),
        ({"parts": [{"share": 0.5, "name": "a"}, 3]}, r"parts\[1\] is 3, not an object"),
        ({"parts": [{"share": 0.5}]}, r"parts\[0\].name is missing"),
        ({"rest": {"share": "0.5", "name": ""}}, "rest.share is '0.5', not a number"),
        ({"by_name": {"c": {"share": 2, "name": "c"}}}, "by_name.c: a share of 2.0"),
        ({"notes": None}, "notes is None, not an object"),
    ],
)
def test_the_field_at_fault_is_named(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        read_typed(Whole, RECORD | change)


def test_every_field_has_to_be_there():
    for name in RECORD:
        with pytest.raises(ValueError, match=f"^{name} is missing$"):
            read_typed(Whole, {k: v for k, v in RECORD.items() if k != name})
    with pytest.raises(ValueError, match="it is .*not an object"):
        read_typed(Whole, [1])
