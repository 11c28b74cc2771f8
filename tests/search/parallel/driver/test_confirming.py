"""Workers that have nothing left to do run the best trials of a search again."""

from pathlib import Path
from typing import Any

import pytest

from tests.support import meeting, processes, scripts
from tuner_component.report.loading import load_study
from tuner_component.search import events
from tuner_component.search.options import SearchOptions

OPTIONS = SearchOptions(num_workers=2, confirm_top=2, confirm_seeds=2)
AGAIN = {10000, 10001, 20000, 20001}


@pytest.fixture
def script(tmp_path: Path) -> scripts.Script:
    """A toy search in a directory of its own."""
    return scripts.Script(str(tmp_path / "work"))


def search(
    executors: processes.Executors,
    script: scripts.Script,
    study: Path,
    options: SearchOptions = OPTIONS,
) -> Any:
    return executors.start(scripts.search, script.entry(), str(study), options)


def test_the_best_are_run_again(
    executors: processes.Executors,
    tmp_path: Path,
    script: scripts.Script,
    place: meeting.Meeting,
) -> None:
    """In workers, the luckiest score would be published."""
    script.act, script.meeting = "meet", place.address
    executor = executors.start(
        scripts.observed_search, script.entry(), str(tmp_path / "study"), OPTIONS
    )
    for _ in range(4):  # Each time two run side by side, re-runs as well.
        for guest in [place.next(), place.next()]:
            guest.release()
    result, told = executor.result()
    assert [t["trial_id"] for t in result.completed] == ["0", "1", "2", "3"]
    assert (result.complete, result.unfinished) == (True, 0)
    assert set(scripts.attempts(script)) == {0, 1, 2, 3, *AGAIN}
    confirmed = [e.confirms for e in told if isinstance(e, events.TrialEnded)]
    assert sorted(c for c in confirmed if c is not None) == ["0", "0", "1", "1"]
    began = [e.confirms for e in told if isinstance(e, events.TrialStarted)]
    assert sorted(c for c in began if c is not None) == ["0", "0", "1", "1"]
    assert told[0].reruns == 4
    study = load_study(str(tmp_path / "study"))
    assert (study.status, len(study.trials), len(study.reruns)) == ("finished", 4, 4)


def test_a_worker_that_dies_costs_an_attempt(
    executors: processes.Executors, tmp_path: Path, script: scripts.Script
) -> None:
    """The death of a machine would leave the best trial unconfirmed."""
    script.acts = {"10000": ["die", "ok"], "20001": ["raise"]}
    result = search(executors, script, tmp_path / "study").result()
    assert scripts.attempts(script)[10000] == 2
    # A trial that fails once in three runs is not the best.
    assert [t["trial_id"] for t in result.completed] == ["0", "1", "2", "3"]
    found = load_study(str(tmp_path / "study")).confirmation
    assert found is not None
    assert [(t.trial_id, t.failed) for t in found.trials] == [("0", False), ("1", True)]


def test_a_rerun_whose_workers_all_die_fails(
    executors: processes.Executors, tmp_path: Path, script: scripts.Script
) -> None:
    """The search would not end, or the trial be the best all the same."""
    script.acts = {"10000": ["die"]}
    result = search(executors, script, tmp_path / "study").result()
    assert scripts.attempts(script)[10000] == 3
    assert [t["trial_id"] for t in result.completed] == ["1", "0", "2", "3"]


def test_killed_while_confirming(
    executors: processes.Executors, tmp_path: Path, script: scripts.Script
) -> None:
    """What was confirmed would be lost with the machine."""
    script.acts = {"20000": ["end the search", "ok"]}
    with pytest.raises(Exception, match="again"):
        search(executors, script, tmp_path / "study").result()
    result = search(executors, script, tmp_path / "study").result()
    assert [t["trial_id"] for t in result.completed] == ["0", "1", "2", "3"]
    attempts = scripts.attempts(script)
    assert attempts[20000] == 2
    assert {attempts[number] for number in (0, 1, 2, 3, 10000, 10001)} == {1}


def test_a_finished_search_is_confirmed_later(
    executors: processes.Executors, tmp_path: Path, script: scripts.Script
) -> None:
    """Who wants to be sure after all would have to search anew."""
    study = tmp_path / "study"
    search(executors, script, study, SearchOptions(num_workers=2)).result()
    result = search(executors, script, study).result()
    assert set(scripts.attempts(script)) == {0, 1, 2, 3, *AGAIN}
    assert result.complete
    search(executors, script, study).result()
    assert set(scripts.attempts(script).values()) == {1}
