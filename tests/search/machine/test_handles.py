"""Descriptors of sockets, where a script has set a timeout for all sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from multiprocessing import connection

import pytest

from tuner_component.search.machine import handles


@pytest.fixture(autouse=True)
def timeout() -> Iterator[None]:
    """As a script sets it."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(77.0)
    yield
    socket.setdefaulttimeout(before)


def test_descriptors_go_on_blocking() -> None:
    """Who reads a message would be told that it is not there yet, and end."""
    ours, theirs = connection.Pipe()
    given, other = connection.Pipe()
    with ours, theirs, given, other:
        handles.send(ours, given)
        handle = handles.receive(theirs)
        with handles.socket_of(other) as end:
            end.sendall(b"x")
        assert os.read(handle, 1) == b"x"
        every = (ours.fileno(), theirs.fileno(), given.fileno(), other.fileno(), handle)
        assert all(map(os.get_blocking, every))
        os.close(handle)
