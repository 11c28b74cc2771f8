"""Paused trials: a state of the study, out of which they go on or end."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import paused_search, simulation
from tests.support.halving import Halving
from tests.support.paused_search import EPOCHS, Worker, curve, halving
from tuner_component.search import events
from tuner_component.search.epochs import Decision
from tuner_component.search.errors import SearchError
from tuner_component.search.options import StoppingOptions
from tuner_component.search.study.trial_history import TrialHistory


def told(directory: Path) -> dict[str, TrialHistory]:
    return simulation.read(str(directory)).trials


def lengths(trials: dict[str, TrialHistory]) -> list[int]:
    """How many epochs of each trial are in the journal, sorted."""
    return sorted(
        len(t.ended["curves"][0]["score"]) for t in trials.values() if t.ended
    )


def test_the_best_go_on_and_the_others_end_where_they_are(tmp_path: Path) -> None:
    """A search would train what cannot win, or lose what it has trained of it."""
    worker = paused_search.search(tmp_path)
    trials = told(tmp_path)
    # Of eight, four got to the second rung, two to the third, and one to the end.
    assert lengths(trials) == [1, 1, 1, 1, 2, 2, 4, EPOCHS]
    assert all(times == 1 for times in collections.Counter(worker.trained).values())
    for trial in trials.values():
        assert trial.ended is not None
        epochs = len(trial.ended["curves"][0]["score"])
        assert trial.ended["status"] == "COMPLETED"
        assert trial.ended["score"] == curve(trial.values)[epochs - 1]
        assert trial.ended["best_step"] == epochs - 1
        assert trial.ended.get("attempts") is None
        if epochs == EPOCHS:
            assert "stopped" not in trial.ended
        else:
            stopped = {"rule": "oracle", "fit": 0, "epoch": epochs - 1}
            assert trial.ended["stopped"] == stopped


def test_a_trial_that_goes_on_has_the_result_of_one_that_never_paused(
    tmp_path: Path,
) -> None:
    """A pause would change what a search finds."""
    paused_search.search(tmp_path / "paused")
    paused_search.search(tmp_path / "whole", halving(rungs=(99,)))
    whole = told(tmp_path / "whole")
    assert lengths(whole) == [EPOCHS] * 8
    for trial_id, trial in told(tmp_path / "paused").items():
        assert trial.values == whole[trial_id].values
        assert trial.ended is not None and whole[trial_id].ended is not None
        if "stopped" not in trial.ended:
            assert trial.ended["score"] == whole[trial_id].ended["score"]


def test_a_paused_trial_does_not_run(opened: simulation.Opened) -> None:
    """KerasTuner would take its worker for busy, and an oracle it for under way."""
    durable = opened.wrap(halving())
    worker = Worker(durable)
    first = worker.take()
    worker.run(first)
    assert durable.ongoing_trials == {}
    assert durable.trials["0"].status == "RUNNING"  # It has not ended.
    assert durable.paused_trials() == ("0",)
    assert worker.take().trial_id == "1"


def test_the_oracle_is_told_what_it_needs(opened: simulation.Opened) -> None:
    """It would decide on another curve than the trial has, or not at its rungs."""
    oracle = halving()
    durable = opened.wrap(oracle)
    worker = Worker(durable)
    worker.tell(worker.take().trial_id, 0, 3.0, decided=True)
    worker.tell("0", 1, 5.0)
    worker.tell("0", 2, 4.0)
    worker.tell("0", 3, 2.0, can_pause=False)
    assert oracle.asked == [
        ("0", 2, [3.0, 3.0], True),
        ("0", 4, [3.0, 3.0, 3.0, 2.0], False),
    ]


def test_it_is_asked_once_for_each_number_of_epochs(opened: simulation.Opened) -> None:
    """A trial that has come so far would be paused again on its way, for ever."""
    oracle = halving()
    durable = opened.wrap(oracle)
    worker = Worker(durable)
    worker.run(worker.take())
    again = Worker(durable)  # It has lost what was saved.
    durable._open.go_on("0")
    assert again.take().trial_id == "0"
    again.run(durable.trials["0"])
    assert [epochs for _, epochs, _, _ in oracle.asked] == [1, 2]


def test_another_training_of_a_trial_is_not_asked_about(
    opened: simulation.Opened,
) -> None:
    """A trial with several executions would be halved against itself."""
    oracle = halving(rungs=(1,))
    durable = opened.wrap(oracle)
    durable.create_trial("a")
    assert durable.report_epoch("0", 0, 0, {"score": 1.0}, decided=True) is not None
    assert durable.report_epoch("0", 1, 0, {"score": 1.0}) is Decision.GO_ON


def test_metrics_without_the_objective_are_not_asked_about(
    opened: simulation.Opened,
) -> None:
    """A trial that is scored by something else would be paused by nothing."""
    oracle = halving()
    durable = opened.wrap(oracle)
    durable.create_trial("a")
    assert durable.report_epoch("0", 0, 0, {"loss": 1.0}) is None
    assert durable.decide("0", 0, 0, can_pause=True) is Decision.GO_ON
    assert oracle.asked == []


def test_an_epoch_without_validation_is_a_rung_as_well(
    opened: simulation.Opened,
) -> None:
    """A trial that is validated now and then would pass its rungs."""
    oracle = halving(rungs=(2,))
    durable = opened.wrap(oracle)
    durable.create_trial("a")
    durable.report_epoch("0", 0, 0, {"loss": 1.0, "score": 3.0})
    assert durable.report_epoch("0", 0, 1, {"loss": 1.0}) is None
    assert durable.decide("0", 0, 1, can_pause=True) is Decision.PAUSE
    assert oracle.asked == [("0", 2, [3.0, 3.0], True)]


def test_a_trial_that_cannot_pause_is_stopped(tmp_path: Path) -> None:
    """It would be trained again from its beginning, or never end."""
    paused_search.search(tmp_path, can_pause=False)
    trials = told(tmp_path)
    assert lengths(trials) == [1] * 8
    for trial in trials.values():
        assert trial.ended is not None
        assert trial.ended["stopped"] == {"rule": "oracle", "fit": 0, "epoch": 0}


def test_one_that_takes_the_machine_alone_cannot_pause(
    opened: simulation.Opened,
) -> None:
    """All others would have to wait until it is gone on with."""
    oracle = halving()
    durable = opened.wrap(oracle)
    worker = Worker(durable)
    worker.take()
    durable.attempt_lost("0", "killed", out_of_memory=True)
    worker.run(worker.take())
    assert oracle.asked == [
        ("0", 1, [curve(durable.trials["0"].hyperparameters.values)[0]], False)
    ]
    assert durable.paused_trials() == ()


def test_a_pause_that_nobody_asked_for_is_refused(opened: simulation.Opened) -> None:
    """A trial would wait for an oracle that knows nothing of it."""
    durable = opened.wrap(halving())
    trial = durable.create_trial("a")
    with pytest.raises(SearchError, match="wants to be paused. Received: 0"):
        durable.pause_trial(trial.trial_id)
    durable.epochs.report("0", 0, 0, {"score": 1.0})
    assert durable.decide("0", 0, 0, can_pause=True) is Decision.PAUSE
    durable.report_epoch("0", 0, 1, {"score": 1.0})  # It goes on all the same.
    with pytest.raises(SearchError, match="wants to be paused. Received: 0"):
        durable.pause_trial(trial.trial_id)


@pytest.mark.parametrize("pauses", range(1, 15, 3))
def test_a_search_that_was_interrupted_knows_its_paused_trials(
    tmp_path: Path, pauses: int
) -> None:
    """They would be trained again, or hold up the end of the search."""
    whole = paused_search.search(tmp_path / "whole")
    expected = paused_search.results(whole.durable)
    opened = simulation.Opened(tmp_path / "study")
    worker = Worker(opened.wrap(halving()))
    for _ in range(pauses):
        worker.run(worker.take())
    paused = worker.durable.paused_trials()
    again = Worker(opened.wrap(halving()), saved=worker.saved)
    assert again.durable.paused_trials() == paused
    assert simulation.waiting(again.durable) == []
    again.run_all()
    opened.close()
    assert paused_search.results(again.durable) == expected
    trained = collections.Counter([*worker.trained, *again.trained])
    assert trained == collections.Counter(whole.trained)


def test_a_trial_that_went_on_when_the_search_died_is_handed_out_first(
    tmp_path: Path,
) -> None:
    """Its worker's death would leave it between running and paused."""
    opened = simulation.Opened(tmp_path / "study")
    worker = Worker(opened.wrap(halving(max_trials=2)))
    for _ in range(2):
        worker.run(worker.take())
    went_on = worker.take().trial_id
    durable = opened.wrap(halving(max_trials=2))
    assert durable.paused_trials() == ()
    assert simulation.waiting(durable) == [went_on]
    Worker(durable, saved=worker.saved).run_all()
    opened.close()
    trial = told(tmp_path / "study")[went_on]
    kinds = [attempt["kind"] for attempt in trial.attempts]
    assert kinds == ["paused", "attempt", "paused", "paused"]
    assert trial.ended is not None and trial.ended["attempts"] == 2


def test_a_search_never_ends_with_a_paused_trial(tmp_path: Path) -> None:
    """What the oracle has forgotten would be no result."""

    class Forgetful(Halving):
        def next_paused(self, paused: Sequence[str]) -> None:
            return None

        def hopeless(self, paused: Sequence[str]) -> list[str]:
            return []

    paused_search.search(tmp_path, halving_of(Forgetful))
    assert lengths(told(tmp_path)) == [1] * 8


def halving_of(cls: type[Halving], **kwargs: Any) -> Halving:
    return cls(
        objective=simulation.OBJECTIVE,
        max_trials=8,
        hyperparameters=simulation.space(),
        seed=11,
        **kwargs,
    )


def test_others_that_run_are_waited_for(opened: simulation.Opened) -> None:
    """A paused trial would end although one that runs may make it worth going on."""
    durable = opened.wrap(halving(max_trials=2))
    worker, other = Worker(durable, "a"), Worker(durable, "b")
    worker.run(worker.take())
    running = other.take()
    assert worker.take().status == "STOPPED"  # Until the other one has got there.
    assert durable.paused_trials() == ("0",)
    other.run(running)
    assert worker.take().status == "RUNNING"


def test_a_trial_that_lost_its_worker_is_waited_for(
    opened: simulation.Opened,
) -> None:
    """Others would be dropped although its result may be the worst."""
    oracle = halving(max_trials=2)
    durable = opened.wrap(oracle)
    worker = Worker(durable)
    worker.run(worker.take())
    worker.take()
    durable.attempt_lost("1", "killed")
    oracle.hopeless = lambda paused: list(paused)  # type: ignore[method-assign]
    assert worker.take().trial_id == "1"
    assert durable.paused_trials() == ("0",)


def test_a_trial_that_never_had_a_score_fails(opened: simulation.Opened) -> None:
    """A diverged trial would complete without a score."""
    durable = opened.wrap(halving(max_trials=1))
    worker = Worker(durable)
    worker.take()
    assert worker.tell("0", 0, math.nan) is Decision.PAUSE
    durable.pause_trial("0")
    durable._end_paused(["0"])
    assert durable.trials["0"].status == "FAILED"
    assert "Expected a finite score" in durable.trials["0"].message


def test_those_that_end_are_named_once(opened: simulation.Opened) -> None:
    """Nobody could clean up after them, or would do it twice."""
    durable = opened.wrap(halving(max_trials=2))
    worker = Worker(durable)
    for _ in range(2):
        worker.run(worker.take())
    assert durable.take_let_go() == []
    worker.take()
    [let_go] = durable.take_let_go()
    assert durable.trials[let_go].status == "COMPLETED"
    assert durable.take_let_go() == []


def test_a_pause_does_not_count_as_an_attempt(opened: simulation.Opened) -> None:
    """A trial that pauses often would look like one that fails often."""
    durable = opened.wrap(halving(max_trials=2), max_retries=0)
    worker = Worker(durable)
    for _ in range(2):
        worker.run(worker.take())
    assert {t.attempts for t in durable.attempts_so_far().values()} == {0}
    assert not durable.given_up()


def test_what_is_told_of_pauses(tmp_path: Path) -> None:
    """People would see a trial vanish."""
    seen: list[Any] = []
    opened = simulation.Opened(tmp_path)
    worker = Worker(opened.wrap(halving(max_trials=1), observer=seen.append))
    worker.run_all()
    opened.close()
    paused = [event for event in seen if isinstance(event, events.TrialPaused)]
    assert paused == [events.TrialPaused("0", epochs) for epochs in (1, 2, 4)]


def test_a_rule_may_stop_what_the_oracle_may_pause(tmp_path: Path) -> None:
    """Of a rule and an oracle that pauses, one would have no effect."""
    options = StoppingOptions("median", grace_epochs=3, warmup_trials=1)
    oracle = halving(rungs=(2,), max_trials=6)
    oracle._halved = lambda paused: (list(paused), list(paused))  # type: ignore[method-assign]
    paused_search.search(tmp_path, oracle, options)
    rules = [
        trial.ended["stopped"]["rule"]
        for trial in told(tmp_path).values()
        if trial.ended and "stopped" in trial.ended
    ]
    assert set(rules) == {"median"}
    assert all(len(trial.attempts) == 1 for trial in told(tmp_path).values())


def test_a_rule_compares_with_paused_trials_after_a_resume(tmp_path: Path) -> None:
    """A resumed search would stop other trials than one that was never interrupted."""

    def decisions(resumes: bool) -> list[Decision]:
        options = StoppingOptions("asha", grace_epochs=1, reduction_factor=2)
        opened = simulation.Opened(tmp_path / str(resumes))

        def wrap() -> Worker:
            oracle = halving(rungs=(2,))
            curves = paused_search.LearningCurves.of(options, oracle)
            return Worker(opened.wrap(oracle, epochs=curves))

        worker = wrap()
        found = []
        for number in range(6):
            if resumes:
                worker = wrap()
            trial = worker.take()
            assert trial.trial_id == str(number)
            found.append(worker.train(trial, at_most=2))
            if found[-1] is Decision.PAUSE:
                worker.durable.pause_trial(trial.trial_id)
            else:
                simulation.end(worker.durable, trial, 1.0)
        opened.close()
        return found

    undisturbed = decisions(False)
    assert decisions(True) == undisturbed
    assert set(undisturbed) == {Decision.PAUSE, Decision.STOP}


def test_one_that_ends_has_what_it_found(opened: simulation.Opened) -> None:
    """The record would lack a hyperparameter that the trial's model was built with."""
    durable = opened.wrap(halving(max_trials=2))
    worker = Worker(durable)
    worker.run(worker.take())
    found = durable.get_space()
    found.Int("filters", 8, 32, default=16)
    durable.update_space(found)
    durable._end_paused(["0"])
    assert durable.trials["0"].hyperparameters.values["filters"] == 16
    assert told(Path(opened.directory))["0"].values["filters"] == 16
