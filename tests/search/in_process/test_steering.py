"""A search in process does what people ask of it: see `study.requests`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import limits, meeting, processes, scripts, stage
from tests.support.steering import Steered, check_tried_once, until
from tuner_component.search.options import SearchOptions
from tuner_component.search.storage import faults


def _start(
    executors: processes.Executors, script: scripts.Script, study: Path, fault: str = ""
) -> tuple[processes.Executor, Steered]:
    options = SearchOptions()
    told = script.entry(), str(study), options
    search = (
        executors.start(search_with_fault, fault, *told)
        if fault
        else executors.start(scripts.search_in_process, *told)
    )
    return search, Steered(study, scripts.FINGERPRINT)


def search_with_fault(fault: str, *told: object) -> object:
    """A search that is killed at a fault point."""
    os.environ[faults.VARIABLE] = fault
    return scripts.search_in_process(*told)  # type: ignore[arg-type]


def test_search_and_its_trials_are_stopped(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """A hopeless trial would hold up all others, and only a signal end the search."""
    script = scripts.Script(str(tmp_path / "work"), trials=9, act="train")
    search, steered = _start(executors, script, tmp_path / "study")
    first, second = (Path(script.directory, f"trains-{number}") for number in (0, 1))
    until(first.exists)
    assert steered.ask("stop_trial", trial="0").outcome == "done"
    until(second.exists)
    assert steered.ask("workers", workers=2).outcome == "refused"
    assert steered.ask("stop_search").outcome == "done"
    result = search.result()
    assert scripts.scores(result) == {"0": 1.0, "1": 2.0}
    assert result.complete and "after 2 trials of 9" in (result.ended_because or "")
    # One that comes too late is not left without an answer, if the search is run again.
    late = steered.send("stop_search")
    again, _ = _start(executors, script, tmp_path / "study")
    assert scripts.scores(again.result()) == scripts.scores(result)
    assert steered.answer(late).outcome == "refused"


@pytest.mark.parametrize("point", sorted(stage.IN_REQUESTS))
def test_killed_search_does_it_once(
    executors: processes.Executors,
    tmp_path: Path,
    place: meeting.Meeting,
    point: str,
) -> None:
    """A configuration would be tried twice, or what was asked be forgotten."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=4, act="meet", meeting=place.address
    )
    study = tmp_path / "study"
    search, steered = _start(executors, script, study, point)
    first = place.next()
    requests = [steered.send("enqueue", values={"x": x}) for x in (11, 22)]
    processes.wait_until_gone([first.pid], limits.WAIT_S)
    assert search.pid == first.pid
    place.clear()
    search, _ = _start(executors, script, study)
    check_tried_once(steered, requests, place, search)
