"""A worker's end of its connection to the driver."""

import os
import pickle
from collections.abc import Iterator
from multiprocessing import connection

import pytest

from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.local import engine
from tuner_component.search.parallel.worker import hearing


@pytest.fixture(name="ends")
def _ends() -> Iterator[tuple[hearing.WorkersEnd, connection.Connection]]:
    """A worker's end, and the driver's."""
    ours, theirs = engine.pair()
    with theirs, ours, hearing.WorkersEnd(os.dup(ours.fileno())) as end:
        yield end, theirs


@pytest.mark.parametrize("size", [1, 10_000_000])
def test_messages_come_whole(
    ends: tuple[hearing.WorkersEnd, connection.Connection], size: int
) -> None:
    """A trial with large values would end its worker."""
    end, driver = ends
    if pid := os.fork():
        assert end.recv() == protocol.Reply(1, "x" * size)
        assert os.waitpid(pid, 0)[1] == 0
    else:
        driver.send(protocol.Reply(1, "x" * size))
        os._exit(0)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"\0\0\0\x07garbage", "pickle"),
        (b"\0\0\0\x05" + pickle.dumps("text")[:5], "truncated"),
        (b"\0\0\0\0", "Ran out of input"),
        (b"A line of text.\n", "too long"),
        (b"\xff\xff\xff\xff" + b"\x01" * 8, "too long"),
        (b"\0\0\1\0part", "its end does not come"),
        (b"\0", "its end does not come"),
    ],
)
def test_what_is_no_message_is_told_from_the_end(
    ends: tuple[hearing.WorkersEnd, connection.Connection],
    monkeypatch: pytest.MonkeyPatch,
    sent: bytes,
    reason: str,
) -> None:
    """The worker would wait for the rest of it, or not say why it ends."""
    monkeypatch.setattr(hearing, "_PATIENCE_S", 0.01)
    end, driver = ends
    os.write(driver.fileno(), sent)
    with pytest.raises(hearing.NoMessageError, match=reason):
        end.recv()


def test_the_end_of_the_driver_is_one(
    ends: tuple[hearing.WorkersEnd, connection.Connection],
) -> None:
    """Each search would end with warnings."""
    end, driver = ends
    driver.close()
    with pytest.raises(EOFError):
        end.recv()
