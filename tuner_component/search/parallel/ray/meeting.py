"""Connections between machines that only those can make who know the search's key.

Nothing that a stranger sends is looked at: both sides prove first that they know the key,
by `multiprocessing.connection`'s challenges, and until then nothing is unpickled.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from multiprocessing import AuthenticationError, connection
from typing import Any

from tuner_component.search.machine import handles
from tuner_component.search.parallel.ray.messages import CodeWanted, Hello

# A stranger who connects and says nothing is sent away after so many seconds, and no more
# than so many are heard at a time.
_HANDSHAKE_S = 10
_AT_A_TIME = 128


class Reception:
    """Listens for agents and workers at an address of this machine.

    Args:
        host: The address.
        key: What those who connect must know.
        arrived: Called with each connection that has been made, and its first word; in
            a thread of its own. The connection ends when it returns.

    Attributes:
        address: Host and port.
    """

    def __init__(
        self,
        host: str,
        key: bytes,
        arrived: Callable[[Any, connection.Connection], None],
    ) -> None:
        self._key = key
        self._arrived = arrived
        self._free = threading.BoundedSemaphore(_AT_A_TIME)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server(
            (host, 0), family=family, backlog=_AT_A_TIME
        )
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        threading.Thread(target=self._listen, daemon=True, name="reception").start()

    def _listen(self) -> None:
        while True:
            try:
                guest, _ = self._socket.accept()
            except OSError:
                continue  # Too many files are open, or the guest has left already.
            if self._free.acquire(blocking=False):
                threading.Thread(target=self._meet, args=(guest,), daemon=True).start()
            else:
                guest.close()

    def _meet(self, guest: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError, EOFError, AuthenticationError):
                guest.setblocking(True)  # Whatever the script has set for all sockets.
                _limit(guest, _HANDSHAKE_S)
                with connection.Connection(guest.detach()) as channel:
                    connection.deliver_challenge(channel, self._key)
                    connection.answer_challenge(channel, self._key)
                    hello = channel.recv()
                    limit(channel, 0)
                    self._arrived(hello, channel)
        finally:
            self._free.release()


def call(
    address: tuple[str, int], key: bytes, hello: Hello | CodeWanted
) -> connection.Connection:
    """Connects to a reception.

    Args:
        address: Host and port.
        key: The search's key.
        hello: The first word.

    Raises:
        OSError: If nobody listens there.
        AuthenticationError: If the other side does not know the key.
    """
    guest = socket.create_connection(address, timeout=_HANDSHAKE_S)
    guest.settimeout(None)
    _limit(guest, _HANDSHAKE_S)
    channel = connection.Connection(guest.detach())
    try:
        connection.answer_challenge(channel, key)
        connection.deliver_challenge(channel, key)
        channel.send(hello)
        limit(channel, 0)
    except BaseException:
        channel.close()
        raise
    return channel


def hang_up(channel: handles.HasFileno, how: int = socket.SHUT_RDWR) -> None:
    """Ends a connection, and whatever any thread waits for at it.

    Args:
        channel: The connection.
        how: Which of its directions, as for a socket's `shutdown`.
    """
    with handles.socket_of(channel) as end, contextlib.suppress(OSError):
        end.shutdown(how)


def limit(channel: handles.HasFileno, seconds: int) -> None:
    """Has reads and writes fail of which nothing comes for some time; 0 for no limit."""
    with handles.socket_of(channel) as end:
        _limit(end, seconds)


def _limit(end: socket.socket, seconds: int) -> None:
    """Has reads and writes fail after some time. A `settimeout` would not: see below."""
    # Connection reads the descriptor itself, which must stay a blocking one.
    limit = struct.pack("ll", seconds, 0)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
