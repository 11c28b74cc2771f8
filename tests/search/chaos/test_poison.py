"""Trials that take the whole search down with them, at every run."""

import os
import signal
from pathlib import Path

import pytest

from tests.support import limits, meeting, processes, scripts
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult

pytestmark = pytest.mark.slow

# The first one, and the last chance.
ATTEMPTS = 2
OPTIONS = SearchOptions(num_workers=2, max_retries=0, grace_period_s=0)


def _until_it_ends(
    executors: processes.Executors, script: scripts.Script, *, in_process: bool
) -> tuple[SearchResult, int]:
    """Runs a search as often as it takes; returns its result and how often that was."""
    search = scripts.search_in_process if in_process else scripts.search
    study = str(Path(script.directory, "study"))
    for runs in range(1, 10):
        executor = executors.start(search, script.entry(), study, OPTIONS)
        try:
            return executor.result(), runs
        except (EOFError, ConnectionResetError, SearchInterruptedError):
            processes.wait_until_gone([executor.pid], limits.WAIT_S)
    raise AssertionError("the search never ends")


@pytest.mark.parametrize(
    ("in_process", "act"), [(False, "end the search"), (True, "crash")]
)
def test_a_poisonous_trial_fails_and_the_search_goes_on(
    executors: processes.Executors, tmp_path: Path, in_process: bool, act: str
) -> None:
    """No number of runs would bring such a search to its end."""
    script = scripts.Script(str(tmp_path / "work"), acts={"1": [act]})
    result, runs = _until_it_ends(executors, script, in_process=in_process)
    # On a cluster it takes down all that runs on its node, and the search goes on.
    assert runs == (1 if limits.ON_CLUSTER and not in_process else ATTEMPTS + 1)
    assert scripts.attempts(script)[1] == ATTEMPTS
    [failed] = result.failed
    assert failed["trial_id"] == "1"
    assert "ended with the whole search" in failed["message"]
    assert len(result.completed) == 3
    if not in_process:
        assert "trials/1/log.txt" in failed["message"]


def test_two_poisonous_trials(executors: processes.Executors, tmp_path: Path) -> None:
    """One might hide behind the other, or an innocent one fail for them."""
    acts = {"0": ["end the search"], "1": ["end the search"]}
    script = scripts.Script(str(tmp_path / "work"), acts=acts)
    result, _ = _until_it_ends(executors, script, in_process=False)
    assert {trial["trial_id"] for trial in result.failed} == {"0", "1"}
    assert len(result.completed) == 2


@pytest.mark.parametrize("in_process", [False, True])
def test_trials_of_a_search_that_is_stopped_again_and_again_are_innocent(
    executors: processes.Executors,
    place: meeting.Meeting,
    tmp_path: Path,
    in_process: bool,
) -> None:
    """A search that is preempted every hour would fail what ran then."""
    search = scripts.search_in_process if in_process else scripts.search
    script = scripts.Script(
        str(tmp_path / "work"), trials=1, act="meet", meeting=place.address
    )
    study = str(tmp_path / "study")
    for _ in range(ATTEMPTS):
        executor = executors.start(search, script.entry(), study, OPTIONS)
        guest = (
            place.next()
        )  # Held: without it the trial would wait no longer, and fail.
        os.kill(executor.pid, signal.SIGTERM)
        with pytest.raises(SearchInterruptedError):
            executor.result()
        assert guest.news["trial"] == 0
    executor = executors.start(search, script.entry(), study, OPTIONS)
    place.next().release()
    assert len(executor.result().completed) == 1
