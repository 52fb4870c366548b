"""A node in a thread of the test's own process, with a model that is loaded already."""

import signal
import threading

from cxr_tf.hospital import service
from cxr_tf.hospital.options import NodeOptions
from cxr_tf.hospital.queue import Queue
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import Stops
from tools.node.running import PATIENCE, Node


class NodeHere(Node):
    """Costs no start of TensorFlow; all but signals and the command line is as in a process."""

    def __init__(self, folder, exported, model, **options):
        super().__init__(folder, exported, **options)
        self.loaded = model
        self.thread = self.stops = self.status = None

    def start(self, ready="ready"):
        self.new_log()
        self.log.touch()
        self.stops, self.status = Stops(listen=False), None
        options = NodeOptions(model=self.model, folder=self.folder, **self.options)
        self.thread = threading.Thread(target=self._run, args=(options, self.stops), name="node")
        self.thread.start()
        if ready:
            self.until_said(ready)
        return self

    def _run(self, options, stops):
        with self.log.open("w", buffering=1) as log, Reporter(as_json=True, stream=log) as reporter:
            self.status = service.run(options, reporter, stops, load=lambda _: self.loaded)

    def is_alive(self):
        return self.thread is not None and self.thread.is_alive()

    def stop(self, number=signal.SIGTERM):
        self.stops.came = number
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        return self.status

    def kill(self):
        self.stop()


def films_of(node):
    """The rows of the queue."""
    with Queue(node.folder, create=False) as queue:
        return queue._films("ORDER BY number")
