"""Measures a node: a burst of films, and kills at any moment."""

import os
import random
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cxr_tf.hospital.queue import Queue
from tools.node.other_side import Archive, send
from tools.node.running import PATIENCE, ROOT, Node, until
from tools.process_memory import kibibytes

#: DICOM objects of a film with an answer.
OBJECTS = 3
#: What a node has said before it is killed, in turn: that it loads its model, that it takes films,
#: that one has its answer and is to be sent. And the seconds within which it is killed then.
_MOMENTS, _WITHIN = ("listening", "ready", "answered"), 5.0


def peak_memory(process: int) -> int:
    """Give the most memory that a process and its children have had, in MiB; 0 once it ended.

    Args:
        process: its id.
    """
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        return sum(kibibytes("VmHWM", each) for each in [str(process), *children]) >> 10
    except OSError:
        return 0


def score_memory(load: "Load", out: Path) -> int:
    """Score films with report and DICOM objects; give the most memory that it had, in MiB.

    Args:
        load: what is scored.
        out: folder for the results.
    """
    words = ["--model", str(load.model), "--out", str(out), "--quiet", "--report", "--dicom-out"]
    words += ["--vote", load.vote] if load.vote else []
    command = [sys.executable, "-m", "cxr_tf.score", *words, *map(str, load.films)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        most = max(most, peak_memory(process.pid))
        time.sleep(0.2)
    if process.returncode:
        raise RuntimeError(f"score ended with {process.returncode}")
    return most


@dataclass(frozen=True)
class Load:
    """What a node is given.

    Attributes:
        place: folder for everything.
        model: folder of the model.
        films: paths.
        senders: associations at once.
        vote: how films are put to the vote; '' as the model is.
    """

    place: Path
    model: Path
    films: list[Path]
    senders: int
    vote: str = ""

    def node(self, name: str, archive: Archive) -> Node:
        """Make a node.

        Args:
            name: of its folder.
            archive: gets the results.
        """
        vote = {"vote": self.vote} if self.vote else {}
        return Node(self.place / name, self.model, send_to=archive.address, **vote)

    def patience(self) -> float:
        """Give the seconds in which all must be done."""
        return PATIENCE + 30.0 * len(self.films)


def burst(load: Load) -> dict[str, Any]:
    """Send all films at once, and waits until the archive has all results.

    Args:
        load: what is sent.
    """
    archive, others = Archive(), os.getloadavg()[0]
    node = load.node("burst", archive)
    with node.start():
        began = time.monotonic()
        count = min(load.senders, len(load.films))
        parts = [load.films[start::count] for start in range(count)]
        with ThreadPoolExecutor(load.senders) as pool:
            answers = [
                x for part in pool.map(lambda films: send(node.port, films), parts) for x in part
            ]
        acknowledged = time.monotonic() - began
        node.until_state("sent", len(load.films), load.patience())
        seconds = time.monotonic() - began
        memory = peak_memory(node.running.pid)
        turns = [line["seconds"] for line in node.said() if line.get("event") == "answered"]
        status = node.stop()
    archive.close()
    return {
        "films": len(load.films),
        "acknowledged": answers.count(0),
        "seconds_until_acknowledged": round(acknowledged, 1),
        "answered": len(turns),
        "seconds_until_sent": round(seconds, 1),
        "objects": len(archive.got),
        "different_objects": len(set(archive.got)),
        # In the first, TensorFlow traces its graphs; the others are told apart from it.
        "seconds_a_film": {
            "first": round(turns[0], 2),
            "median": round(statistics.median(turns[1:]), 2),
            "longest": round(max(turns[1:]), 2),
        },
        "memory_mib": memory,
        "exit_status": status,
        "load_average_before": round(others, 1),
    }  # fmt: skip


class _Feeder:
    """Sends films one by one, again and again until each is acknowledged."""

    def __init__(self, port: int, films: list[Path]) -> None:
        self._port, self._waiting = port, list(films)
        self.acknowledged, self.stopped = 0, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while self._waiting and not self.stopped.is_set():
            if send(self._port, self._waiting[:1]) == [0]:
                self._waiting.pop(0)
                self.acknowledged += 1
            self.stopped.wait(0.5)

    def join(self) -> None:
        """Wait until all are acknowledged."""
        self._thread.join()


def _answers(node: Node) -> bool:
    """Say whether a node has answered a film since its start, or has none to answer."""
    counts = node.counts()
    waits = counts["received"] + counts["scoring"]
    return not waits or any(line.get("event") == "answered" for line in node.said())


def kills(load: Load, times: int) -> dict[str, Any]:
    """Kill a node again and again while films come and go.

    Args:
        load: what is sent.
        times: how often.

    Returns:
        What was lost and what was doubled; nothing, where all is well.
    """
    archive, moments = Archive(), random.Random(0)
    node = load.node("kills", archive)
    feeder, found = _Feeder(node.port, load.films), list[str]()
    try:
        for number in range(times):
            moment = _MOMENTS[number % len(_MOMENTS)]
            node.start("listening" if moment == "listening" else "ready")
            if moment == "answered":
                until(partial(_answers, node), "an answer", load.patience())
            time.sleep(moments.uniform(0.0, _WITHIN))
            node.kill()
            counts = node.counts()
            found.append(", ".join(f"{n} {state}" for state, n in counts.items() if n))
        with node.start():
            until(lambda: feeder.acknowledged == len(load.films), "all sent", load.patience())
            feeder.join()
            until(
                lambda: node.counts()["sent"] + node.counts()["failed"] == len(load.films),
                "all answered", load.patience(), node.counts,
            )  # fmt: skip
            node.stop()
    finally:
        feeder.stopped.set()
        feeder.join()
        node.__exit__(None, None, None)
        archive.close()
    with Queue(node.folder, create=False) as queue:
        rows = queue.with_records()
    return {
        "films": len(load.films),
        "kills": times,
        "acknowledged": feeder.acknowledged,
        "rows": len(rows),
        "sent": node.counts()["sent"],
        "lost": len(load.films) - node.counts()["sent"],
        "different_objects": len(set(archive.got)),
        "doubled": len(set(archive.got)) - OBJECTS * len(load.films),
        "objects_sent_again": len(archive.got) - len(set(archive.got)),
        "after_each_kill": found,
    }
