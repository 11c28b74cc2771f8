"""The driver's ends of connections to other machines."""

import contextlib
import os
import pickle
import socket
import struct
from collections.abc import Iterator

import pytest

from tuner_component.search.parallel.engine import BadMessageError
from tuner_component.search.parallel.protocol import Heartbeat
from tuner_component.search.parallel.ray import links


class _Wire:
    """Both ends: a link, and what another machine puts into the network."""

    def __init__(self, kind: type[links.Link]) -> None:
        self.far, near = socket.socketpair()
        self.link = kind(near.detach())

    def send(self, message: object) -> None:
        self.far.sendall(_bytes(message))


def _bytes(message: object) -> bytes:
    data = pickle.dumps(message)
    return struct.pack("!i", len(data)) + data


@pytest.fixture(params=[links.Link, links.WorkerLink])
def wire(request: pytest.FixtureRequest) -> Iterator[_Wire]:
    made = _Wire(request.param)
    with made.far, contextlib.closing(made.link):
        yield made


def test_half_a_message_is_not_waited_for(wire: _Wire) -> None:
    """A node that is cut off in mid-sentence would keep the driver from all others."""
    data = _bytes(Heartbeat())
    for byte in data[:-1]:
        wire.far.sendall(bytes([byte]))
        assert not wire.link.poll()
    wire.far.sendall(data[-1:])
    assert wire.link.poll()
    assert wire.link.recv() == Heartbeat()
    assert not wire.link.poll()


def test_what_comes_next_stays_where_it_is_waited_for(wire: _Wire) -> None:
    """A message would lie here, unseen, until the next one comes."""
    wire.far.sendall(2 * _bytes(Heartbeat()))
    assert wire.link.poll()
    left = len(_bytes(Heartbeat()))
    there = socket.socket(fileno=os.dup(wire.link.fileno()))
    with there:
        assert len(there.recv(1000, socket.MSG_PEEK)) == left
    for _ in range(2):
        assert wire.link.recv() == Heartbeat()


def test_a_large_message_arrives_whole() -> None:
    """The lines of a log come in pieces that no buffer of the kernel holds."""
    wire = _Wire(links.Link)
    text, sent = "x" * (4 << 20), 0
    data = _bytes(text)
    wire.far.setblocking(False)
    with wire.far, contextlib.closing(wire.link):
        while sent < len(data):
            sent += wire.far.send(data[sent:])
            if sent < len(data):
                assert not wire.link.poll()
        assert wire.link.poll()
        assert wire.link.recv() == text


@pytest.mark.parametrize("much", [0, 2, 10])
def test_the_end_is_an_end_wherever_it_comes(wire: _Wire, much: int) -> None:
    """The loss of a node would be an error of the driver."""
    wire.send(Heartbeat())
    wire.far.sendall(_bytes(Heartbeat())[:much])
    wire.far.close()
    assert wire.link.recv() == Heartbeat()
    assert wire.link.poll()
    with pytest.raises(EOFError):
        wire.link.recv()


def test_a_worker_cannot_have_the_driver_take_all_memory() -> None:
    """One that sends noise would end the search."""
    wire = _Wire(links.WorkerLink)
    with wire.far, contextlib.closing(wire.link):
        wire.far.sendall(struct.pack("!i", 2**31 - 1))
        assert wire.link.poll()
        with pytest.raises(BadMessageError, match="too long"):
            wire.link.recv()
