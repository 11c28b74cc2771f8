"""Processes of a search that are stopped, not killed: they live, and do nothing.

So does a process in a deadlock, in a call of a filesystem that does not answer, or on a
machine that swaps. Nothing tells of it but that it is silent.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import checks, families, limits, meeting, processes, scripts
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel.protocol import EntryPoint

pytestmark = pytest.mark.slow

Search = Callable[[EntryPoint, str, SearchOptions], SearchResult]

# The shortest limit that there is.
OPTIONS = SearchOptions(num_workers=2, heartbeat_timeout_s=2)


def begin(
    executors: processes.Executors,
    place: meeting.Meeting,
    root: Path,
    search: Search = scripts.search,
) -> tuple[scripts.Script, processes.Executor, list[meeting.Guest]]:
    """Starts a search; returns when both workers are in the middle of a trial."""
    acts = {"0": ["meet", "ok"], "1": ["meet", "ok"]}
    script = scripts.Script(
        str(root / "work"), trials=6, acts=acts, meeting=place.address
    )
    executor = executors.start(search, script.entry(), str(root / "study"), OPTIONS)
    return script, executor, [place.next(), place.next()]


def test_a_stopped_worker_costs_one_attempt(
    executors: processes.Executors, place: meeting.Meeting, tmp_path: Path
) -> None:
    """A search would wait for ever for a worker that does nothing any more."""
    script, executor, guests = begin(executors, place, tmp_path)
    os.kill(guests[0].pid, signal.SIGSTOP)
    guests[1].release()
    result = executor.result()
    checks.check(script, str(tmp_path / "study"), result, repeated_at_most=1)
    processes.wait_until_gone([guests[0].pid], 10)


@pytest.mark.parametrize("kind", ["driver", "fork server"])
def test_a_stopped_owner_ends_the_run(
    executors: processes.Executors, place: meeting.Meeting, tmp_path: Path, kind: str
) -> None:
    """A pipeline would wait for ever, without a word, for a search that does nothing."""
    search = scripts.impatient_search
    script, executor, guests = begin(executors, place, tmp_path, search)
    family = families.of(executor.pid)
    os.kill(family.driver if kind == "driver" else family.server, signal.SIGSTOP)
    if kind == "driver" or not limits.ON_CLUSTER:
        # On a cluster the search could end without the fork server here.
        for guest in guests:
            guest.release()
    message = f"no sign of life from its {kind} for 2 seconds.* run the same search"
    with pytest.raises(SearchInterruptedError, match=message):
        executor.result()
    processes.wait_until_gone([*family.core[1:], *family.workers], 10)
    again = executors.start(
        scripts.search, script.entry(), str(tmp_path / "study"), OPTIONS
    ).result()
    checks.check(script, str(tmp_path / "study"), again, repeated_at_most=2)
