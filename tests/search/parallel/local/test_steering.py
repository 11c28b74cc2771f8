"""A search in workers does what people ask of it: see `study.requests`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import limits, meeting, processes, scripts, stage
from tests.support.steering import Steered, check_tried_once, until
from tuner_component.search.options import SearchOptions


def _start(
    executors: processes.Executors, script: scripts.Script, study: Path, workers: int
) -> tuple[processes.Executor, Steered]:
    options = SearchOptions(num_workers=workers)
    search = executors.start(scripts.search, script.entry(), str(study), options)
    return search, Steered(study, scripts.FINGERPRINT)


def _trains(script: scripts.Script, *numbers: int) -> None:
    """Waits until trials train."""
    paths = [Path(script.directory, f"trains-{number}") for number in numbers]
    until(lambda: all(path.exists() and path.read_text() for path in paths))


def test_trial_is_stopped_and_the_others_are_not(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """A hopeless trial would have a worker for hours, or cost the others theirs."""
    script = scripts.Script(str(tmp_path / "work"), trials=3, act="train")
    search, steered = _start(executors, script, tmp_path / "study", 2)
    _trains(script, 0, 1)
    answer = steered.ask("stop_trial", trial="0")
    assert answer.outcome == "done", answer
    _trains(script, 2)
    assert steered.ask("stop_trial", trial="0").outcome == "refused"
    trial = steered.history().trials["1"]
    assert trial.ended is None and not trial.attempts
    for number in "12":
        assert steered.ask("stop_trial", trial=number).outcome == "done"
    result = search.result()
    assert scripts.scores(result) == {"0": 1.0, "1": 2.0, "2": 3.0}
    assert result.complete and result.ended_because is None
    assert scripts.attempts(script) == {0: 1, 1: 1, 2: 1}
    ended = steered.history().trials["0"].ended
    assert ended is not None and ended["stopped"]["rule"] == "request"


def test_search_is_stopped_and_succeeds(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """What it has found would not be published, or the search go on."""
    script = scripts.Script(str(tmp_path / "work"), trials=9, acts={"1": ["train"]})
    script.act, script.acts = "train", {"0": ["ok"]}
    search, steered = _start(executors, script, tmp_path / "study", 2)
    _trains(script, 1, 2)
    assert steered.ask("stop_search").outcome == "done"
    result = search.result()
    assert scripts.scores(result) == {"0": 0.0, "1": 2.0, "2": 3.0}
    assert result.complete and "after 3 trials of 9" in (result.ended_because or "")
    again, _ = _start(executors, script, tmp_path / "study", 2)
    assert scripts.scores(again.result()) == scripts.scores(result)
    assert scripts.attempts(script) == {0: 1, 1: 1, 2: 1}


def test_configuration_is_tried_by_a_search_that_has_no_other(
    executors: processes.Executors, tmp_path: Path, place: meeting.Meeting
) -> None:
    """Free workers would wait although there is something to do."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=3, act="meet", meeting=place.address
    )
    search, steered = _start(executors, script, tmp_path / "study", 1)
    guest = place.next()
    answer = steered.ask("enqueue", values={"x": 4711})
    assert answer.outcome == "done" and "{'x': 4711}" in answer.message
    assert steered.ask("enqueue", values={"x": -1}).outcome == "refused"
    guest.release()
    for _ in range(2):
        place.next().release()
    search.result()
    trial = steered.history().trials["1"]
    assert trial.values == {"x": 4711}


def test_number_of_workers_grows_and_shrinks(
    executors: processes.Executors, tmp_path: Path, place: meeting.Meeting
) -> None:
    """Nobody could give a search the machine for the night, or take it back."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=12, act="meet", meeting=place.address
    )
    search, steered = _start(executors, script, tmp_path / "study", 1)
    guests = [place.next()]
    assert place.stays_empty(0.5)
    assert steered.ask("workers", workers=3).outcome == "done"
    guests += [place.next(), place.next()]
    assert len({guest.pid for guest in guests}) == 3
    assert steered.ask("workers", workers=1).outcome == "done"
    # Who has a trial keeps it.
    assert {trial.ended for trial in steered.history().trials.values()} == {None}
    for guest in guests:
        guest.release()
    only = place.next()
    assert place.stays_empty(1.0)
    pids = set()
    for _ in range(12 - 4):
        only.release()
        only = place.next()
        pids.add(only.pid)
    only.release()
    assert len(search.result().completed) == 12
    assert len(pids) == 1
    assert set(scripts.attempts(script).values()) == {1}


@pytest.mark.parametrize("workers", [0, -1, 10**9])
def test_number_of_workers_that_is_none_is_refused(
    executors: processes.Executors,
    tmp_path: Path,
    place: meeting.Meeting,
    workers: int,
) -> None:
    """A typing error would bring the machine down, or leave nothing that trains."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=1, act="meet", meeting=place.address
    )
    search, steered = _start(executors, script, tmp_path / "study", 1)
    guest = place.next()
    answer = steered.ask("workers", workers=workers)
    assert answer.outcome == "refused" and "Expected 1 to 1000" in answer.message
    guest.release()
    search.result()


def test_what_nobody_sees_is_done_by_the_next_run(
    executors: processes.Executors, tmp_path: Path, place: meeting.Meeting
) -> None:
    """Whoever asks while the search is down would have to know, and ask again."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=3, act="meet", meeting=place.address
    )
    study = tmp_path / "study"
    search, steered = _start(executors, script, study, 1)
    guest = place.next()
    processes.kill(search.pid)
    processes.wait_until_gone([guest.pid], limits.WAIT_S)
    request = steered.send("enqueue", values={"x": 4711})
    search, _ = _start(executors, script, study, 1)
    guest = place.next()
    assert steered.answer(request).outcome == "done"
    guest.release()
    for _ in range(2):
        place.next().release()
    search.result()
    assert steered.history().trials["1"].values == {"x": 4711}
    # One that comes too late is not left without an answer.
    late = steered.send("stop_search")
    search, _ = _start(executors, script, study, 1)
    search.result()
    answer = steered.answer(late)
    assert (answer.outcome, "is over" in answer.message) == ("refused", True)


@pytest.mark.parametrize("point", sorted(stage.IN_REQUESTS))
def test_killed_driver_does_it_once(
    executors: processes.Executors,
    tmp_path: Path,
    place: meeting.Meeting,
    point: str,
) -> None:
    """A configuration would be tried twice, or what was asked be forgotten."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=4, act="meet", meeting=place.address
    )
    options = SearchOptions(num_workers=1)
    study = tmp_path / "study"
    told = script.entry(), str(study), options
    search = executors.start(scripts.search_with_fault, point, *told)
    steered = Steered(study, scripts.FINGERPRINT)
    first = place.next()
    requests = [steered.send("enqueue", values={"x": x}) for x in (11, 22)]
    with pytest.raises(Exception, match="was killed by signal 9"):
        search.result()
    processes.wait_until_gone([first.pid], limits.WAIT_S)
    place.clear()
    search = executors.start(scripts.search, *told)
    check_tried_once(steered, requests, place, search)
