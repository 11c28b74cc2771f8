"""Waiting for hundreds of connections at once."""

import os
from multiprocessing import connection

from tuner_component.search.parallel.driver.sources import Sources
from tuner_component.search.parallel.local.engine import pair


def test_it_tells_what_is_readable() -> None:
    """A worker's message would not be heard."""
    sources = Sources()
    (ours, theirs), (quiet, other) = pair(), pair()
    with ours, theirs, quiet, other:
        sources.add(ours)
        sources.add(quiet)
        assert sources.wait(0) == []
        theirs.send(1)
        assert sources.wait(10) == [ours]
        theirs.close()
        ours.recv()
        assert sources.wait(10) == [ours]


def test_what_is_removed_is_not_waited_for() -> None:
    """The driver's loop would spin after a worker has closed its end."""
    sources = Sources()
    ours, theirs = pair()
    with ours:
        sources.add(ours)
        theirs.close()
        sources.remove(ours)
        assert sources.wait(0) == []
        sources.remove(ours)  # Fine: it is heard once more when it has exited.


def test_a_descriptor_may_get_another_owner() -> None:
    """A worker would be taken for one that is gone, whose descriptor it has got."""
    sources = Sources()
    (gone, its), (ours, theirs) = pair(), pair()
    with ours, theirs, its:
        sources.add(gone)
        number = gone.fileno()
        sources.remove(gone)
        gone.close()
        os.dup2(ours.fileno(), number)
        with connection.Connection(number) as follower:
            sources.add(follower)
            theirs.send(1)
            assert sources.wait(10) == [follower]


def test_another_connection_may_come_behind_a_descriptor() -> None:
    """A worker on a cluster would not be heard: its connection comes later."""
    sources = Sources()
    (stand_in, its), (real, theirs) = pair(), pair()
    with stand_in, its, theirs:
        sources.add(stand_in)
        os.dup2(real.fileno(), stand_in.fileno())
        real.close()
        theirs.send(1)
        assert sources.wait(10) == [stand_in]
