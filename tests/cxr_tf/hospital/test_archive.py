"""The node beside a real archive: Orthanc sends films on, and gets their results."""

import shutil
import subprocess

import pytest
from pydicom import dcmread

from tests.cxr_tf.hospital.here import NodeHere
from tests.cxr_tf.hospital.orthanc import Orthanc
from tests.cxr_tf.hospital.sending import storescu
from tools.node.other_side import write_films
from tools.node.running import free_port, until

pytest.importorskip("pynetdicom")
pytest.importorskip("dicomweb_client")
pytest.importorskip("highdicom")
pytestmark = pytest.mark.slow

#: Modalities of a study with its results: the film, the picture, the masks, the report.
WHOLE = ["CR", "OT", "SEG", "SR"]
#: What dciodvfy asks for.
STUDY = {"StudyDate": "20200304", "StudyTime": "101112", "StudyID": "S-1"}


@pytest.fixture
def place(tmp_path, exported, from_python, monkeypatch):
    """A node and an archive that know each other; neither is started."""
    monkeypatch.setattr("cxr_tf.hospital.sender.WAITS", (0.2,) * 5)
    port = free_port()
    archive = Orthanc(tmp_path / "orthanc", port)
    options = {"port": port, "send_to": f"dicom://ORTHANC@127.0.0.1:{archive.dicom}"}
    node = NodeHere(tmp_path / "node", exported, from_python, **options)
    yield node, archive
    node.__exit__(None, None, None)
    archive.stop()


def to_archive(archive, paths):
    done = storescu(archive.dicom, *paths, options=["-aec", "ORTHANC"])
    assert done.returncode == 0, done.stderr
    return [str(dcmread(path).StudyInstanceUID) for path in paths]


def until_whole(archive, studies, node):
    until(
        lambda: all(archive.series(study) == WHOLE for study in studies), "results in the studies",
        tell=lambda: f"{[archive.series(x) for x in studies]}\n{node.log.read_text()[-2000:]}",
    )  # fmt: skip


def checked(content, path):
    """What dciodvfy finds in an object, but for codes that it does not know."""
    path.write_bytes(content)
    said = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True).stderr
    lines = said.splitlines()
    assert lines
    return [x for x in lines if not x.endswith("<99CXRTF>") and x.startswith(("Err", "Warn"))]


def test_results_come_back_into_the_study_and_are_valid(place, tmp_path):
    """Also of films that came while the node was down: they follow the next one."""
    node, archive = place
    first, last = write_films(tmp_path / "films", 2, **STUDY)
    with archive:
        studies = to_archive(archive, [first])
        until(lambda: [x["State"] for x in archive.get("/jobs?expand")] == ["Failure"], "jobs")
        with node:
            studies += to_archive(archive, [last])
            until_whole(archive, studies, node)
            node.until_state("sent", 2)
        assert len(archive.get("/instances")) == 8 and sum(node.counts().values()) == 2
        if shutil.which("dciodvfy") is None:
            pytest.skip("no dciodvfy: apt-get install dicom3tools")
        for instance in archive.get("/instances"):
            content = archive.get(f"/instances/{instance}/file", raw=True)
            if b"cxr-tf" in content:
                assert checked(content, tmp_path / "object.dcm") == []


@pytest.mark.parametrize("way", ["dicom", "web"])
def test_an_archive_that_stops_for_a_while_gets_all_afterwards(place, tmp_path, way):
    node, archive = place
    if way == "web":
        node.options["send_to"] = f"http://127.0.0.1:{archive.web}/dicom-web"
    one, other = write_films(tmp_path / "films", 2)
    with archive, node:
        until_whole(archive, to_archive(archive, [one]), node)
        archive.stop()
        done = storescu(node.port, other)  # from a machine that knows the node itself
        assert done.returncode == 0, done.stderr
        until(lambda: any(x.get("event") == "retry" for x in node.said()), "retry")
        archive.start()
        node.until_state("sent", 2)
        assert len(archive.get("/instances")) == 7  # of the other film the results alone
        assert node.counts()["failed"] == 0
