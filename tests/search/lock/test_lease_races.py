"""Processes that take one lease at the same moment, again and again."""

import contextlib
import json
import os
import random
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import buckets, crashes
from tuner_component.search.errors import StudyLockedError
from tuner_component.search.lock import lease as lease_lib
from tuner_component.search.lock import owner
from tuner_component.search.lock.lease import Lease
from tuner_component.search.storage import stores

URI = "gs://b/lease.json"
TAKERS = 3
ROUNDS = 200
# Requests may take many times as long as those that write a lease wait for each other.
SETTLE_S, LONGEST_S = 0.002, 0.02


def take(
    directory: Path, environ: Mapping[str, str], on_condition: bool, descriptor: int
) -> None:
    """What a taker does: each time that it is told to, it tries, and says how it went."""
    buckets.see(directory, environ)
    lease_lib.SETTLE_S = SETTLE_S
    store = stores.opened("gs://b") if on_condition else None
    link = socket.socket(fileno=descriptor)
    held: Lease | None = None
    link.sendall(b"+")  # It is there.
    while order := link.recv(1):
        if order == b"-":  # The round is over.
            if held is not None:
                held.release()
            held = None
            link.sendall(b"-")
            continue
        # The lease of another taker is never stale: that lives here.
        taker = Lease(URI, owner.describe(), stale_after=0.004, store=store)
        taker._keep = lambda: None  # type: ignore[method-assign]
        if store is None:
            write = taker._file.write

            def write_late(data: bytes, write: object = write) -> None:
                time.sleep(random.uniform(0, LONGEST_S))
                write(data)  # type: ignore[operator]

            taker._file.write = write_late  # type: ignore[method-assign]
        try:
            taker.acquire()
            held = taker
            link.sendall(b"1")
        except StudyLockedError:
            link.sendall(b"0")


@contextlib.contextmanager
def racing(directory: Path, on_condition: bool) -> Iterator[list[socket.socket]]:
    """Takers that wait for their first order."""
    environ = dict(os.environ)
    with contextlib.ExitStack() as stack:
        links = []
        for _ in range(TAKERS):
            ours, theirs = socket.socketpair()
            stack.enter_context(ours)
            with theirs:
                crashes.start(
                    lambda d: take(directory, environ, on_condition, d),
                    theirs.fileno(),
                )
            links.append(ours)
        assert told(links, b"") == "+" * TAKERS
        yield links


def told(links: list[socket.socket], order: bytes) -> str:
    """Gives all takers an order; returns what they answer."""
    for link in links:
        link.sendall(order)
    return "".join(link.recv(1).decode() for link in links)


def winners(bucket: buckets.Bucket, *, on_condition: bool, rounds: int) -> list[int]:
    """How many takers had the lease at once, in each round."""
    stale = {"host": "elsewhere", "namespace": "another", "token": "t"}
    found = []
    with racing(bucket.directory, on_condition) as links:
        for number in range(rounds):
            if number % 2:  # Every other time there is none.
                with bucket.mutex:
                    bucket.put("b/lease.json", json.dumps(stale).encode())
            found.append(told(links, b"+").count("1"))
            told(links, b"-")
            (bucket.directory / "b" / "lease.json").unlink(missing_ok=True)
    return found


@pytest.mark.slow
def test_one_of_many_takes_the_lease(tmp_path: Path) -> None:
    """Two searches would work on one study, each believing to be alone."""
    with buckets.serving(tmp_path) as bucket:
        (bucket.directory / "b").mkdir()
        bucket.before_put = lambda name: time.sleep(random.uniform(0, LONGEST_S))
        assert winners(bucket, on_condition=True, rounds=ROUNDS) == [1] * ROUNDS
