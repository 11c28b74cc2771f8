"""What executor and driver say to each other, passed on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from multiprocessing import connection

import pytest

from tuner_component.search.parallel.local.engine import pair
from tuner_component.search.parallel.ray.remote_driver.wire import DriverWire


class Ends:
    """A wire with an executor and a driver at its ends."""

    def __init__(self) -> None:
        self.executor, theirs = pair()
        self.driver, self.far = pair()
        self.wire = DriverWire(theirs)
        self.wire.connect(self.far)


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.executor.close()
    made.driver.close()
    made.wire.drained()


def heard(end: connection.Connection) -> list[object]:
    """All that comes until the end, or for now."""
    found: list[object] = []
    with contextlib.suppress(EOFError):
        while end.poll(0.5):
            found.append(end.recv())
    return found


def test_both_hear_each_other(ends: Ends) -> None:
    """The executor could not stop the search, or would hear no result."""
    ends.executor.send("stop")
    ends.driver.send("result")
    assert ends.driver.recv() == "stop"
    assert ends.executor.recv() == "result"


def test_a_result_comes_before_the_news_of_the_drivers_end(ends: Ends) -> None:
    """The executor would be told that the driver exited, and not what it found."""
    ends.driver.send(b"x" * 4_000_000)
    ends.driver.close()
    result = ends.executor.recv()  # What is drained does not wait for whoever reads.
    ends.wire.drained()
    assert len(result) == 4_000_000


def test_half_a_message_is_not_passed_on(ends: Ends) -> None:
    """The executor would wait for the rest, and hear neither signals nor anything else."""
    ends.driver._send(b"\0\0\0\7half")  # type: ignore[attr-defined]
    ends.wire.end_with("lost")
    assert heard(ends.executor) == ["lost"]


def test_a_driver_hears_that_the_executor_is_gone(ends: Ends) -> None:
    """It would go on for nobody."""
    ends.executor.close()
    with pytest.raises(EOFError):
        ends.driver.recv()
