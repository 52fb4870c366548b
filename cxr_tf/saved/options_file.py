"""Read the options of a training from a JSON file, each checked against its type."""

import dataclasses
import functools
import json
import typing
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from cxr_tf.runtime.errors import UsageError

#: Of a type, how a message says what is expected.
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def read_values(path: Path) -> dict[str, Any]:
    """Read a file of options.

    Args:
        path: the file.

    Raises:
        UsageError: there is no such file, or it holds no JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: no options can be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: this is no JSON file ({error})") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path}: this is no JSON object of options, such as a run's config.json")
    return values


def checked_values(path: Path, values: dict[str, Any], kind: type, task: str) -> dict[str, Any]:
    """Check what a file says against the options of a task.

    Args:
        path: the file.
        values: from `read_values`.
        kind: the dataclass of the task.
        task: its name.

    Returns:
        The options as their types have them.

    Raises:
        UsageError: the file is of the other task, has unknown options, or a value that an option
            cannot take.
    """
    values = dict(values)
    written_for = values.pop("task", task)
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = ", ".join(sorted(set(values) - known))
    if written_for != task:
        names = f" (unknown options {unknown})" if unknown else ""
        raise UsageError(
            f"{path}: these are options of the task {written_for!r}, not of {task!r}{names}"
        )
    if unknown:
        raise UsageError(f"{path}: unknown options {unknown}; correct or remove them")
    hints = _hints(kind)
    for name, value in values.items():
        fitting, expected = _fit(value, hints[name])
        if fitting is None:
            raise UsageError(f"{path}: {name} is {json.dumps(value)}; give {expected}")
        values[name] = fitting
    return values


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _fit(value: Any, hint: Any) -> tuple[Any, str]:
    """Give a value as its type has it, None where it is none; and what is expected."""
    inner = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is Literal:
        return (value if value in inner else None), "one of " + ", ".join(map(str, inner))
    if origin is tuple:
        return _fit_list(value, inner)
    if hint is float and type(value) is int:
        return float(value), _WORDS[float]
    return (value if type(value) is hint else None), _WORDS.get(hint, str(hint))


def _fit_list(value: Any, inner: tuple[Any, ...]) -> tuple[Any, str]:
    """Give a list as the tuple that an option takes; see `_fit`."""
    open_ended = len(inner) == 2 and inner[1] is Ellipsis
    each = [_fit(item, inner[0]) for item in value] if isinstance(value, list) else []
    expected = "a list of texts" if inner[0] is str else f"a list of {len(inner)} numbers"
    whole = isinstance(value, list) and (open_ended or len(each) == len(inner))
    fits = whole and not any(isinstance(item, NoneType) for item, _ in each)
    return (tuple(item for item, _ in each) if fits else None), expected
