"""Connections between machines."""

import contextlib
import os
import queue
import socket
import threading
from collections.abc import Iterator
from multiprocessing import AuthenticationError, connection
from typing import Any

import pytest

from tuner_component.search.parallel.ray import meeting
from tuner_component.search.parallel.ray.messages import Hello

_KEY = b"k" * 32
_HELLO = Hello("worker-0", "a1", "127.0.0.1")


class _Host:
    """A reception, and those who have arrived."""

    def __init__(self) -> None:
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.reception = meeting.Reception("127.0.0.1", _KEY, self._let_in)

    def _let_in(self, hello: Hello, channel: connection.Connection) -> None:
        # It is closed when this returns, as the descriptor has been passed on.
        copy = connection.Connection(os.dup(channel.fileno()))
        self._arrived.put((hello, copy))

    def next(self, timeout: float = 10) -> tuple[Hello, connection.Connection]:
        arrived: tuple[Hello, connection.Connection] = self._arrived.get(
            timeout=timeout
        )
        return arrived

    @property
    def is_empty(self) -> bool:
        return self._arrived.empty()


@pytest.fixture
def host() -> Iterator[_Host]:
    """A reception on this machine."""
    yield _Host()


def test_those_who_know_the_key_are_let_in(host: _Host) -> None:
    """No worker of a cluster could reach its driver."""
    with meeting.call(host.reception.address, _KEY, _HELLO) as ours:
        hello, theirs = host.next()
        with theirs:
            assert hello == _HELLO
            theirs.send("word")
            assert ours.recv() == "word"
            ours.send(["answer"])
            assert theirs.recv() == ["answer"]


def test_those_whose_sockets_have_a_timeout_are_let_in(host: _Host) -> None:
    """A script that sets one for its downloads would have no cluster."""
    socket.setdefaulttimeout(77.0)
    try:
        ours = meeting.call(host.reception.address, _KEY, _HELLO)
        _, theirs = host.next()
        with ours, theirs:
            assert os.get_blocking(ours.fileno())
            assert os.get_blocking(theirs.fileno())
    finally:
        socket.setdefaulttimeout(None)


def test_a_wrong_key_is_not_let_in(host: _Host) -> None:
    """Anyone in the network could have the driver unpickle what he likes."""
    with pytest.raises((AuthenticationError, EOFError, OSError)):
        meeting.call(host.reception.address, b"x" * 32, _HELLO)
    with meeting.call(host.reception.address, _KEY, _HELLO):
        assert host.next()[0] == _HELLO
    assert host.is_empty


def test_nothing_of_a_stranger_is_unpickled(host: _Host) -> None:
    """A pickle runs code: it must not be opened before its sender is known."""
    opened = threading.Event()
    with socket.create_connection(host.reception.address) as stranger:
        channel = connection.Connection(os.dup(stranger.fileno()))
        with channel, contextlib.suppress(OSError, EOFError):
            channel.send(_Bomb())  # Instead of an answer to the challenge.
            channel.recv_bytes()
            channel.recv_bytes()
    assert not opened.is_set() and not _Bomb.went_off
    with meeting.call(host.reception.address, _KEY, _HELLO):
        assert host.next()[0] == _HELLO


class _Bomb:
    went_off = False

    def __reduce__(self) -> Any:
        return (_go_off, ())


def _go_off() -> None:
    _Bomb.went_off = True


def test_a_silent_stranger_keeps_nobody_out(host: _Host) -> None:
    """One who connects and says nothing would keep all workers from the search."""
    with contextlib.ExitStack() as strangers:
        for _ in range(5):
            strangers.enter_context(socket.create_connection(host.reception.address))
        with meeting.call(host.reception.address, _KEY, _HELLO):
            assert host.next()[0] == _HELLO


def test_strangers_cannot_use_up_the_driver(
    host: _Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port scanner that holds a thousand connections open would starve the search."""
    with contextlib.ExitStack() as strangers:
        held = [
            strangers.enter_context(socket.create_connection(host.reception.address))
            for _ in range(meeting._AT_A_TIME + 10)
        ]
        late = held[-1]
        late.settimeout(10)
        assert late.recv(1) == b""  # Sent away at once.
        threads = [t for t in threading.enumerate() if "_meet" in t.name]
        assert len(threads) <= meeting._AT_A_TIME


def test_one_who_does_not_know_the_key_is_no_host() -> None:
    """A worker would take its orders from whoever has taken the driver's port."""
    with socket.create_server(("127.0.0.1", 0)) as impostor:
        address = impostor.getsockname()[:2]
        answers = threading.Thread(target=_pretend, args=(impostor,))
        answers.start()
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            meeting.call(address, _KEY, _HELLO)
        answers.join()


def _pretend(impostor: socket.socket) -> None:
    guest, _ = impostor.accept()
    with (
        connection.Connection(guest.detach()) as channel,
        contextlib.suppress(EOFError, OSError, AuthenticationError),
    ):
        connection.deliver_challenge(channel, b"y" * 32)
