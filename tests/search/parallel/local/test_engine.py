"""The driver's connections to its workers and to the fork server."""

import os
import pickle
import subprocess
import threading
from concurrent import futures
from http import HTTPStatus
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest

from tests.support import meeting, processes, scripts
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.driver.workers import Worker
from tuner_component.search.parallel.engine import BadMessageError, EngineLost
from tuner_component.search.parallel.local import engine as engine_lib
from tuner_component.search.parallel.protocol import Heartbeat


def test_a_worker_that_does_not_listen_does_not_stop_the_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One stopped worker would hang the search."""
    monkeypatch.setattr(engine_lib, "_STALL_S", 1)
    ours, theirs = engine_lib.pair()
    engine_lib.limit_stalls(ours.fileno())
    with ours, theirs, pytest.raises(OSError):
        ours.send(b"x" * 10_000_000)


def test_a_message_that_never_ends_does_not_stop_the_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that is stopped while it sends would hang the search."""
    monkeypatch.setattr(engine_lib, "_STALL_S", 1)
    ours, theirs = engine_lib.pair()
    engine_lib.limit_stalls(ours.fileno())
    with theirs, _channel(ours) as channel:
        os.write(theirs.fileno(), b"\0\0\1\0part")
        worker = Worker("worker-0", 0, channel, heard=0.0)
        with pytest.raises(BadMessageError, match="stopped halfway"):
            list(worker.receive())
        assert not worker.open


def test_heartbeats_in_the_place_of_a_message_do_not_stop_the_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker whose user's code has written there would hold the driver up for ever."""
    monkeypatch.setattr(engine_lib, "_STALL_S", 0.2)
    ours, theirs = engine_lib.pair()
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.01):
            theirs.send(Heartbeat())

    with theirs, _channel(ours) as channel, futures.ThreadPoolExecutor() as pool:
        os.write(theirs.fileno(), b"\0\x0f\0\0")  # A million bytes are to come.
        beats = pool.submit(beat)
        worker = Worker("worker-0", 0, channel, heard=0.0)
        with pytest.raises(BadMessageError, match="stopped halfway"):
            list(worker.receive())
        over.set()
        beats.result()


class Foreign:
    """A class that no worker may bring along."""


@pytest.mark.parametrize(
    "sent",
    [
        b"\x7f\xff\xff\xff",  # Two GiB are to come.
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",  # All that there can be.
        b"\x80\0\0\0garbage",
        b"\0\0\0\0",
        b"\0\0\0\x07garbage",
        b"\0\0\0\x05" + pickle.dumps("text")[:5],
        Foreign(),
        print,
        subprocess.CompletedProcess([], 0),
        HTTPStatus.OK,
    ],
)
def test_what_is_no_message_is_told_from_the_end(sent: Any) -> None:
    """Garbage would end the driver, fill its memory, or have it import anything."""
    ours, theirs = engine_lib.pair()
    with theirs, _channel(ours) as channel:
        worker = Worker("worker-0", 0, channel, heard=0.0)
        theirs.send(Heartbeat())
        if isinstance(sent, bytes):
            os.write(theirs.fileno(), sent)
        else:
            theirs.send(sent)
        received = worker.receive()
        assert next(received) == Heartbeat()
        with pytest.raises(BadMessageError, match="sent"):
            next(received)
        assert not worker.open


def test_a_worker_that_talks_without_end_leaves_others_their_turn() -> None:
    """A worker in a loop would keep the driver from all others."""
    ours, theirs = engine_lib.pair()
    with theirs, _channel(ours) as channel:
        worker = Worker("worker-0", 0, channel, heard=0.0)
        for _ in range(5):
            theirs.send(Heartbeat())
        assert len(list(worker.receive(3))) == 3
        theirs.close()
        assert len(list(worker.receive())) == 2
        assert not worker.open


def _channel(end: connection.Connection) -> engine_lib.WorkerChannel:
    """The driver's end, as the engine makes it."""
    return engine_lib.WorkerChannel(engine_lib._detached(end))


def test_an_engine_without_its_server_says_so() -> None:
    """The driver would wait for workers that cannot come."""
    ours, theirs = engine_lib.pair()
    theirs.close()
    engine = engine_lib.LocalEngine(ours)
    with pytest.raises(EngineLost):
        engine.events()
    with pytest.raises(EngineLost):
        engine.kill("worker-0")
    ours.close()


def test_no_process_holds_another_ones_connection(
    executors: processes.Executors, tmp_path: Path, place: meeting.Meeting
) -> None:
    """The end of a process would not be seen while another one lives."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=3, act="meet", meeting=place.address
    )
    executor = executors.start(
        scripts.search,
        script.entry(),
        str(tmp_path / "study"),
        SearchOptions(num_workers=3),
    )
    guests = [place.next() for _ in range(3)]
    sockets = [_sockets(guest.pid) for guest in guests]
    for index, own in enumerate(sockets):
        others = set().union(*(s for i, s in enumerate(sockets) if i != index))
        assert own and not own & others
    for guest in guests:
        guest.release()
    executor.result()


def _sockets(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(link)
        if target.startswith(("socket:", "pipe:")):
            found.add(target)
    return found
