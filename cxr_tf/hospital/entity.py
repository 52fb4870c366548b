"""Application entities of pynetdicom, whose connections close their sockets however they end."""

import contextlib
import logging
import socket

from pynetdicom import AE
from pynetdicom.transport import AssociationSocket

#: Seconds without a word after which the other side is given up.
_SILENCE = 60
#: Bytes of one message on the wire at most; those with pixels are kept to a quarter of it.
_LARGEST_PDU = 1 << 20

# They name what is sent, and by whom.
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)


def _close(self: AssociationSocket) -> None:
    """Shut a connection down and close its socket.

    In pynetdicom 3.0.4 a failing shutdown keeps close from being called, and shutdown fails where
    the peer is gone already: a node that was killed, an archive that is away. Such a socket stayed
    open until the collector of garbage came.
    """
    if self.socket is not None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self.socket.close()


_receive = AssociationSocket.recv


def _receive_limited(self: AssociationSocket, nr_bytes: int) -> bytearray:
    """Receive a message; one that announces more than any may have ends the connection.

    pynetdicom gathers a message in memory, of whatever length its first bytes name: up to 4 GiB.
    """
    if nr_bytes > _LARGEST_PDU:
        raise OSError(f"a message of {nr_bytes} bytes was announced")
    return _receive(self, nr_bytes)


AssociationSocket._shutdown_socket = _close
AssociationSocket.recv = _receive_limited


def new_entity(title: str) -> AE:
    """Make an application entity.

    Args:
        title: its AE title.

    Returns:
        The entity, with the time limits of the node.
    """
    entity = AE(title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = _SILENCE
    return entity
