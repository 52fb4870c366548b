"""An archive of Orthanc's, started for a test."""

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tools.node.running import ROOT, free_port, until


class Orthanc:
    """Orthanc with DICOMweb, that sends films on to a node."""

    def __init__(self, folder, node_port, node_title="CXRTF"):
        if shutil.which("Orthanc") is None:
            pytest.skip("no Orthanc: apt-get install orthanc orthanc-dicomweb")
        [*plugins] = Path("/usr/share/orthanc/plugins").glob("libOrthancDicomWeb.so*")
        if not plugins:
            pytest.skip("no DICOMweb for Orthanc: apt-get install orthanc-dicomweb")
        folder.mkdir()
        self.folder, self.web, self.dicom = folder, free_port(), free_port()
        # As in docs/howto/hospital.md: what comes from a modality goes on, what we send does not.
        (folder / "route.lua").write_text((ROOT / "tools" / "node" / "route.lua").read_text())
        settings = {
            "Name": "test", "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"), "HttpPort": self.web,
            "DicomPort": self.dicom, "DicomAet": "ORTHANC", "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False, "DicomAlwaysAllowStore": True,
            "DicomModalities": {"cxr-tf": [node_title, "127.0.0.1", node_port]},
            "LuaScripts": [str(folder / "route.lua")], "Plugins": [str(plugins[0])],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}, "OverwriteInstances": False,
            "StableAge": 1, "ConcurrentJobs": 2,
        }  # fmt: skip
        self.settings = folder / "orthanc.json"
        self.settings.write_text(json.dumps(settings))
        self.process = None

    def start(self):
        log = (self.folder / "log").open("a")
        with log:
            self.process = subprocess.Popen(
                ["Orthanc", str(self.settings)], stdout=log, stderr=log, cwd=self.folder
            )
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
