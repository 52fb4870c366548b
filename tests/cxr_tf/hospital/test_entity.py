"""Connections of the node close their sockets, also those that came to nothing."""

import gc
import os
import socket
import struct
import threading

import pytest

from tools.node.running import free_port

new_entity = pytest.importorskip("cxr_tf.hospital.entity").new_entity


def open_files():
    """How many files and sockets this process has open."""
    return len(os.listdir("/dev/fd"))


@pytest.fixture
def without_collector():
    """What is open stays open until somebody closes it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def associate(port):
    entity = new_entity("SENDER")
    entity.add_requested_context("1.2.840.10008.1.1")
    return entity.associate("127.0.0.1", port)


def test_an_archive_that_is_away_costs_no_socket(without_collector):
    port, before = free_port(), open_files()
    held = [associate(port) for _ in range(3)]
    assert not any(each.is_established for each in held) and open_files() == before


def test_a_peer_that_was_killed_costs_no_socket(without_collector):
    """Its machine answers with a reset, after which a connection cannot be shut down."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        before = open_files()

        def reset():
            peer, _ = server.accept()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.recv(1)
            peer.close()

        thread = threading.Thread(target=reset)
        thread.start()
        held = associate(server.getsockname()[1])
        thread.join()
        held.kill()
        assert not held.is_established and open_files() == before
