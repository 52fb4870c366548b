"""The JSON schemata are those of the exported model, and hold for what is asked and answered."""

import copy
import io
import json
import urllib.request

import pytest

from cxr_tf.method.outputs import given_by
from cxr_tf.runtime.errors import ServerError
from cxr_tf.scoring.server.remote_model import connect
from cxr_tf.scoring.server.rest_transport import RestTransport
from cxr_tf.scoring.server.transport import split_address
from tests.cxr_tf.fake_runs import film, jpeg, png
from tests.cxr_tf.scoring.server.stand_in import Answers, serve_rest
from tools.release import schemata

jsonschema = pytest.importorskip("jsonschema")


def validator(name):
    schema = json.loads((schemata.FOLDER / name).read_text())
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture
def rest(served):
    """Address of a stand-in."""
    address, stop = serve_rest(Answers("cxr_fake", served))
    yield address
    stop()


@pytest.fixture
def log(monkeypatch):
    """Every request and reply, as JSON."""
    found, send = [], urllib.request.urlopen

    def record(request, timeout):
        with send(request, timeout=timeout) as response:
            body = response.read()
        found.append((json.loads(request.data), json.loads(body)))
        return io.BytesIO(body)

    monkeypatch.setattr(urllib.request, "urlopen", record)
    return found


def test_files_are_what_the_tool_writes():
    expected = {name: schemata.text(schema) for name, schema in schemata.schemata().items()}
    assert {path.name: path.read_text() for path in schemata.FOLDER.iterdir()} == expected
    for name in expected:
        jsonschema.Draft202012Validator.check_schema(validator(name).schema)


def test_tensors_are_those_of_the_model(served):
    names = {name for name in served if name != "module"}
    assert schemata.INPUTS.keys() == schemata.GIVERS.keys() == names
    for name in names:
        assert schemata.INPUTS[name].keys() == served[name].structured_input_signature[1].keys()
        given = {output.name for output in given_by(schemata.GIVERS[name])}
        assert given == served[name].structured_outputs.keys()


def test_decisions_asked_for_and_given(rest, exported, log):
    remote = connect(rest, exported / "1", deadline=60)
    assert remote.predict(film()).status == "ok"
    remote.check()  # asks about a film of one grey level, which `predict` need not send
    assert remote.predict(film(size=160), 0, seed=2**40, patches=3).status == "ok"
    remote.close()
    sender = RestTransport(*split_address(rest), "cxr_fake", 60)
    sender.predict("serving_default", {"image_bytes": [png(film()), b"", jpeg(film(1))]})
    names = [request["signature_name"] for request, _ in log]
    assert names == ["serving_default"] * 2 + ["predict_pixels", "serving_default"]
    for name, (request, reply) in zip(names, log, strict=True):
        validator(f"{name}.request.json").validate(request)
        validator(f"{name}.reply.json").validate(reply)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["segment", "explain"])
def test_maps_asked_for_and_given(rest, log, name):
    RestTransport(*split_address(rest), "cxr_fake", 60).predict(
        name, {"image_bytes": [png(film())]}
    )
    ((request, reply),) = log
    validator(f"{name}.request.json").validate(request)
    for films in reply["outputs"].values():
        _thin(films)
    schema = _thinned(validator(f"{name}.reply.json").schema)
    jsonschema.Draft202012Validator(schema).validate(reply)


def _thin(values):
    """Keeps the first of 256 rows and columns of a map."""
    if isinstance(values, list):
        if len(values) == 256:
            del values[4:]
        for each in values:
            _thin(each)


def _thinned(schema):
    """The schema for maps that were thinned: a quarter of a million numbers take seconds."""
    found = copy.deepcopy(schema)

    def visit(node):
        if isinstance(node, dict):
            for name in ("minItems", "maxItems"):
                if node.get(name) == 256:
                    node[name] = 4
            for value in node.values():
                visit(value)

    visit(found)
    return found


def test_an_error(rest, exported):
    sender = RestTransport(*split_address(rest), "another", 60)
    with pytest.raises(ServerError, match="Servable not found"):
        sender.predict("serving_default", {"image_bytes": [b""]})
    validator("error.json").validate({"error": "Servable not found for request"})


@pytest.mark.parametrize(
    "request_",
    [
        {"inputs": {"image_bytes": {"b64": "AA=="}}},  # no leading dimension
        {"inputs": {"image_bytes": ["AA=="]}},
        {"inputs": {"image_bytes": []}},
        {"inputs": {"image_bytes": [{"b64": "AA=="}], "seed": [1]}},
        {"signature_name": "explain", "inputs": {"image_bytes": [{"b64": "AA=="}]}},
        {"instances": [{"image_bytes": {"b64": "AA=="}}]},
    ],
)
def test_requests_of_another_form_are_refused(request_):
    assert not validator("serving_default.request.json").is_valid(request_)
