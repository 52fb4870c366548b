"""Metrics for Prometheus and a check of health, on a port of this machine alone."""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from cxr_tf.hospital.events import BUCKETS, Events
from cxr_tf.hospital.films_folder import FilmsFolder
from cxr_tf.hospital.queue import Queue
from cxr_tf.hospital.status import Status
from cxr_tf.runtime.errors import UsageError

#: Seconds without a sign of the worker after which it is taken to be stuck.
STUCK = 600.0


class Seeing:
    """Gathers the numbers of a node.

    Args:
        queue: the queue.
        events: what was counted since the node began.
        folder: of the node.
        least_free: bytes that stay free on the disk.
    """

    def __init__(self, queue: Queue, events: Events, folder: FilmsFolder, least_free: int) -> None:
        self._queue, self._events, self._folder = queue, events, folder
        self._least_free = least_free

    def collect(self) -> Iterable[Metric]:
        """Give the metrics, as prometheus-client asks for them."""
        status, events = Status.of(self._queue), self._events
        films = GaugeMetricFamily("cxr_tf_films", "Films by state", labels=["state"])
        for state, count in status.films.items():
            films.add_metric([state], count)
        yield films
        for name, text, value in (
            ("oldest_waiting_seconds", "Since the oldest film came that has no answer",
             status.oldest_waiting_seconds),
            ("films_last_hour", "Films answered within the last hour", status.films_last_hour),
            ("disk_free_bytes", "Free on the disk of the node's folder", self._folder.free()),
        ):  # fmt: skip
            yield GaugeMetricFamily(f"cxr_tf_{name}", text, value=value)
        yield CounterMetricFamily(
            "cxr_tf_received", "Films taken since the start", value=events.received_films
        )
        yield CounterMetricFamily(
            "cxr_tf_repeated", "Films that were sent again", value=events.repeats
        )
        for name, text, counts in (
            ("refused", "What was not taken, by cause", events.refusals),
            ("retries", "What is tried again later, by cause", events.retries),
        ):
            family = CounterMetricFamily(f"cxr_tf_{name}", text, labels=["cause"])
            for cause, count in dict(counts).items():
                family.add_metric([cause], count)
            yield family
        yield self._seconds()

    def _seconds(self) -> Metric:
        found, total, buckets = dict(self._events.seconds), 0, []
        for bound in (*BUCKETS, float("inf")):
            total += found.get(bound, 0)
            buckets.append((f"{bound:g}".replace("inf", "+Inf"), total))
        family = HistogramMetricFamily("cxr_tf_scoring_seconds", "From a film's turn to its answer")
        family.add_metric([], buckets, self._events.total_seconds)
        return family

    def health(self) -> dict[str, object]:
        """Say whether all is well, and what is not."""
        wrong = []
        if not self._events.beat:
            wrong.append("the model is being loaded")
        elif time.time() - self._events.beat > STUCK:
            wrong.append("the worker gives no sign")
        if self._folder.free() < self._least_free:
            wrong.append("the disk is full")
        try:
            self._queue.counts()
        except Exception as fault:
            wrong.append(f"the queue cannot be read ({type(fault).__name__})")
        return {"healthy": not wrong, "wrong": wrong}


@contextmanager
def served(seeing: Seeing, port: int) -> Iterator[int]:
    """Answer /metrics and /health while a block runs.

    Args:
        seeing: has the numbers.
        port: on 127.0.0.1; 0 for any.

    Yields:
        The port.

    Raises:
        UsageError: the port cannot be listened on.
    """
    registry = CollectorRegistry()
    registry.register(seeing)

    class Handler(BaseHTTPRequestHandler):
        """Answers one request."""

        def do_GET(self) -> None:
            """Answer."""
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            elif self.path == "/health":
                health = seeing.health()
                content = json.dumps(health).encode() + b"\n"
                self._answer(200 if health["healthy"] else 503, "application/json", content)
            else:
                self._answer(404, "text/plain", b"/metrics or /health\n")

        def _answer(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing of who asked."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise UsageError(f"--status-port {port}: {error.strerror}; choose another") from error
    with server:
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
