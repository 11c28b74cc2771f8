"""What the driver does with its oracle, in the oracle's thread."""

import dataclasses
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.support import simulation
from tuner_component.search.kerastuner import codec
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.driver.instructions import (
    Caller,
    CleanUp,
    EndTrial,
    FailTrial,
    GiveBack,
    LookAhead,
    Suggest,
)
from tuner_component.search.parallel.driver.oracle_actions import (
    OracleActions,
    no_more_trials,
)
from tuner_component.search.parallel.logs import Logs
from tuner_component.search.study.study import Study
from tuner_component.search.training.seeding import trial_seed

SEED = 5
CALLER = Caller("worker-0", 1)


@pytest.fixture(name="actions")
def _actions(tmp_path: Path) -> Iterator[OracleActions]:
    """An oracle of three trials on a study of its own."""
    (tmp_path / "study").mkdir()
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        oracle = keras_tuner.oracles.RandomSearchOracle(
            simulation.OBJECTIVE, 3, seed=1, hyperparameters=simulation.space()
        )
        tuner = types.SimpleNamespace(directory=tmp_path / "work", project_name="p")
        logs = Logs(str(tmp_path / "study"), str(tmp_path / "study"))
        durable = DurableOracle.open(oracle, study, max_failed_trials=99)
        yield OracleActions(tuner, durable, SEED, study.directory, logs)


def _suggest(actions: OracleActions, worker: str = "worker-0") -> dict[str, Any]:
    trial = actions.carry_out(Suggest(Caller(worker, 1))).trial
    return dict(trial.state)


def _ended(state: dict[str, Any], status: str, message: str | None) -> EndTrial:
    return EndTrial(CALLER, {**state, "status": status, "message": message})


def test_a_suggestion_is_a_trial_with_a_seed(
    actions: OracleActions, tmp_path: Path
) -> None:
    """A trial could not be repeated by hand: its seed would not be known."""
    state = _suggest(actions)
    assert (state["trial_id"], state["status"]) == ("0", "RUNNING")
    actions.oracle.update_trial("0", {"score": 1.0})
    actions.carry_out(_ended(state, "COMPLETED", None))
    ended = simulation.read(str(tmp_path / "study")).trials["0"].ended
    assert ended is not None
    assert ended["notes"] == {"seed": trial_seed(SEED, "0")}


def test_the_oracle_may_have_none(actions: OracleActions) -> None:
    """The search would not end."""
    for worker in "abc":
        _suggest(actions, worker)
    assert _suggest(actions, "d")["status"] == "STOPPED"
    assert no_more_trials().state["status"] == "STOPPED"


def test_a_trial_that_is_handed_in_has_the_score_that_was_reported(
    actions: OracleActions,
) -> None:
    """A worker could make up a score, or lose what it has found in its space."""
    state = _suggest(actions)
    actions.oracle.update_trial("0", {"score": 0.25})
    space = codec.decode(state["hyperparameters"])
    found = keras_tuner.HyperParameters.from_config(space)
    found.Fixed("found", 7)
    state = {**state, "hyperparameters": codec.encode(found.get_config()), "score": 9}
    ended = actions.carry_out(_ended(state, "COMPLETED", None))
    assert (ended["status"], ended["score"]) == ("COMPLETED", 0.25)
    assert actions.oracle.get_trial("0").hyperparameters.get("found") == 7


def test_a_report_may_come_with_the_trial(actions: OracleActions) -> None:
    """What a worker has not told before would be lost."""
    reports = [({"score": 0.25}, 3)]
    ended = actions.carry_out(
        _ended({**_suggest(actions), "reports": reports}, "COMPLETED", None)
    )
    assert (ended["status"], ended["score"]) == ("COMPLETED", 0.25)
    assert actions.oracle.get_trial("0").best_step == 3


def test_a_report_that_the_oracle_refuses_is_the_trials_error(
    actions: OracleActions,
) -> None:
    """The trial would neither end nor be run again."""
    reports = [({"another": 0.25}, 0)]
    ended = actions.carry_out(
        _ended({**_suggest(actions), "reports": reports}, "COMPLETED", None)
    )
    assert ended["status"] == "FAILED"
    assert "Objective value missing in metrics" in ended["message"]


def test_a_failed_trial_says_where_its_log_is(
    actions: OracleActions, tmp_path: Path
) -> None:
    """The user would have to look for it."""
    ended = actions.carry_out(_ended(_suggest(actions), "FAILED", "Traceback: broken"))
    log = tmp_path / "study/trials/0/log.txt"
    assert ended["message"] == f"Traceback: broken\nThe trial's log is {log}."


def test_a_trial_without_a_worker_fails_with_its_last_lines(
    actions: OracleActions, tmp_path: Path
) -> None:
    """What a crash printed would be all there is to say, and not be said."""
    _suggest(actions)
    log = tmp_path / "study/trials/0/log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("Segmentation fault\n")
    failed = actions.carry_out(FailTrial("0", "a worker killed, at attempt 3"))
    assert failed["status"] == "FAILED"
    assert failed["message"] == (
        "Expected the trial to end. Received: a worker killed, at attempt 3. "
        f"The trial's log is {log}. Its last lines:\nSegmentation fault"
    )


def test_a_trial_that_is_given_back_goes_to_the_next_worker(
    actions: OracleActions, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A trial would be lost with its worker."""
    _suggest(actions)
    actions.carry_out(GiveBack("0", "it died"))
    assert "Trial 0 will be repeated: it died\n" in capfd.readouterr().out
    [attempt] = simulation.read(str(tmp_path / "study")).trials["0"].attempts
    assert attempt["reason"] == "it died"
    assert _suggest(actions, "worker-1")["trial_id"] == "0"


def test_a_trial_that_takes_two_nodes_down_fails_by_itself(
    actions: OracleActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be tried for ever, or fail for what ran beside it."""
    monkeypatch.setattr(actions.oracle, "_max_retries", 0)
    died = GiveBack("0", "its node died", interrupted=True)
    _suggest(actions)
    assert actions.carry_out(died).is_suspect(0)
    actions.oracle._open.is_suspect = lambda trial_id: False  # As after all others.
    _suggest(actions)
    failed = actions.carry_out(dataclasses.replace(died, last=True))
    assert failed["status"] == "FAILED"
    assert "in the last one, no other trial ran" in failed["message"]


def test_it_looks_ahead_when_it_is_told_to(
    actions: OracleActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker would wait for each suggestion of a slow oracle."""
    assert actions.carry_out(LookAhead()) is False
    monkeypatch.setattr("tuner_component.search.oracle.supply.SLOW_S", -1.0)
    assert actions.carry_out(LookAhead()) is True


def test_it_is_known_whether_a_look_ahead_is_of_use(
    actions: OracleActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oracle's thread would be woken for nothing at each trial, or a worker wait."""
    _suggest(actions, "a")
    assert not actions.looks_ahead
    actions.carry_out(GiveBack("0", "it died"))
    actions.carry_out(GiveBack(_suggest(actions, "b")["trial_id"], "it died"))
    assert _suggest(actions, "a")["trial_id"] == "0"
    assert not actions.looks_ahead
    monkeypatch.setattr("tuner_component.search.oracle.supply.SLOW_S", -1.0)
    _suggest(actions, "b")
    assert actions.looks_ahead


@pytest.mark.parametrize("status", ["COMPLETED", "RUNNING"])
def test_only_what_has_ended_is_cleaned_up(
    actions: OracleActions, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """The weights of a trial that runs again elsewhere would be deleted."""
    state = _suggest(actions)
    if status == "COMPLETED":
        actions.oracle.update_trial("0", {"score": 1.0})
        actions.carry_out(_ended(state, status, None))
    cleaned: list[str] = []
    monkeypatch.setattr(actions._cleaner, "trial_ended", cleaned.append)
    actions.carry_out(CleanUp("0"))
    assert cleaned == (["0"] if status == "COMPLETED" else [])


def test_other_methods_and_attributes_are_passed_on(actions: OracleActions) -> None:
    """Subclasses that look at their oracle would break in workers."""
    _suggest(actions)
    request = protocol.Request(1, "update_trial", ("0", {"score": 2.0}), {"step": 3})
    trial = actions.call(request)
    assert isinstance(trial, codec.TrialState)
    assert trial.state["trial_id"] == "0"
    assert actions.oracle.trials["0"].metrics.get_history("score")[0].step == 3
    assert actions.call(protocol.Request(2, "getattr", ("max_trials",))) == 3
