"""The way in over DICOM: a storage SCP that has a film on the disk before it answers success."""

import contextlib
import ssl
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

from pynetdicom import AllStoragePresentationContexts, _config, dimse_messages, evt
from pynetdicom.sop_class import Verification
from pynetdicom.transport import ThreadedAssociationServer

from cxr_tf.hospital.connections import Network, is_within
from cxr_tf.hospital.entity import new_entity
from cxr_tf.hospital.events import Events
from cxr_tf.hospital.films_folder import FilmsFolder, key_of
from cxr_tf.hospital.options import NodeOptions
from cxr_tf.hospital.queue import Queue
from cxr_tf.runtime.errors import UsageError
from pipelines.dicom.syntaxes import DECODED

#: Statuses of C-STORE (PS3.4, table B.2-1).
SUCCESS, OUT_OF_RESOURCES, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xC000
#: PS3.8, 9.3.4: rejected for now by the presentation layer, for a local limit.
_FOR_NOW = (0x02, 0x03, 0x02)
#: Bytes above the largest film at which a connection that goes on sending is broken.
_SLACK = 64 << 20
#: Connections that are answered at all, as a multiple of those that may be open.
_FLOOD = 4
#: Seconds in which a connection must have become an association.
_PATIENCE = 15
_LONGEST_UID = 64
_MIB = 1 << 20


class _Arriving:
    """A film on its way in: pynetdicom writes it here, as to a temporary file.

    Above the largest film, or where the disk takes no more, the file is emptied and the rest of the
    film let go by, so that the sender can be told so once it is through.

    Args:
        folder: for the file.
        largest: bytes of a film at most.
    """

    def __init__(self, folder: Path, largest: int) -> None:
        number, self.name = tempfile.mkstemp(dir=folder, suffix=".dcm")
        self._file: BinaryIO = open(number, "wb", buffering=0)  # noqa: SIM115
        self._largest, self._size, self._given_up = largest, 0, False
        self.file = self

    def write(self, content: bytes) -> int:
        """Write what has come."""
        self._size += len(content)
        if not self._given_up:
            try:
                if self._size <= self._largest and self._file.write(content) == len(content):
                    return len(content)
            except OSError:
                pass
            self._given_up = True
            self._file.truncate(0)
        return len(content)

    def tell(self) -> int:
        """Say how much was written."""
        return self._size

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __del__(self) -> None:
        """Close the file that a broken connection left."""
        with contextlib.suppress(AttributeError):
            self.close()


class _Server(ThreadedAssociationServer):
    """Turns away who may not connect before a byte is read, and never waits for a handshake."""

    allowed: Sequence[Network] = ()
    events: Events

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Say whether a peer may connect."""
        if not is_within(str(client_address[0]), self.allowed):
            self.events.refused("address")
            return False
        # Those above the limit are told so in DICOM; but there is an end to that too.
        if len(self.active_associations) > _FLOOD * self.ae.maximum_associations:
            self.events.refused("connections")
            return False
        return True

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; the handshake of TLS is made in the connection's own thread."""
        assert self.socket is not None
        found, address = self.socket.accept()
        if self.ssl_context is not None:
            found = self.ssl_context.wrap_socket(
                found, server_side=True, do_handshake_on_connect=False
            )
        return found, address

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Shake hands, then speak DICOM."""
        if isinstance(request, ssl.SSLSocket):
            try:
                request.settimeout(self.ae.acse_timeout)
                request.do_handshake()
                request.settimeout(None)
            except OSError:  # ssl.SSLError and TimeoutError are
                self.events.refused("tls")
                self.shutdown_request(request)
                return
        super().process_request_thread(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a connection that breaks from printing what it sent."""
        self.events.refused("connection")


class Receiver:
    """Listens for films while a block runs.

    Args:
        options: the node's.
        folder: where films are kept.
        queue: where they are entered.
        events: told of what happens.
        tls: of the connections; None for plain ones.
        allowed: networks that may connect; none allows all.

    Attributes:
        port: that it listens on.
    """

    def __init__(
        self,
        options: NodeOptions,
        folder: FilmsFolder,
        queue: Queue,
        events: Events,
        tls: ssl.SSLContext | None = None,
        allowed: Sequence[Network] = (),
    ) -> None:
        self._options, self._folder, self._queue = options, folder, queue
        self._events, self._tls, self._allowed = events, tls, allowed
        self._largest = options.max_megabytes * _MIB
        self._least_free = options.min_free_megabytes * _MIB
        self._arriving: dict[int, int] = {}
        self._entering = threading.Lock()
        self._server: _Server | None = None
        self.port = 0

    def __enter__(self) -> Self:
        """Begin to listen.

        Raises:
            UsageError: it cannot.
        """
        # Films go to the disk piece by piece as they come, beside where they will stay.
        _config.STORE_RECV_CHUNKED_DATASET = True
        _config.LOG_HANDLER_LEVEL = "none"
        dimse_messages.NamedTemporaryFile = lambda **_: _Arriving(
            self._folder.receiving, self._largest
        )
        options = self._options
        entity = new_entity(options.ae_title)
        entity.maximum_associations = options.max_associations
        entity.require_called_aet = bool(options.allow_ae)
        entity.require_calling_aet = list(options.allow_ae)
        entity.acse_timeout = _PATIENCE
        entity.maximum_pdu_size = 0x40000
        entity.add_supported_context(Verification)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, list(DECODED))
        handlers = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_REJECTED, lambda _: self._events.refused("association")),
            (evt.EVT_PDU_RECV, self._arrived),
            (evt.EVT_CONN_CLOSE, self._closed),
        ]
        try:
            self._server = entity.make_server(
                (options.listen, options.port), ssl_context=self._tls, evt_handlers=handlers,
                server_class=_Server,
            )  # fmt: skip
        except OSError as error:
            self._end()
            raise UsageError(
                f"--listen {options.listen} --port {options.port} cannot be listened on "
                f"({error.strerror or error}): choose another"
            ) from error
        entity._servers.append(self._server)
        self._server.allowed, self._server.events = self._allowed, self._events
        self.port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="receiver", daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more connections, and give those under way a moment to end."""
        if self._server is not None:
            threads = self._server.active_associations
            self._server.shutdown()
            for association in threads:
                association.abort()
        self._end()

    def _end(self) -> None:
        dimse_messages.NamedTemporaryFile = tempfile.NamedTemporaryFile
        _config.STORE_RECV_CHUNKED_DATASET = False

    def _short_of_disk(self) -> bool:
        return self._folder.free() < self._least_free

    def _requested(self, event: evt.Event) -> None:
        """Turn an association away while the disk is full."""
        if self._short_of_disk():
            self._events.refused("disk")
            event.assoc.acse.send_reject(*_FOR_NOW)
            event.assoc.kill()  # which waits until that is sent

    def _arrived(self, event: evt.Event) -> None:
        """Count what arrives of a film, and break a connection that sends without end."""
        which = id(event.assoc)
        so_far = self._arriving.get(which, 0) + event.pdu.pdu_length
        self._arriving[which] = so_far
        if so_far > self._largest + _SLACK:
            self._events.refused("size")
            event.assoc.abort()

    def _closed(self, event: evt.Event) -> None:
        self._arriving.pop(id(event.assoc), None)

    def _store(self, event: evt.Event) -> int:
        """Keep a film and enter it; return the status for its sender."""
        self._arriving[id(event.assoc)] = 0
        path = Path(event.dataset_path)
        try:
            return self._take(path, str(event.request.AffectedSOPInstanceUID or ""))
        except OSError:
            self._events.refused("disk")
            return OUT_OF_RESOURCES
        except Exception as fault:  # a film must not end the connection of others
            self._events.broke("receiving", fault)
            return NOT_UNDERSTOOD
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _take(self, path: Path, uid: str) -> int:
        """Take a film that has arrived."""
        if not 0 < len(uid) <= _LONGEST_UID:
            self._events.refused("uid")
            return NOT_UNDERSTOOD
        key = key_of(uid)
        if self._queue.waits_for(key):
            self._events.repeated()
            return SUCCESS
        size = path.stat().st_size
        if not size or self._short_of_disk():
            self._events.refused("disk" if self._short_of_disk() else "size")
            return OUT_OF_RESOURCES
        file = f"{key}.dcm"
        with self._entering:  # a film that fails meanwhile may be sent again twice at once
            if self._queue.waits_for(key):
                self._events.repeated()
                return SUCCESS
            self._folder.keep(path, file)
            number = self._queue.add(key, file, file, again=True)
        self._events.received(number, size)
        return SUCCESS
