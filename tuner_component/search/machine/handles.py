"""Sockets that processes read as plain descriptors, and hand to each other.

A script may have set a timeout for all sockets (`socket.setdefaulttimeout`). Then each
object that Python makes of a descriptor has that descriptor not block any more, and with it
all copies of it, in all processes. `multiprocessing.Connection` cannot read such a one.
"""

import os
import socket
from multiprocessing import connection, reduction
from typing import Protocol


class HasFileno(Protocol):
    """What has a descriptor."""

    def fileno(self) -> int:
        """The descriptor."""


def socket_of(channel: HasFileno | int) -> socket.socket:
    """A socket of its own for a descriptor, which stays open and goes on blocking.

    Args:
        channel: The descriptor, or what has one.
    """
    number = channel if isinstance(channel, int) else channel.fileno()
    end = socket.socket(fileno=os.dup(number))
    end.setblocking(True)
    return end


def send(way: connection.Connection, channel: HasFileno) -> None:
    """Gives another process a descriptor, which stays open here.

    Args:
        way: Connection to that process.
        channel: What has the descriptor.

    Raises:
        OSError: If that process is gone.
    """
    try:
        reduction.send_handle(way, channel.fileno(), None)
    finally:
        os.set_blocking(way.fileno(), True)


def receive(way: connection.Connection) -> int:
    """Takes a descriptor that another process gives.

    Args:
        way: Connection to that process.

    Raises:
        EOFError: If that process is gone.
        OSError: The same.
    """
    try:
        return int(reduction.recv_handle(way))
    finally:
        os.set_blocking(way.fileno(), True)
