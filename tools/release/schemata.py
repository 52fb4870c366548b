"""JSON schemata of the REST requests and replies of every signature, for saved_models/serving.

`python -m tools.release.schemata` writes them; a test holds them against the exported model and
what it answers. They describe TensorFlow Serving's columnar form ("inputs" and "outputs"); that all
arrays have as many films is beyond JSON Schema.
"""

import json
import sys
from pathlib import Path
from typing import Any

import tyro

from cxr_tf.method.outputs import FRACTIONS, Giver, Output, given_by
from pipelines.sizes import MOST_PATCHES

FOLDER = Path(__file__).parents[2] / "saved_models" / "serving" / "schemata"
Schema = dict[str, Any]

_LEVELS = 65535
_TEXT = {"type": "string"}
_BYTES = {
    "description": "a PNG or JPEG file",
    "type": "object",
    "required": ["b64"],
    "additionalProperties": False,
    "properties": {"b64": {"type": "string", "contentEncoding": "base64"}},
}


def _integer(least: int, most: int | None = None) -> Schema:
    found: Schema = {"type": "integer", "minimum": least}
    return found if most is None else found | {"maximum": most}


def _array(items: Schema, least: int = 1, most: int | None = None) -> Schema:
    found: Schema = {"type": "array", "items": items, "minItems": least}
    return found if most is None else found | {"maxItems": most}


def _value(output: Output) -> Schema:
    """Give the schema of one value of an output."""
    if output.choices:
        return {"enum": list(output.choices)}
    if output.dtype in ("string", "bool"):
        return {"type": {"string": "string", "bool": "boolean"}[output.dtype]}
    found: Schema = {"type": "number" if output.dtype in FRACTIONS else "integer"}
    for word, bound in zip(("minimum", "maximum"), output.bounds, strict=True):
        if bound is not None:
            found[word] = bound
    return found


def _tensor(output: Output) -> Schema:
    """Give the schema of an output of a batch: at least two classes, at least one patch."""
    found = _value(output)
    for length in reversed(output.shape):
        if isinstance(length, int):
            found = _array(found, length, length)
        else:
            found = _array(found, 2 if length == "C" else 1)
    return _array(found)


def _outputs(entry: Giver) -> dict[str, Schema]:
    return {output.name: _tensor(output) for output in given_by(entry)}


_IMAGE = {"image_bytes": _array(_BYTES)}
INPUTS: dict[str, Schema] = {
    "serving_default": _IMAGE,
    "predict_pixels": {
        "pixels": _array(_array(_array(_integer(0, _LEVELS)))),
        "padding": _array(_integer(-1, _LEVELS)),
        "seed": _array({"type": "integer"}),
        "patches": _array(_integer(1, MOST_PATCHES)),
    },
    "segment": _IMAGE,
    "explain": _IMAGE,
}
#: What each signature gives, by the names of `cxr_tf.method.outputs`.
GIVERS: dict[str, Giver] = {
    "serving_default": "decide",
    "predict_pixels": "decide",
    "segment": "segment",
    "explain": "explain",
}


def _document(title: str, required: list[str], properties: Schema, closed: bool) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": not closed,
    }


def _tensors(tensors: Schema, closed: bool) -> Schema:
    return {
        "type": "object",
        "required": list(tensors),
        "properties": tensors,
        "additionalProperties": not closed,
    }


def schemata() -> dict[str, Schema]:
    """Make the schemata.

    Returns:
        Schema by file name: a request and a reply for each signature, and `error.json`. A reply
        may hold outputs that came later; a request no other inputs.
    """
    found = {}
    for name, inputs in INPUTS.items():
        default = name == "serving_default"
        fields = {"signature_name": {"const": name}, "inputs": _tensors(inputs, True)}
        required = ["inputs"] if default else ["signature_name", "inputs"]
        title = f"Request of {name}: POST /v1/models/NAME:predict"
        found[f"{name}.request.json"] = _document(title, required, fields, True)
        reply = {"outputs": _tensors(_outputs(GIVERS[name]), False)}
        found[f"{name}.reply.json"] = _document(f"Reply of {name}", ["outputs"], reply, True)
    error = {"error": _TEXT}
    title = "Reply with an HTTP status other than 200"
    found["error.json"] = _document(title, ["error"], error, False)
    return found


def main() -> int:
    """Write the files.

    Returns:
        The exit status.
    """
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemata().items():
        (FOLDER / name).write_text(text(schema), encoding="utf-8")
    return 0


def text(schema: Schema) -> str:
    """Write a schema as the files have it.

    Args:
        schema: one of `schemata`.
    """
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(tyro.cli(main, prog="python -m tools.release.schemata", description=__doc__))
