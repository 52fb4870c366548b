"""Starts N local workers of one training: `python -m tools.launch_workers 2 segmentation --data …`.

Each worker gets its TF_CONFIG and runs `python -m cxr_tf.train` with the arguments that follow the
number. What they write is shown with the worker's number in front. When one ends with a fault, all
are stopped; the same command goes on from the last checkpoint.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TextIO

from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import Stops, stop_status

#: Seconds that workers get to end by themselves once one has failed or a signal came.
GRACE = 15.0


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on.

    Args:
        count: how many.
    """
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def configurations(ports: Sequence[int]) -> list[str]:
    """Write TF_CONFIG of each worker; the first is the chief.

    Args:
        ports: one a worker.

    Returns:
        JSON texts.
    """
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    return [
        json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        for index in range(len(ports))
    ]


def _show(worker: int, lines: TextIO) -> None:
    with lines:
        for line in lines:
            print(f"[{worker}] {line}", end="", file=sys.stderr, flush=True)


def _stop(processes: Sequence[subprocess.Popen[str]], grace: float) -> None:
    """Ask, wait, and then insist."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + grace
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def launch(
    count: int, command: Sequence[str], environment: Mapping[str, str], grace: float = GRACE
) -> int:
    """Run workers until all are done or one fails.

    Args:
        count: workers.
        command: what each runs.
        environment: variables of each; TF_CONFIG is added.
        grace: seconds that the others get once one has failed.

    Returns:
        0 where all ended with 0, 130 after Ctrl-C, 143 after SIGTERM, otherwise the status of the
        worker that failed first (1 where a signal ended it).
    """
    processes, readers = [], []
    try:
        for worker, text in enumerate(configurations(free_ports(count))):
            process = subprocess.Popen(
                command,
                env={**environment, "TF_CONFIG": text},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="backslashreplace",
                start_new_session=True,  # Ctrl-C comes to us, and we pass it on in order
            )
            processes.append(process)
            readers.append(threading.Thread(target=_show, args=(worker, process.stdout)))
            readers[-1].start()
        while None in [process.poll() for process in processes]:
            failed = [(i, p.returncode) for i, p in enumerate(processes) if p.returncode]
            if failed:
                worker, status = failed[0]
                how = signal.Signals(-status).name if status < 0 else f"status {status}"
                Reporter().error(
                    f"worker {worker} ended with {how}; stopping the others. The same command "
                    "goes on from the last checkpoint."
                )
                return max(status, 1)
            time.sleep(0.2)
        return max(max(process.returncode, 1) if process.returncode else 0 for process in processes)
    except KeyboardInterrupt as stop:
        Reporter().warn("interrupted; stopping the workers")
        return stop_status(stop)
    finally:
        _stop(processes, grace)
        for reader in readers:
            reader.join()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the number of workers, then the arguments of `cxr_tf.train`; None: those of the
            process.

    Returns:
        The exit status; 2 for wrong usage.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) < 2 or not given[0].isdecimal() or not 1 <= int(given[0]) <= 64:
        print(__doc__, file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "cxr_tf.train", *given[1:]]
    with Stops():
        return launch(int(given[0]), command, os.environ)


if __name__ == "__main__":
    sys.exit(main())
