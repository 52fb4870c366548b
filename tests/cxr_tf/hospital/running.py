"""A node in a process of its own, and an archive of Orthanc's beside it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from cxr_tf.hospital.queue import Queue

ROOT = Path(__file__).parents[3]
PATIENCE = 120.0


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(condition, what, seconds=PATIENCE, tell=lambda: ""):
    """Wait until something holds, and give it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} not within {seconds} s\n{tell()}"
        time.sleep(0.05)
    return found


class Node:
    """A node that can be killed and started again."""

    def __init__(self, folder, model, **options):
        self.folder, self.model = folder, model
        self.options = {"port": free_port(), "min_free_megabytes": 1} | options
        self.process = self.log = None
        self.starts = 0

    @property
    def port(self):
        return self.options["port"]

    def start(self, ready=True):
        words = [sys.executable, "-m", "cxr_tf.node", "run", "--model", str(self.model)]
        words += ["--folder", str(self.folder)]
        for name, value in self.options.items():
            for each in value if isinstance(value, tuple) else (value,):
                option = f"--{name.replace('_', '-')}"
                words += [option] if each is True else [option, str(each)]
        self.starts += 1
        self.log = self.folder.with_name(f"{self.folder.name}.{self.starts}.log")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=log)
        if ready:
            self.until_said("ready" if ready is True else ready)
        return self

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def said(self):
        """What the log holds, line by line."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def until_said(self, event):
        def heard():
            assert self.process.poll() is None, self.log.read_text()
            return any(line.get("event") == event for line in self.said())

        until(heard, f"event {event}", tell=self.log.read_text)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def counts(self):
        with Queue(self.folder, create=False) as queue:
            return queue.counts()

    def films(self):
        """The rows of the queue."""
        with Queue(self.folder, create=False) as queue:
            return queue._films("ORDER BY number")

    def until_state(self, state, count, seconds=PATIENCE):
        until(
            lambda: self.counts()[state] == count, f"{count} films {state}", seconds,
            lambda: f"{self.counts()}\n{self.log.read_text()[-3000:]}",
        )  # fmt: skip


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
