"""The node beside a real archive: Orthanc sends films on, and gets their results."""

import shutil
import subprocess

import pytest
from pydicom import dcmread

from tests.cxr_tf.hospital.orthanc import Orthanc
from tests.cxr_tf.hospital.sending import storescu
from tools.node.other_side import write_films
from tools.node.running import Node, free_port, until

pytest.importorskip("pynetdicom")
pytest.importorskip("dicomweb_client")
pytest.importorskip("highdicom")
pytestmark = pytest.mark.slow

#: Modalities of a study with its results: the film, the picture, the masks, the report.
WHOLE = ["CR", "OT", "SEG", "SR"]
#: What dciodvfy asks for.
STUDY = {"StudyDate": "20200304", "StudyTime": "101112", "StudyID": "S-1"}


@pytest.fixture
def place(tmp_path, exported):
    """A node and an archive that know each other; neither is started."""
    port = free_port()
    archive = Orthanc(tmp_path / "orthanc", port)
    node = Node(
        tmp_path / "node", exported, port=port, send_to=f"dicom://ORTHANC@127.0.0.1:{archive.dicom}"
    )
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
    if shutil.which("dciodvfy") is None:
        return []
    path.write_bytes(content)
    said = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True).stderr
    lines = said.splitlines()
    assert lines
    return [x for x in lines if not x.endswith("<99CXRTF>") and x.startswith(("Err", "Warn"))]


def test_results_come_back_into_the_study_and_are_valid(place, tmp_path):
    node, archive = place
    with archive, node:
        studies = to_archive(archive, write_films(tmp_path / "films", 3, **STUDY))
        until_whole(archive, studies, node)
        node.until_state("sent", 3)
        for instance in archive.get("/instances"):
            content = archive.get(f"/instances/{instance}/file", raw=True)
            if b"cxr-tf" in content:
                assert checked(content, tmp_path / "object.dcm") == []
        assert len(archive.get("/instances")) == 12 and sum(node.counts().values()) == 3
    if shutil.which("dciodvfy") is None:
        pytest.skip("no dciodvfy: apt-get install dicom3tools")


def test_results_go_by_stow_and_are_found_by_qido(place, tmp_path):
    node, archive = place
    node.options["send_to"] = f"http://127.0.0.1:{archive.web}/dicom-web"
    with archive, node:
        studies = to_archive(archive, write_films(tmp_path / "films", 2))
        until_whole(archive, studies, node)
        node.until_state("sent", 2)


@pytest.mark.parametrize("way", ["dicom", "web"])
def test_an_archive_that_stops_for_a_while_gets_all_afterwards(place, tmp_path, way):
    node, archive = place
    if way == "web":
        node.options["send_to"] = f"http://127.0.0.1:{archive.web}/dicom-web"
    with archive, node:
        films = write_films(tmp_path / "films", 3)
        archive.stop()
        done = storescu(node.port, *films)  # from a machine that knows the node itself
        assert done.returncode == 0, done.stderr
        node.until_state("answered", 3)
        until(lambda: any(x.get("event") == "retry" for x in node.said()), "retry")
        archive.start()
        node.until_state("sent", 3)
        assert len(archive.get("/instances")) == 9  # results alone: the films went past it
        assert node.counts()["failed"] == 0


def test_films_that_came_while_the_node_was_down_follow_the_next_one(place, tmp_path):
    node, archive = place
    first, second, last = write_films(tmp_path / "films", 3)
    with archive:
        studies = to_archive(archive, [first, second])
        until(
            lambda: [x["State"] for x in archive.get("/jobs?expand")].count("Failure") == 2, "jobs"
        )
        with node.start():
            studies += to_archive(archive, [last])
            until_whole(archive, studies, node)
