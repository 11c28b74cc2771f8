"""What people ask of a search while it runs: stop a trial, stop it all, try this next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import crashes, simulation
from tuner_component.search.errors import SearchStoppedError
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study import requests
from tuner_component.search.study.requests import DONE, REFUSED, Request
from tuner_component.search.study.study import Study

STUDY = "0123"


def ask(durable: Any, kind: str, **content: Any) -> tuple[str, str]:
    """Asks something of a search; returns the outcome and the message."""
    outcome: tuple[str, str] = durable.do(requests.new(STUDY, kind, **content))
    return outcome


def run_all(durable: Any) -> list[Any]:
    """Runs all trials that there are."""
    ran = []
    while (trial := durable.create_trial("worker")).status == "RUNNING":
        ran.append(trial)
        simulation.run_trial(durable, trial)
    return ran


def values_for(kind: str) -> dict[str, Any]:
    """A configuration that such a search would hardly come to."""
    if kind == "grid":
        return {"kind": "deep", "layers": 3, "norm": True}
    return {"rate": 0.0123, "kind": "deep"}


@pytest.mark.parametrize("kind", simulation.KINDS)
def test_configuration_is_tried_next(opened: simulation.Opened, kind: str) -> None:
    """With some tuners nothing could be asked, or the search would break by it."""
    durable = opened(kind)
    first = durable.create_trial("worker")
    outcome, message = ask(durable, "enqueue", values=values_for(kind))
    assert outcome == DONE, message
    simulation.run_trial(durable, first)
    trial = durable.create_trial("worker")
    assert values_for(kind).items() <= trial.hyperparameters.values.items()
    simulation.run_trial(durable, trial)
    with simulation.one_step():
        ran = run_all(durable)
    durable.finish()
    places = [str(sorted(t.hyperparameters.values.items())) for t in ran]
    assert all(values_for(kind) != t.hyperparameters.values for t in ran)
    assert len(set(places)) == len(places)
    if durable.max_trials:
        assert len(durable.trials) == durable.max_trials
    told = simulation.read(opened.directory)
    assert set(told.asked.tried.values()) == {trial.trial_id}


def test_grid_has_no_point_twice_and_none_too_few(opened: simulation.Opened) -> None:
    """A point that was tried by request would be tried again, or those behind it never."""
    points = set()
    for given in ({"kind": "flat", "norm": True}, values_for("grid"), None):
        durable = opened("grid")
        if given is not None:
            first = durable.create_trial("worker")
            assert ask(durable, "enqueue", values=given)[0] == DONE
            simulation.run_trial(durable, first)
            simulation.run_trial(durable, durable.create_trial("worker"))
        else:
            run_all(durable)
    for trial in durable.trials.values():
        points.add(str(sorted(trial.hyperparameters.values.items())))
    assert len(points) == len(durable.trials) == 8


def test_hyperband_trains_it_from_first_to_last(opened: simulation.Opened) -> None:
    """It would be trained for one epoch, and thrown out of a bracket that it is not in."""
    durable = opened("hyperband")
    assert ask(durable, "enqueue", values={"rate": 0.01})[0] == DONE
    values = durable.create_trial("worker").hyperparameters.values
    assert (values["tuner/epochs"], values["tuner/initial_epoch"]) == (4, 0)


def test_what_is_left_out_has_its_default(opened: simulation.Opened) -> None:
    """All hyperparameters would have to be named."""
    durable = opened()
    assert ask(durable, "enqueue", values={"kind": "deep"})[0] == DONE
    trial = durable.create_trial("worker")
    assert trial.hyperparameters.values == {"rate": 1e-4, "kind": "deep", "layers": 1}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"rat": 0.01}, "'rat'. Did you mean rate?"),
        ({"rate": 1.0}, "1.0 of type float"),
        ({"rate": "0.01"}, "'0.01' of type str"),
        ({"rate": True}, "True of type bool"),
        ({"kind": "x" * 10_000}, "..."),
        ({"kind": "deep", "layers": 1.5}, "1.5 of type float"),
        ({"kind": "flat", "layers": 2}, "layers, which these values leave without"),
        ({"tuner/epochs": 3}, "'tuner/epochs'"),
    ],
)
def test_configuration_that_is_none_is_refused(
    opened: simulation.Opened, values: dict[str, Any], why: str
) -> None:
    """The trial would fail, or train something else than was asked for."""
    durable = opened()
    outcome, message = ask(durable, "enqueue", values=values)
    assert outcome == REFUSED and why in message and len(message) < 700
    assert message.startswith("Expected") and "Received" in message
    assert not simulation.read(opened.directory).asked.records


def test_configuration_is_tried_once(opened: simulation.Opened) -> None:
    """A double click would train it twice."""
    durable = opened()
    request = requests.new(STUDY, "enqueue", values={"rate": 0.01})
    assert durable.do(request)[0] == durable.do(request)[0] == DONE
    outcome, message = ask(durable, "enqueue", values={"rate": 0.01})
    assert outcome == REFUSED and "waits to be tried" in message
    simulation.run_trial(durable, durable.create_trial("worker"))
    outcome, message = ask(durable, "enqueue", values={"rate": 0.01})
    assert outcome == REFUSED and "trial 0, completed" in message
    assert len(run_all(durable)) == 7


def test_it_counts_as_one_of_the_trials(opened: simulation.Opened) -> None:
    """The search would have more trials than it may, or take what it never tries."""
    durable = opened()
    for number in range(8):
        given = {"rate": 0.001 * (number + 1)}
        assert ask(durable, "enqueue", values=given)[0] == DONE
    outcome, message = ask(durable, "enqueue", values={"rate": 0.09})
    assert outcome == REFUSED and "8 trials, all of which are taken" in message
    assert len(run_all(durable)) == 8


def test_space_that_is_not_known_yet(opened: simulation.Opened) -> None:
    """The trial would have whatever was named, or the search end in a traceback."""
    durable = opened.wrap(simulation.CountingOracle(objective=simulation.OBJECTIVE))
    assert ask(durable, "enqueue", values={"rate": 0.01})[0] == REFUSED


class Own(simulation.CountingOracle):
    """Creates trials in a way of its own."""

    def create_trial(self, tuner_id: str) -> Any:
        return super().create_trial(tuner_id)


def test_oracle_that_creates_trials_itself_is_left_alone(
    opened: simulation.Opened,
) -> None:
    """What was asked would be said to be tried, and never be."""
    space = simulation.space()
    oracle = Own(objective=simulation.OBJECTIVE, hyperparameters=space)
    outcome, message = ask(opened.wrap(oracle), "enqueue", values={"rate": 0.01})
    assert outcome == REFUSED and "Own, which has a create_trial of its own" in message


def report(durable: Any, trial_id: str, *scores: float) -> list[Any]:
    """Reports epochs; returns what the trial is told after each."""
    return [
        durable.report_epoch(trial_id, 0, epoch, {"score": score})
        for epoch, score in enumerate(scores)
    ]


def test_trial_ends_after_its_next_epoch(opened: simulation.Opened) -> None:
    """It would train on for hours, or be lost."""
    durable = opened()
    trial = durable.create_trial("worker")
    other = durable.create_trial("other")
    assert report(durable, trial.trial_id, 0.5)[-1].name == "GO_ON"
    outcome, message = ask(durable, "stop_trial", trial=trial.trial_id)
    assert outcome == DONE and "after its next epoch" in message
    assert report(durable, trial.trial_id, 0.5, 0.4)[-1].name == "STOP"
    assert report(durable, other.trial_id, 0.5)[-1].name == "GO_ON"
    simulation.end(durable, trial, 0.4)
    ended = simulation.read(opened.directory).trials[trial.trial_id].ended
    assert ended is not None and ended["status"] == "COMPLETED"
    assert ended["stopped"] == {"rule": "request", "fit": 0, "epoch": 1}


def test_trial_that_was_to_stop_does_after_a_crash(opened: simulation.Opened) -> None:
    """It would be run again, from its beginning to its end."""
    durable = opened()
    trial_id = durable.create_trial("worker").trial_id
    assert ask(durable, "stop_trial", trial=trial_id)[0] == DONE
    durable = opened()
    assert durable.create_trial("worker").trial_id == trial_id
    assert report(durable, trial_id, 0.5)[-1].name == "STOP"


def test_trial_that_is_run_again_is_not_stopped_again(
    opened: simulation.Opened,
) -> None:
    """Whoever wants it to be run again wants it whole."""
    durable = opened()
    trial = durable.create_trial("worker")
    ask(durable, "stop_trial", trial=trial.trial_id)
    simulation.fail(durable, trial)
    opened.close()
    retry: Any = {"retry": simulation.RetryOptions((trial.trial_id,))}
    with Study.open(opened.directory, simulation.FINGERPRINT, seed=1, **retry) as study:
        durable = DurableOracle.open(simulation.oracle("random"), study)
        assert durable.create_trial("worker").trial_id == trial.trial_id
        assert report(durable, trial.trial_id, 0.5)[-1].name == "GO_ON"


def test_paused_trial_ends(opened: simulation.Opened) -> None:
    """It would go on later, although nobody wants it."""
    durable = opened("auto")
    trial = durable.create_trial("worker")
    durable.epochs.report(trial.trial_id, 0, 0, {"score": 0.5})
    durable.epochs.stopped_by_oracle(trial.trial_id, 0, 0)
    durable.pause_trial(trial.trial_id)
    outcome, message = ask(durable, "stop_trial", trial=trial.trial_id)
    assert outcome == DONE and "is paused, and ends" in message
    durable.create_trial("worker")
    told = simulation.read(opened.directory).trials[trial.trial_id].ended
    assert told is not None and told["stopped"]["rule"] == "request"
    assert durable.take_let_go() == [trial.trial_id]


@pytest.mark.parametrize("trial_id", ["7", "", "x" * 5000, "../../etc"])
def test_trial_that_is_none_is_refused(
    opened: simulation.Opened, trial_id: str
) -> None:
    """Somebody would wait for it to end."""
    durable = opened()
    durable.create_trial("worker")
    outcome, message = ask(durable, "stop_trial", trial=trial_id)
    assert outcome == REFUSED and len(message) < 400


def test_trial_that_has_ended_is_refused(opened: simulation.Opened) -> None:
    """Somebody would wait for it to end."""
    durable = opened()
    simulation.run_trial(durable, durable.create_trial("worker"))
    outcome, message = ask(durable, "stop_trial", trial="0")
    assert outcome == REFUSED and "0, completed" in message


def stop(durable: Any) -> None:
    outcome, message = ask(durable, "stop_search")
    assert outcome == DONE and "The search ends" in message


def test_search_ends_with_what_is_there(opened: simulation.Opened) -> None:
    """It would go on, or what it has found be lost."""
    durable = opened()
    simulation.run_trial(durable, durable.create_trial("worker"))
    running = durable.create_trial("worker")
    ask(durable, "enqueue", values={"rate": 0.01})
    stop(durable)
    stop(durable)
    assert durable.create_trial("other").status == "STOPPED"
    assert report(durable, running.trial_id, 0.5)[-1].name == "STOP"
    simulation.end(durable, running, 0.5)
    assert durable.create_trial("worker").status == "STOPPED"
    assert ask(durable, "enqueue", values={"rate": 0.02})[0] == REFUSED
    durable.finish()
    told = simulation.read(opened.directory)
    assert told.ended_because is not None
    assert told.ended_because.startswith("Stopped by request by ")
    assert "after 2 trials of 8, at 2" in told.ended_because
    assert durable.ended_because == told.ended_because
    # And it stays so, unless somebody wants more.
    with Study.open(opened.directory, simulation.FINGERPRINT, confirm_top=2) as study:
        assert study.is_finished


def test_search_ends_after_a_crash(opened: simulation.Opened) -> None:
    """Who has stopped it would find it at work again."""
    durable = opened()
    simulation.run_trial(durable, durable.create_trial("worker"))
    durable.create_trial("worker")
    stop(durable)
    durable = opened()
    assert durable.create_trial("worker").status == "STOPPED"
    durable.finish()
    assert "Stopped by request" in durable.ended_because


@pytest.mark.parametrize(
    ("wanted", "trials"), [({"go_on": True}, 8), ({"max_trials": 9}, 9)]
)
def test_stopped_search_goes_on_if_somebody_wants_that(
    opened: simulation.Opened, wanted: dict[str, Any], trials: int
) -> None:
    """A search that was stopped too early would have to begin anew."""
    durable = opened()
    simulation.run_trial(durable, durable.create_trial("worker"))
    waiting = durable.create_trial("worker")
    stop(durable)
    durable.finish()
    opened.close()
    with Study.open(opened.directory, simulation.FINGERPRINT, **wanted) as study:
        study.commit()  # And ends at once, as a command does.
    simulation.search(opened.directory, "random", max_trials=wanted.get("max_trials"))
    told = simulation.read(opened.directory)
    assert len(told.end_order) == trials and waiting.trial_id in told.end_order
    assert told.ended_because is None


def test_search_without_a_result_can_go_on(opened: simulation.Opened) -> None:
    """The same search would end at once for ever, with the same error."""
    durable = opened()
    durable.create_trial("worker")
    stop(durable)
    with pytest.raises(SearchStoppedError, match="stopped by request"):
        durable.finish()
    durable = opened()
    assert len(run_all(durable)) == 8
    durable.finish()


def test_confirmations_are_left_out(opened: simulation.Opened) -> None:
    """A search that was stopped would go on with re-runs for hours."""
    durable = opened(confirm_top=2)
    simulation.run_trial(durable, durable.create_trial("worker"))
    stop(durable)
    assert durable.create_trial("worker").status == "STOPPED"
    durable.finish()


def test_rerun_is_not_stopped_alone(opened: simulation.Opened) -> None:
    """The mean would be of runs of different lengths."""
    durable = opened(confirm_top=1)
    while len(simulation.read(opened.directory).end_order) < 8:
        simulation.run_trial(durable, durable.create_trial("worker"))
    rerun = durable.create_trial("worker")
    assert ask(durable, "stop_trial", trial=rerun.trial_id)[0] == REFUSED
    assert ask(durable, "enqueue", values={"rate": 0.01})[0] == REFUSED
    stop(durable)
    assert report(durable, rerun.trial_id, 0.5)[-1].name == "GO_ON"


def test_workers_are_for_searches_that_have_some(opened: simulation.Opened) -> None:
    """Somebody would wait for more trials at a time."""
    durable = opened()
    assert ask(durable, "workers", workers=3)[0] == REFUSED
    asked = requests.new(STUDY, "workers", workers=3)
    assert durable.do(asked, workers=True)[0] == DONE


POINTS = ("request.asked.before", "request.asked.after", "trial.created.before")


def steered(directory: str, asked: list[Request]) -> None:
    """A search of which several things are asked, as often as it is run."""
    with Study.open(directory, simulation.FINGERPRINT, seed=1) as study:
        durable = DurableOracle.open(simulation.oracle("random"), study)
        for request in asked:
            durable.do(request)
        while (trial := durable.create_trial("worker")).status == "RUNNING":
            simulation.run_trial(durable, trial)
        durable.finish()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("nth", [1, 2])
def test_killed_search_does_it_once(tmp_path: Path, point: str, nth: int) -> None:
    """A configuration would be tried twice, or what was asked be forgotten."""
    directory = str(tmp_path / "study")
    asked = [
        requests.new(STUDY, "enqueue", values={"rate": rate}) for rate in (0.01, 0.02)
    ]
    assert not crashes.run(lambda: steered(directory, asked), f"{point}:{nth}")
    assert crashes.run(lambda: steered(directory, asked))
    told = simulation.read(directory)
    rates = [trial.values["rate"] for trial in told.trials.values()]
    assert (rates.count(0.01), rates.count(0.02), len(rates)) == (1, 1, 8)
    assert len(told.asked.records) == len(told.asked.tried) == 2
