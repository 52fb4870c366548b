"""An archive of Orthanc's, started for a test."""

import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tools.node.running import ROOT, free_port, until

SETTINGS = ROOT / "tools" / "node" / "orthanc.json"


class Orthanc:
    """Orthanc with the settings of docs/howto/hospital.md, but ports of its own."""

    def __init__(self, folder, node_port):
        if shutil.which("Orthanc") is None:
            pytest.skip("no Orthanc: apt-get install orthanc orthanc-dicomweb")
        if not list(Path("/usr/share/orthanc/plugins").glob("libOrthancDicomWeb.so*")):
            pytest.skip("no DICOMweb for Orthanc: apt-get install orthanc-dicomweb")
        folder.mkdir()
        self.folder, self.web, self.dicom = folder, free_port(), free_port()
        shutil.copy(SETTINGS.with_name("route.lua"), folder)
        settings = json.loads(SETTINGS.read_text())
        settings |= {"HttpPort": self.web, "DicomPort": self.dicom}
        settings["DicomModalities"]["cxr-tf"][2] = node_port
        self.settings = folder / "orthanc.json"
        self.settings.write_text(json.dumps(settings))
        self.process = None

    def start(self):
        log = (self.folder / "log").open("a")
        with log:
            self.process = subprocess.Popen(
                ["Orthanc", str(self.settings)], stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, "ORTHANC_STORAGE": str(self.folder / "storage")},
            )  # fmt: skip
        until(self._answers, "Orthanc", 60, (self.folder / "log").read_text)
        return self

    def _answers(self):
        try:
            return self.get("/system")
        except OSError:
            return None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def get(self, path, raw=False):
        """What Orthanc answers."""
        kind = "*/*" if raw else "application/json"
        address = f"http://127.0.0.1:{self.web}{path}"
        request = urllib.request.Request(address, headers={"Accept": kind})
        with urllib.request.urlopen(request, timeout=20) as answer:
            content = answer.read()
        return content if raw else json.loads(content)

    def series(self, study):
        """Modalities in a study, as QIDO-RS tells them."""
        found = self.get(f"/dicom-web/series?StudyInstanceUID={study}&includefield=00080060")
        return sorted(each["00080060"]["Value"][0] for each in found)
