"""The workers of a training as `TF_CONFIG` names them, checked before TensorFlow reads it."""

import json
import os
from typing import Any

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.text import one_line

VARIABLE = "TF_CONFIG"
#: Kinds of task that train here; TensorFlow knows `ps` and `evaluator` besides.
TASKS = ("chief", "worker")


def read_cluster() -> dict[str, list[str]] | None:
    """Read who trains together from the environment.

    A variable that is empty or blank counts as unset and is removed, for TensorFlow would take it
    for JSON.

    Returns:
        The addresses of each kind of task, or None where this process trains alone.

    Raises:
        UsageError: the variable is no JSON object, lacks cluster or task, names a task that does
            not train here, or an address or index that cannot be used.
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        return None
    if not text.strip():
        del os.environ[VARIABLE]
        return None
    try:
        return _checked(json.loads(text))
    except json.JSONDecodeError as error:
        fault = f"it is no JSON ({error})"
    except RecursionError:
        fault = "it is no JSON that can be read (nested too deeply)"
    except ValueError as error:
        fault = str(error)
    raise UsageError(
        f"the environment variable {VARIABLE} cannot be used: {one_line(fault)}; "
        'write {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'
        ", or unset it to train on this machine alone"
    )


def _checked(given: Any) -> dict[str, list[str]]:
    """Check the content; raises ValueError with what is wrong."""
    if not isinstance(given, dict):
        raise ValueError(f"it is no object but {json.dumps(given)}")
    for name in ("cluster", "task"):
        if name not in given:
            raise ValueError(f"it has no {name!r}")
        if not isinstance(given[name], dict):
            raise ValueError(f"its {name!r} is no object but {json.dumps(given[name])}")
    cluster: dict[str, list[str]] = given["cluster"]
    if not cluster:
        raise ValueError("its 'cluster' names nobody")
    for kind, addresses in cluster.items():
        _check_kind(kind)
        _check_addresses(kind, addresses)
    everyone = [address for addresses in cluster.values() for address in addresses]
    if twice := sorted({each for each in everyone if everyone.count(each) > 1}):
        raise ValueError(f"the address {twice[0]!r} stands in it twice")
    if len(cluster.get("chief", ())) > 1:
        raise ValueError("it names more than one chief")
    _check_task(given["task"], cluster)
    return cluster


def _check_kind(kind: Any) -> None:
    if kind not in TASKS:
        raise ValueError(
            f"the task type {json.dumps(kind)} is unknown here; a task is chief or worker"
        )


def _check_addresses(kind: str, addresses: Any) -> None:
    if not isinstance(addresses, list) or not addresses:
        raise ValueError(f"the addresses of {kind!r} are no list but {json.dumps(addresses)}")
    for address in addresses:
        host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        whole = bool(host) and not any(letter.isspace() for letter in address)
        if not (whole and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
            raise ValueError(f"the address {json.dumps(address)} of a {kind} is not HOST:PORT")


def _check_task(task: dict[str, Any], cluster: dict[str, list[str]]) -> None:
    for name in ("type", "index"):
        if name not in task:
            raise ValueError(f"its 'task' has no {name!r}")
    kind, index = task["type"], task["index"]
    _check_kind(kind)
    if kind not in cluster:
        raise ValueError(f"the task is a {kind}, but 'cluster' names none")
    # TensorFlow takes a number in quotes as well; launchers that fill in a template write it so.
    quoted = isinstance(index, str) and index.isascii() and index.isdigit()
    number = int(index) if quoted else index
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError(f"the index {json.dumps(index)} of the task is no integer")
    if not 0 <= number < len(cluster[kind]):
        named = f"{len(cluster[kind])} {kind}" + ("s" if len(cluster[kind]) > 1 else "")
        raise ValueError(
            f"the index of the task is {number}, but 'cluster' names {named}, counted from 0"
        )
