"""What a node stands is measured and shown; the files that start one give options that it has."""

import json
import re

import pytest
import yaml

from cxr_tf.hospital.options import COMMANDS
from cxr_tf.runtime.command_line import read_command_line
from tools.node.__main__ import RECORD, fell_short, filled, main, node_table
from tools.node.running import ROOT

FOLDER = ROOT / "tools" / "node"
PAGE = ROOT / "docs" / "howto" / "hospital.md"


@pytest.fixture(scope="module")
def record():
    return json.loads((ROOT / "results" / "reliability" / RECORD).read_text())


def options_of(words):
    """What a command line comes to, from the module's name on."""
    return read_command_line(COMMANDS, "it", words[words.index("cxr_tf.node") + 1 :])


def test_the_page_shows_what_was_measured(record):
    page = PAGE.read_text()
    assert filled(page, record) == page
    assert "| open" not in "\n".join(node_table(record)) and node_table({}) == ["open"]


def test_goals_that_were_missed_are_named(record):
    lost = json.loads(json.dumps(record))
    lost["kills"]["lost"], lost["burst"]["acknowledged"] = 1, 199
    lost["turns"][0]["memory_mib"] += 10_000
    new = set(fell_short(lost)) - set(fell_short(record))
    assert len(new) == 3 and "a film was lost" in new


def test_wrong_usage_is_told(capsys):
    assert main(["--kills", "0"]) == 2 and "at least one" in capsys.readouterr().err
    assert main(["--model", "/no/such/model"]) == 2 and "/no/such/model" in capsys.readouterr().err


def test_the_service_gives_options_that_there_are():
    text = (FOLDER / "cxr-tf-node.service").read_text()
    options = options_of(re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1].split())
    assert options.listen == "127.0.0.1" and options.status_port
    assert str(options.folder).startswith("/var/lib/cxr-tf/")


def test_the_containers_are_given_options_and_files_that_there_are():
    services = yaml.safe_load((FOLDER / "docker-compose.yml").read_text())["services"]
    options = options_of(services["node"]["command"])
    assert options.allow_ae == ("ORTHANC",) and options.send_to == "dicom://ORTHANC@orthanc:4242"
    assert f":{options.status_port}/health" in services["node"]["healthcheck"]["test"][-1]
    build = services["node"]["build"]
    assert (FOLDER / build["context"] / build["dockerfile"]).is_file()
    assert (ROOT / build["args"]["LOCK"]).is_file()
    archive = services["orthanc"]
    files = [each.split(":")[0] for each in archive["volumes"] if each.startswith("./")]
    assert len(files) == 3 and all((FOLDER / file).is_file() for file in files)
    named = set(re.findall(r"\$\{(\w+)", (FOLDER / "orthanc.json").read_text()))
    assert named == set(archive["environment"]) and archive["image"].partition(":")[2]
    assert all(port.startswith("127.0.0.1:") for port in archive["ports"])
