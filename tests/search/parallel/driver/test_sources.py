"""Waiting for hundreds of connections at once."""

import os
from multiprocessing import connection

import pytest

from tuner_component.search.parallel.driver.sources import Sources
from tuner_component.search.parallel.local.engine import pair


def test_it_tells_what_is_readable() -> None:
    """A worker's message would not be heard."""
    sources = Sources()
    (ours, theirs), (quiet, other) = pair(), pair()
    with ours, theirs, quiet, other:
        assert sources.wait([ours, quiet], 0) == set()
        theirs.send(1)
        assert sources.wait([ours, quiet], 10) == {ours}
        theirs.close()
        ours.recv()
        assert sources.wait([ours, quiet], 10) == {ours}


def test_a_descriptor_may_get_another_owner() -> None:
    """A worker would be taken for one that is gone, whose descriptor it has got."""
    sources = Sources()
    (gone, its), (ours, theirs) = pair(), pair()
    with ours, theirs, its:
        sources.wait([gone], 0)
        number = gone.fileno()
        gone.close()
        os.dup2(ours.fileno(), number)
        with connection.Connection(number) as follower:
            theirs.send(1)
            assert sources.wait([follower], 10) == {follower}
            assert sources.wait([], 0) == set()


def test_another_connection_may_come_behind_a_descriptor() -> None:
    """A worker on a cluster would not be heard: its connection comes later."""
    sources = Sources()
    (stand_in, its), (real, theirs) = pair(), pair()
    with stand_in, its, theirs:
        sources.wait([stand_in], 0)
        os.dup2(real.fileno(), stand_in.fileno())
        real.close()
        theirs.send(1)
        assert sources.wait([stand_in], 10) == {stand_in}


def test_sources_are_told_to_the_system_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With hundreds of workers most of the driver's time would go into that."""
    sources = Sources()
    changes: list[set[object]] = []
    change = sources._change

    def count(wanted: set[object]) -> None:
        changes.append(wanted)
        change(wanted)

    monkeypatch.setattr(sources, "_change", count)
    ours, theirs = pair()
    with ours, theirs:
        for _ in range(3):
            sources.wait([ours], 0)
    assert changes == [{ours}]
