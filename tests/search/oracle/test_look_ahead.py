"""Trials that are suggested before a worker asks for them."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.support import limits, meeting, processes, scripts, simulation
from tuner_component.report import loading
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle import supply
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study


class Slow(keras_tuner.oracles.RandomSearchOracle):
    """Takes longer for a suggestion than a worker should wait."""

    seconds = 0.03

    def populate_space(self, trial_id: str) -> Any:
        time.sleep(self.seconds)
        return super().populate_space(trial_id)


def _open(directory: Path, trials: int = 4, seconds: float = 0.03) -> Any:
    study = Study.open(str(directory), simulation.FINGERPRINT)
    oracle = Slow(
        simulation.OBJECTIVE, trials, seed=1, hyperparameters=simulation.space()
    )
    oracle.seconds = seconds
    return DurableOracle.open(oracle, study), study


def test_a_trial_is_ready_before_it_is_asked_for(tmp_path: Path) -> None:
    """An idle worker would wait for a suggestion while others run."""
    durable, study = _open(tmp_path)
    with study:
        for worker in "ab":
            durable.create_trial(worker)
        assert durable.look_ahead() and durable.look_ahead()
        assert simulation.waiting(durable) == ["2"]
        assert simulation.unfinished(durable) == ["2", "0", "1"]
        durable._inner.populate_space = None  # It is not asked.
        assert durable.create_trial("c").trial_id == "2"
        assert simulation.waiting(durable) == []


def test_a_quick_oracle_is_asked_when_it_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hyperband or grid search would decide knowing less, and win nothing by it."""
    monkeypatch.setattr(supply, "SLOW_S", 30.0)  # Even on a busy machine.
    durable, study = _open(tmp_path, seconds=0.0)
    with study:
        for worker in "ab":
            durable.create_trial(worker)
        assert not durable.look_ahead()
        assert len(durable.trials) == 2


def test_one_whose_suggestions_are_made_elsewhere_says_so(tmp_path: Path) -> None:
    """A service would think when a worker waits for it, and not while others run."""
    durable, study = _open(tmp_path, seconds=0.0)
    with study:
        durable.create_trial("a")
        durable._inner.suggests_elsewhere = True
        assert durable.look_ahead()
        assert simulation.waiting(durable) == ["1"]


def test_no_more_trials_are_made_than_there_should_be(tmp_path: Path) -> None:
    """max_trials would be exceeded."""
    durable, study = _open(tmp_path, trials=3)
    with study:
        for worker in "ab":
            durable.create_trial(worker)
        assert durable.look_ahead()
        assert durable.create_trial("c").trial_id == "2"
        assert not durable.look_ahead()
        assert durable.create_trial("d").status == "STOPPED"


def test_a_crash_keeps_the_trial_and_counts_no_attempt(tmp_path: Path) -> None:
    """It would be lost, or be taken for a trial that kills its workers."""
    for _ in range(2):
        durable, study = _open(tmp_path)
        with study:
            for worker in "ab":
                durable.create_trial(worker)
            durable.look_ahead()
    found = {
        trial.trial_id: trial for trial in loading.load_study(str(tmp_path)).trials
    }
    assert [len(found[i].attempts) for i in "012"] == [2, 2, 0]
    assert found["2"].started is None
    durable, study = _open(tmp_path)
    with study:
        for worker in "abc":
            simulation.run_trial(durable, durable.create_trial(worker))
        told = simulation.read(str(tmp_path)).trials
    ended = [told[i].ended or {} for i in "012"]
    assert [(e.get("attempts", 1), e["worker"]) for e in ended] == [
        (3, "a"),
        (3, "b"),
        (1, "c"),
    ]


def test_it_tells_who_runs_it(tmp_path: Path) -> None:
    """The report would not show a running trial, nor a crash cost it an attempt."""
    durable, study = _open(tmp_path)
    with study:
        for worker in "ab":
            durable.create_trial(worker)
        durable.look_ahead()
        durable.create_trial("c")
        told = simulation.read(str(tmp_path)).trials["2"]
        assert told.runs and told.worker == "c"
        assert told.started is not None


def test_an_idle_worker_does_not_wait_for_the_oracle(
    executors: processes.Executors, place: meeting.Meeting, tmp_path: Path
) -> None:
    """It would stand idle as long as the oracle thinks, although others run."""
    script = scripts.Script(
        str(tmp_path / "work"),
        trials=5,
        act="meet",
        think="meet",
        meeting=place.address,
    )
    executor = executors.start(
        scripts.search,
        script.entry(),
        str(tmp_path / "study"),
        SearchOptions(num_workers=2),
    )
    guests: dict[str, meeting.Guest] = {}

    def meet(name: str) -> None:
        while name not in guests:
            guest = place.next()
            kind = "trial" if "trial" in guest.news else "suggestion"
            guests[f"{kind} {guest.news[kind]}"] = guest

    for number in range(2):
        meet(f"suggestion {number}")
        guests[f"suggestion {number}"].release()
        meet(f"trial {number}")
    meet("suggestion 2")  # Both workers are busy.
    guests["suggestion 2"].release()
    assert place.stays_empty(0.3)  # One is enough.
    guests["trial 0"].release()
    meet("trial 2")
    meet("suggestion 3")  # Now it thinks, while trials 1 and 2 run.
    for number in (3, 4):
        meet(f"suggestion {number}")
        guests[f"suggestion {number}"].release()
        guests[f"trial {number - 2}"].release()
        meet(f"trial {number}")
    for number in (3, 4):
        guests[f"trial {number}"].release()
    assert len(executor.result().completed) == 5


def test_one_worker_is_told_all_that_is_known(
    executors: processes.Executors, place: meeting.Meeting, tmp_path: Path
) -> None:
    """The same study would give other trials, made without the latest result."""
    script = scripts.Script(
        str(tmp_path / "work"),
        trials=4,
        acts={"2": ["meet"]},
        think="0.05",
        meeting=place.address,
    )
    executor = executors.start(
        scripts.search,
        script.entry(),
        str(tmp_path / "study"),
        SearchOptions(num_workers=1),
    )
    guest = place.next()
    assert place.stays_empty(0.3)
    assert list(_trials(tmp_path)) == ["0", "1", "2"]
    guest.release()
    assert len(executor.result().completed) == 4


def test_a_trial_that_waits_runs_in_the_next_run(
    executors: processes.Executors, place: meeting.Meeting, tmp_path: Path
) -> None:
    """A search that is stopped would lose it, or count it as tried."""
    script = scripts.Script(
        str(tmp_path / "work"),
        trials=5,
        acts={"2": ["meet"], "3": ["meet"]},
        think="0.05",
        meeting=place.address,
    )
    study, options = str(tmp_path / "study"), SearchOptions(num_workers=2)
    executor = executors.start(scripts.search, script.entry(), study, options)
    guests = [place.next(), place.next()]
    while "4" not in _trials(tmp_path):
        time.sleep(0.01)
    os.kill(executor.pid, signal.SIGKILL)
    processes.wait_until_gone([executor.pid, *(g.pid for g in guests)], limits.WAIT_S)
    script.acts.clear()
    result = executors.start(scripts.search, script.entry(), study, options).result()
    assert len(result.completed) == 5
    assert scripts.attempts(script) == {0: 1, 1: 1, 2: 2, 3: 2, 4: 1}


def _trials(tmp_path: Path) -> dict[str, Any]:
    """The trials that the journal of a running search knows."""
    found = loading.load_study(str(tmp_path / "study"))
    return {trial.trial_id: trial for trial in found.trials}
