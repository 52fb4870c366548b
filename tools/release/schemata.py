"""JSON schemata of the REST requests and replies of every signature, for saved_models/serving.

`python -m tools.release.schemata` writes them; a test holds them against the exported model and
what it answers. They describe TensorFlow Serving's columnar form ("inputs" and "outputs"); that all
arrays have as many films is beyond JSON Schema.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pipelines.status import STATUSES

FOLDER = Path(__file__).parents[2] / "saved_models" / "serving" / "schemata"
Schema = dict[str, Any]

_SIDE = 256
_LEVELS = 65535
_TEXT = {"type": "string"}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
#: -1 where the model was exported without.
_SCORE = {"type": "number", "minimum": -1, "maximum": 1}
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


def _map(items: Schema) -> Schema:
    """A map of 256 x 256 pixels."""
    return _array(_array(items, _SIDE, _SIDE), _SIDE, _SIDE)


_IMAGE = {"image_bytes": _array(_BYTES)}
_STATUS = {"status": _array({"enum": list(STATUSES)})}
_DECISION = {
    "label": _array(_TEXT),
    "class_index": _array(_integer(-1)),
    "votes": _array(_array(_integer(0), 2)),
    "probabilities": _array(_array(_SHARE, 2)),
    "agreement": _array(_SHARE),
    "lung_fraction": _array(_SHARE),
    "patches_used": _array(_integer(0, 400)),
    **_STATUS,
    "model_version": _array(_TEXT),
    "film_score": _array(_SCORE),
    "mask_quality": _array(_SCORE),
    "warning": _array(_TEXT),
    "calibrated_probabilities": _array(_array(_SHARE, 2)),
    "conformal_set": _array(_array(_integer(0, 1), 2)),
    "abstain": _array({"type": "boolean"}),
}
_MASK = {"mask": _array(_map(_integer(0, 3)))}
INPUTS: dict[str, Schema] = {
    "serving_default": _IMAGE,
    "predict_pixels": {
        "pixels": _array(_array(_array(_integer(0, _LEVELS)))),
        "padding": _array(_integer(-1, _LEVELS)),
        "seed": _array({"type": "integer"}),
        "patches": _array(_integer(1, 400)),
    },
    "segment": _IMAGE,
    "explain": _IMAGE,
}
OUTPUTS: dict[str, Schema] = {
    "serving_default": _DECISION,
    "predict_pixels": _DECISION,
    "segment": {
        **_MASK,
        "probabilities": _array(_map(_array(_SHARE, 4, 4))),
        **_STATUS,
        "film_score": _array(_SCORE),
        "mask_quality": _array(_SCORE),
    },
    "explain": {
        **_DECISION,
        "saliency": _array(_array(_map(_SHARE), 2)),
        **_MASK,
        "centres": _array(_array(_array(_integer(-1, 1023), 2, 2))),
        "patch_probabilities": _array(_array(_array(_SHARE, 2))),
    },
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
    """Makes the schemata.

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
        reply = {"outputs": _tensors(OUTPUTS[name], False)}
        found[f"{name}.reply.json"] = _document(f"Reply of {name}", ["outputs"], reply, True)
    error = {"error": _TEXT}
    title = "Reply with an HTTP status other than 200"
    found["error.json"] = _document(title, ["error"], error, False)
    return found


def main() -> int:
    """Writes the files.

    Returns:
        The exit status.
    """
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemata().items():
        (FOLDER / name).write_text(text(schema), encoding="utf-8")
    return 0


def text(schema: Schema) -> str:
    """Writes a schema as the files have it.

    Args:
        schema: one of `schemata`.
    """
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
