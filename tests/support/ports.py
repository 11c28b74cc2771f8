"""Ports for servers that tests start, stop and start again."""

import socket


def hold() -> socket.socket:
    """Holds a port of this machine, which nobody else gets until the socket is closed.

    Servers of gRPC may listen there: they share ports.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(("127.0.0.1", 0))
    return held


def number(held: socket.socket) -> int:
    """The number of the port that a socket holds."""
    return int(held.getsockname()[1])
