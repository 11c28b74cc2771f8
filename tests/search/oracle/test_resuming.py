"""A durable oracle goes on where a search was, whatever stopped it."""

import math
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from keras_tuner import oracles

from tests.support import crashes, simulation
from tuner_component.search.errors import StudyMismatchError
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study


@pytest.mark.parametrize("kind", [k for k in simulation.KINDS if k != "bayesian"])
def test_trials_in_flight_come_first_and_once(
    opened: simulation.Opened, kind: str
) -> None:
    """Trials that ran at the crash would be lost or run by two workers."""
    durable = opened(kind)
    for number in range(3):
        simulation.end(durable, durable.create_trial("a"), float(number))
    running = {}
    for worker in "abc":
        trial = durable.create_trial(worker)
        if trial.status == "RUNNING":
            running[trial.trial_id] = dict(trial.hyperparameters.values)
    assert running
    for _ in range(2):
        durable = opened(kind)
        assert simulation.waiting(durable) == list(running)
        again = [durable.create_trial(w) for w in "xyz"[: len(running)]]
        assert {t.trial_id: dict(t.hyperparameters.values) for t in again} == running
        assert list(running) == [t.trial_id for t in again]
        assert simulation.waiting(durable) == []
    told = simulation.read(opened.directory).trials
    assert [len(told[i].attempts) for i in running] == [2] * len(running)


def test_everything_known_of_a_trial_comes_back(opened: simulation.Opened) -> None:
    """Results published after a resume would differ from those seen before."""
    durable = opened()
    trial = durable.create_trial("a")
    trial.hyperparameters.Int("late", 1, 5)
    for step, score in enumerate((3.0, 1.0, 2.0)):
        metrics = {"score": score, "other": math.nan}
        durable.update_trial(trial.trial_id, metrics, step)
    trial.status = "COMPLETED"
    durable.end_trial(trial)
    simulation.fail(durable, durable.create_trial("a"), "Traceback")
    before = [t.get_state() for t in durable.trials.values()]
    state = durable.get_state()
    again = opened()
    after = [t.get_state() for t in again.trials.values()]
    assert repr(after) == repr(before)  # As text: nan differs from itself.
    assert after[0]["best_step"] == 1
    restored = again.get_state()
    for key in ("tried_so_far", "display"):
        assert sorted(restored.pop(key)) == sorted(state.pop(key))
    assert restored == state


def test_seed_that_was_drawn_is_kept(opened: simulation.Opened) -> None:
    """An unseeded search would go on as another one."""

    def unseeded() -> Any:
        return oracles.RandomSearchOracle(
            simulation.OBJECTIVE, 9, hyperparameters=simulation.space()
        )

    durable = opened.wrap(unseeded())
    seed = durable.seed
    durable.create_trial("a")
    following = durable.create_trial("b").hyperparameters.values
    again = opened.wrap(unseeded())
    assert again.seed == seed
    assert [again.create_trial(w) for w in "ab"][1].hyperparameters.values == following


def test_search_space_of_a_resumed_study_is_its_own(opened: simulation.Opened) -> None:
    """Hyperparameters found before the crash would be forgotten."""
    durable = opened()
    trial = durable.create_trial("a")
    trial.hyperparameters.Int("late", 1, 5)
    simulation.end(durable, trial, 1.0)
    assert "late" in opened().get_space().values


@pytest.mark.parametrize("what", ["oracle", "objective"])
def test_other_search_is_refused(opened: simulation.Opened, what: str) -> None:
    """One search would be gone on with as another."""
    opened("random")
    other = simulation.oracle("grid" if what == "oracle" else "random")
    if what == "objective":
        other.objective = keras_tuner.Objective("loss", "min")
    with pytest.raises(StudyMismatchError, match=f"Expected the {what}"):
        opened.wrap(other)


def test_trials_that_kerastuner_reloaded_are_taken_up(
    opened: simulation.Opened, tmp_path: Path
) -> None:
    """Users who come from the stock Tuner would start anew."""
    stock = simulation.oracle("random")
    stock._set_project_dir(str(tmp_path), "project")
    stock.verbose = 0
    simulation.end(stock, stock.create_trial("a"), 1.0)
    running = stock.create_trial("a").hyperparameters.values
    reloaded = simulation.oracle("random")
    reloaded._set_project_dir(str(tmp_path), "project")
    reloaded.reload()
    for oracle in (reloaded, simulation.oracle("random")):
        durable = opened.wrap(oracle)
        assert durable.get_trial("0").score == 1.0
        assert durable.create_trial("b").hyperparameters.values == running
    assert durable.create_trial("c").trial_id == "2"


def test_finished_study_gives_its_results_and_no_trial(
    opened: simulation.Opened,
) -> None:
    """A finished search would be extended by accident."""
    durable = opened()
    simulation.end(durable, durable.create_trial("a"), 1.0)
    durable.finish()
    again = opened()
    assert [t.score for t in again.get_best_trials(None)] == [1.0]
    assert again.create_trial("a").status == "STOPPED"
    assert simulation.waiting(again) == []


@pytest.mark.parametrize(
    "point",
    [
        f"trial.{transition}.{when}:{nth}"
        for transition in ("created", "ended", "attempt")
        for when in ("before", "after")
        for nth in (1, 2)
    ],
)
def test_crash_around_each_kind_of_record(tmp_path: Path, point: str) -> None:
    """A crash beside a lost attempt would lose the trial or count it twice."""
    directory = str(tmp_path)

    def search() -> None:
        with Study.open(directory, simulation.FINGERPRINT, seed=1) as study:
            durable = DurableOracle.open(simulation.oracle("random"), study)
            lost: set[str] = set()
            while (trial := durable.create_trial("a")).status == "RUNNING":
                if int(trial.trial_id) % 3 == 1 and trial.trial_id not in lost:
                    lost.add(trial.trial_id)
                    durable.attempt_lost(trial.trial_id, "killed")
                else:
                    simulation.run_trial(durable, trial)
            durable.finish()

    assert not crashes.run(search, point)
    assert crashes.run(search)
    reference = str(tmp_path / "reference")
    assert crashes.run(lambda: simulation.search(reference, "random"))
    assert simulation.results(directory) == simulation.results(reference)
