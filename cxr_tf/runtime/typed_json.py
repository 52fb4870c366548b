"""Frozen dataclasses out of JSON: every field is there and of its type, or the message names it."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "a list",
    Mapping: "an object",
}


def read_typed(kind: type[T], value: Any) -> T:
    """Make a dataclass of a JSON object.

    The fields may be text, numbers, truth values, literals, `X | None`, tuples of one type,
    mappings from text, and dataclasses of these. Fields that the dataclass does not know are passed
    over; one that it knows is never left to its default.

    Args:
        kind: the dataclass.
        value: what `json.loads` gave.

    Returns:
        The instance, after the checks of its own `__post_init__`.

    Raises:
        ValueError: a field is missing, of another type, or makes no sense; the message says which.
    """
    found: T = _typed(kind, value, "")
    return found


def _typed(kind: Any, value: Any, place: str) -> Any:
    """Take a value for one of a type; `place` is the way to it, such as `options.scaling`."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        (inner,) = (each for each in arguments if each is not type(None))
        return None if value is None else _typed(inner, value, place)
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{place or 'it'} is {value!r}, not one of {', '.join(arguments)}")
        return value
    if origin is tuple:
        items = _of(tuple, value, place)
        return tuple(_typed(arguments[0], x, f"{place}[{i}]") for i, x in enumerate(items))
    if origin is Mapping:
        items = _of(Mapping, value, place)
        return {k: _typed(arguments[1], x, _below(place, k)) for k, x in items.items()}
    if dataclasses.is_dataclass(kind):
        return _fields(kind, _of(Mapping, value, place), place)
    return _of(kind, value, place)


def _fields(kind: Any, value: Mapping[str, Any], place: str) -> Any:
    hints = get_type_hints(kind)
    given = {}
    for field in dataclasses.fields(kind):
        if not field.init:
            continue
        if field.name not in value:
            raise ValueError(f"{_below(place, field.name)} is missing")
        given[field.name] = _typed(hints[field.name], value[field.name], _below(place, field.name))
    try:
        return kind(**given)
    except ValueError as error:
        raise ValueError(f"{place}: {error}" if place else str(error)) from error


def _of(kind: type, value: Any, place: str) -> Any:
    """Take what JSON has for a plain type; a whole number is a number too, true is none."""
    accepted: Any = kind
    if kind in (float, tuple):
        accepted = (int, float) if kind is float else (list, tuple)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{place or 'it'} is {value!r:.60}, not {_WORDS[kind]}")
    return float(value) if kind is float else value


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
