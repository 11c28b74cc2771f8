"""The search "auto" behind KerasTuner's interface, with trials that cost nothing."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.support import paused_search, simulation
from tests.support.paused_search import EPOCHS, Worker
from tuner_component import load_study
from tuner_component.oracles import AutoOracle, auto_oracle
from tuner_component.planner import convergence
from tuner_component.planner.times import Times
from tuner_component.search.errors import StorageError
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study.study import Study


def auto(**kwargs: Any) -> AutoOracle:
    common: dict[str, Any] = {
        "objective": simulation.OBJECTIVE,
        "max_trials": 16,
        "epochs": EPOCHS,
        "seed": 11,
        "hyperparameters": simulation.space(dimensions=3),
    }
    return AutoOracle(**{**common, **kwargs})


def test_trials_pause_and_the_best_go_on(tmp_path: Path) -> None:
    """Every trial would be trained to the end, or none."""
    oracle = auto()
    worker = paused_search.search(tmp_path, oracle)
    epochs = [
        trained.count(i)
        for i in oracle.trials
        for trained in [[trial_id for trial_id, _ in worker.trained]]
    ]
    assert len(oracle.trials) == 16
    assert max(epochs) == EPOCHS
    assert sum(epochs) < 16 * EPOCHS / 2
    scores = {i: trial.score for i, trial in oracle.trials.items()}
    best = min(scores, key=lambda i: scores[i])
    assert [i for i, _ in worker.trained].count(best) == EPOCHS


def test_trials_that_cannot_pause_are_stopped(tmp_path: Path) -> None:
    """A training loop of the user's own would be trained to its end each time."""
    oracle = auto()
    worker = paused_search.search(tmp_path, oracle, can_pause=False)
    assert len(oracle.trials) == 16
    assert len(worker.trained) < 16 * EPOCHS / 2
    assert {trial.status for trial in oracle.trials.values()} == {"COMPLETED"}


@pytest.mark.parametrize(("max_trials", "checks"), [(16, 0), (60, 1)])
def test_an_interrupted_search_goes_on_as_it_would_have(
    tmp_path: Path, max_trials: int, checks: int
) -> None:
    """A crash would change what is found, or have a check of the model forgotten."""
    oracle = auto(max_trials=max_trials)
    whole = paused_search.search(tmp_path / "whole", oracle)
    saved: dict[str, int] = {}
    trained: list[tuple[str, int]] = []
    for _ in range(100):
        with Study.open(str(tmp_path / "cut"), simulation.FINGERPRINT, seed=1) as study:
            resumed = auto(max_trials=max_trials)
            epochs = LearningCurves.of(None, resumed)
            durable = DurableOracle.open(resumed, study, epochs=epochs)
            worker = Worker(durable, saved=saved)
            for _ in range(3):  # Then the process is gone.
                if (trial := worker.take()).status != "RUNNING":
                    break
                worker.run(trial)
            trained += worker.trained
            if trial.status == "STOPPED":
                durable.finish()
                break
    assert trained == whole.trained
    assert paused_search.results(resumed) == paused_search.results(oracle)
    assert len(resumed.get_state()["checks"]) == checks


@pytest.mark.parametrize("first", [2, 3, 5])
def test_failures_of_trained_trials_are_known_after_an_interruption(
    tmp_path: Path, first: int
) -> None:
    """A trial that fails after some epochs would count with its curve, which was good, as
    soon as the search is resumed; and all that follows would be decided otherwise.
    """
    scores = []
    for name, often in (("whole", 100), ("cut", 1)):
        saved, found, begun = dict[str, int](), list[tuple[str, int]](), 0
        for _ in range(200):
            with Study.open(
                str(tmp_path / name), simulation.FINGERPRINT, seed=1
            ) as study:
                resumed = auto(max_consecutive_failed_trials=99)
                epochs = LearningCurves.of(None, resumed)
                durable = DurableOracle.open(
                    resumed, study, epochs=epochs, max_failed_trials=99
                )
                worker = Worker(durable, saved=saved)
                for _ in range(often):
                    if (trial := worker.take()).status != "RUNNING":
                        break
                    begun += 1
                    if begun >= first and begun % 3 == 0:
                        worker.train(trial, can_pause=False, at_most=4)
                        durable.fail_trial(trial.trial_id, "it failed")
                    else:
                        worker.run(trial)
                found += worker.trained
                if trial.status == "STOPPED":
                    durable.finish()
                    break
        scores.append((found, paused_search.results(resumed)))
    assert scores[0] == scores[1]


def test_several_workers_train_other_trials(tmp_path: Path) -> None:
    """All workers would be given the same point."""
    with Study.open(str(tmp_path), simulation.FINGERPRINT, seed=1) as study:
        oracle = auto()
        durable = DurableOracle.open(
            oracle, study, epochs=LearningCurves.of(None, oracle)
        )
        workers = [Worker(durable, f"worker-{number}") for number in range(4)]
        trials = [worker.take() for worker in workers]
        points = {str(trial.hyperparameters.values) for trial in trials}
        assert len(points) == 4


def test_a_search_finds_its_space_in_its_first_trial(tmp_path: Path) -> None:
    """A hypermodel whose space is not known before would have one trial only."""
    oracle = auto(hyperparameters=None)
    found = simulation.space(dimensions=2)
    with Study.open(str(tmp_path), simulation.FINGERPRINT, seed=1) as study:
        durable = DurableOracle.open(
            oracle, study, epochs=LearningCurves.of(None, oracle)
        )
        first = durable.create_trial("worker")
        assert first.hyperparameters.values == {}
        durable.update_space(found)
        second = durable.create_trial("another")
        assert set(second.hyperparameters.values) >= {"rate", "kind"}


def test_failed_trials_are_avoided(tmp_path: Path) -> None:
    """A corner in which every model fails would be tried again and again."""
    oracle = auto(max_trials=24, max_consecutive_failed_trials=99)
    failed = 0
    with Study.open(str(tmp_path), simulation.FINGERPRINT, seed=1) as study:
        durable = DurableOracle.open(
            oracle, study, epochs=LearningCurves.of(None, oracle), max_failed_trials=99
        )
        worker = Worker(durable)
        while (trial := worker.take()).status == "RUNNING":
            if trial.hyperparameters.values["kind"] == "flat":
                failed += 1
                durable.fail_trial(trial.trial_id, "it failed")
            else:
                worker.run(trial)
    assert failed < 12


def test_a_larger_objective_may_be_the_better_one(tmp_path: Path) -> None:
    """A search for the largest accuracy would go on with the worst trials."""
    worst = auto(objective=keras_tuner.Objective("score", "max"))
    paused_search.search(tmp_path / "max", worst)
    paused_search.search(tmp_path / "min", least := auto())
    most = max(trial.score for trial in worst.trials.values())
    assert most > 2 * min(trial.score for trial in least.trials.values())


def test_results_of_earlier_searches_count(tmp_path: Path) -> None:
    """A search that starts from what is known would begin anywhere."""
    oracle = auto(max_trials=3)
    space = simulation.space(dimensions=3)
    good = {"rate": 1e-2, "kind": "deep", "layers": 2}
    assert set(good) <= {hp.name for hp in space.space}
    oracle.learn_from([(good, 0.001, None), ({"rate": 1e-4, "kind": "flat"}, 9.0, 1)])
    paused_search.search(tmp_path, oracle)
    assert len(oracle.trials) == 3


def test_it_says_how_it_decides(tmp_path: Path) -> None:
    """Nobody would know what "auto" was."""
    oracle = auto()
    assert oracle.why is not None
    assert "Gaussian process of 3 dimensions" in oracle.why
    assert "8 epochs" in oracle.why


@pytest.mark.parametrize("epochs", [1, None])
def test_epochs_that_are_few_or_unknown(tmp_path: Path, epochs: int | None) -> None:
    """A search whose trials have one epoch, or nobody knows how many, would not end."""
    oracle = auto(epochs=epochs)
    paused_search.search(tmp_path, oracle)
    assert len(oracle.trials) == 16


def test_how_it_decides_is_in_the_record(tmp_path: Path) -> None:
    """The report could not say what was done in the user's name."""
    paused_search.search(tmp_path, oracle := auto(max_trials=3))
    assert load_study(tmp_path).decisions == [oracle.why]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has searches end sooner: it is not looked at when, but how."""
    monkeypatch.setattr(convergence, "SHARE", 0.5)


def converging(**kwargs: Any) -> AutoOracle:
    oracle = auto(**{"max_trials": 60, "seed": 13, **kwargs})
    oracle.end_when("converged")
    return oracle


@pytest.mark.usefixtures("soon")
def test_a_search_ends_when_it_has_converged(tmp_path: Path) -> None:
    """Hours would be spent after the best was found, or nobody told why it ended."""
    paused_search.search(tmp_path, oracle := converging())
    count = len(oracle.trials)
    assert count < 60
    assert {trial.status for trial in oracle.trials.values()} == {"COMPLETED"}
    study = load_study(tmp_path)
    assert study.ended_because == oracle.ended_because
    assert oracle.ended_because is not None
    assert oracle.ended_because.startswith(f"Ended after {count} of 60 trials: 10 more")
    assert study.prospect is not None
    assert study.prospect.gain < 0.5 * study.prospect.noise


def test_what_to_expect_is_told_of_every_search(tmp_path: Path) -> None:
    """Whether a larger max_trials would be worth it, nobody would know."""
    paused_search.search(tmp_path, oracle := auto())
    study = load_study(tmp_path)
    assert (study.ended_because, oracle.ended_because) == (None, None)
    assert study.outlook is not None
    assert study.outlook.startswith("10 more trials are expected to lower score by ")


@pytest.mark.usefixtures("soon")
def test_a_search_of_the_largest_value_is_to_raise_it(tmp_path: Path) -> None:
    """People would read that their accuracy was to be lowered."""
    largest = keras_tuner.Objective("score", "max")
    paused_search.search(tmp_path, oracle := converging(objective=largest))
    assert oracle.ended_because is not None
    assert "expected to raise score by" in oracle.ended_because


@pytest.mark.usefixtures("soon")
def test_an_interrupted_search_ends_where_it_would_have(tmp_path: Path) -> None:
    """A crash would change how long a search goes on."""
    whole = paused_search.search(tmp_path / "whole", oracle := converging())
    saved: dict[str, int] = {}
    trained: list[tuple[str, int]] = []
    over = False
    while not over:
        with Study.open(
            str(tmp_path / "cut"),
            simulation.FINGERPRINT,
            seed=1,
            stop_when="converged",
        ) as study:
            resumed = converging()
            epochs = LearningCurves.of(None, resumed)
            durable = DurableOracle.open(resumed, study, epochs=epochs)
            worker = Worker(durable, saved=saved)
            for _ in range(4):  # Then the process is gone.
                if (trial := worker.take()).status != "RUNNING":
                    break
                worker.run(trial)
            trained += worker.trained
            over = trial.status == "STOPPED"
            # Every second time it dies before it has said that it is finished.
            if over and len(trained) % 2:
                durable.finish()
    assert trained == whole.trained
    assert resumed.ended_because == oracle.ended_because
    assert load_study(tmp_path / "cut").ended_because == oracle.ended_because


@pytest.mark.usefixtures("soon")
def test_a_search_that_has_converged_goes_on_if_it_is_to(tmp_path: Path) -> None:
    """What was found would have to be searched again from the beginning."""
    paused_search.search(tmp_path, first := converging())
    known = paused_search.results(first)
    paused_search.search(tmp_path, oracle := auto(max_trials=60))
    assert len(oracle.trials) == 60
    assert {i: paused_search.results(oracle)[i] for i in known} == known
    study = load_study(tmp_path)
    assert (study.status, study.ended_because) == ("finished", None)


@pytest.mark.usefixtures("soon")
def test_an_end_before_the_decision_was_durable_is_decided_again(
    tmp_path: Path,
) -> None:
    """What a dying process had decided, and told nobody, would be lost or doubled."""
    paused_search.search(tmp_path / "whole", oracle := converging())
    with Study.open(str(tmp_path / "cut"), simulation.FINGERPRINT, seed=1) as study:
        resumed = converging()
        durable = DurableOracle.open(
            resumed, study, epochs=LearningCurves.of(None, resumed), autocommit=False
        )
        worker = Worker(durable)
        while (trial := worker.take()).status == "RUNNING":
            worker.run(trial)
            durable.commit()
        saved = worker.saved
        # The decision was made by the last call, and never committed.
    with Study.open(str(tmp_path / "cut"), simulation.FINGERPRINT, seed=1) as study:
        again = converging()
        durable = DurableOracle.open(
            again, study, epochs=LearningCurves.of(None, again)
        )
        Worker(durable, saved=saved).run_all()
        durable.finish()
    assert again.ended_because == oracle.ended_because
    assert paused_search.results(again) == paused_search.results(oracle)


def test_a_trial_that_takes_long_must_be_worth_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search would spend its hours in the expensive corner of the space."""

    def epochs_of_deep(slow: bool) -> int:
        clock = [0.0]
        monkeypatch.setattr(auto_oracle.time, "monotonic", lambda: clock[0])
        oracle = auto(max_trials=40)
        directory = str(tmp_path / str(slow))
        with Study.open(directory, simulation.FINGERPRINT, seed=1) as study:
            durable = DurableOracle.open(
                oracle, study, epochs=LearningCurves.of(None, oracle)
            )
            worker = Worker(durable)
            spent = 0
            while spent < 120 and (trial := worker.take()).status == "RUNNING":
                deep = trial.hyperparameters.values["kind"] == "deep"
                before = len(worker.trained)
                monkeypatch.setattr(
                    worker,
                    "tell",
                    functools.partial(_tell_later, worker, clock, 64 * slow * deep + 4),
                )
                worker.run(trial)
                spent += len(worker.trained) - before
        kinds = {i: t.hyperparameters.values["kind"] for i, t in oracle.trials.items()}
        return sum(kinds[trial_id] == "deep" for trial_id, _ in worker.trained)

    assert epochs_of_deep(slow=True) < epochs_of_deep(slow=False)


def test_what_it_takes_to_begin_is_learned_and_survives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models that compile for long would be built again for each few of their epochs."""
    clock = [0.0]
    monkeypatch.setattr(auto_oracle.time, "monotonic", lambda: clock[0])
    oracle = auto()
    with Study.open(str(tmp_path), simulation.FINGERPRINT, seed=1) as study:
        curves = LearningCurves.of(None, oracle)
        durable = DurableOracle.open(oracle, study, epochs=curves)
        worker = Worker(durable)
        monkeypatch.setattr(
            worker, "tell", functools.partial(_tell_later, worker, clock, 1.0)
        )
        while (trial := worker.take()).status == "RUNNING":
            clock[0] += 8.0
            worker.run(trial)
    legs = oracle.get_state()["legs"]
    known = Times(legs)
    # A trial that goes on is told of its first epochs again, which takes a second each.
    assert known.start_s == 8.0
    again = auto()
    with Study.open(str(tmp_path), simulation.FINGERPRINT, seed=1) as study:
        curves = LearningCurves.of(None, again)
        DurableOracle.open(again, study, epochs=curves)
    assert again.get_state()["legs"] == legs


def _tell_later(
    worker: Worker, clock: list[float], seconds: float, *args: Any, **kwargs: Any
) -> Any:
    clock[0] += seconds
    return Worker.tell(worker, *args, **kwargs)


@pytest.mark.parametrize(
    ("key", "forged"),
    [
        ("heard", [["00", "two"]]),
        ("heard", [["00", 0]]),
        ("checks", [["00"]]),
        ("checks", 5),
        ("legs", {"00": [[0, 0]]}),
        ("legs", {"00": [["one", 1]]}),
        ("ending", [["x", 0, False, []], None]),
        ("ending", [[0, "x", False, []], None]),
        ("ending", [[0, 0, False, [["x"]]], None]),
        # An end without calm decisions, and one without checks.
        ("ending", [[0, 0, True, []], "All was found."]),
        ("ending", [[5, 9, True, []], "All was found."]),
        ("ending", []),
    ],
)
def test_a_state_that_is_none_is_refused_when_a_search_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, forged: Any
) -> None:
    """It would end a search later, with an error that says nothing of its study."""

    def state_of(oracle: AutoOracle) -> dict[str, Any]:
        return {**get_state(oracle), key: forged}

    get_state = AutoOracle.get_state
    monkeypatch.setattr(AutoOracle, "get_state", state_of)
    _search_some(tmp_path)
    monkeypatch.undo()
    with pytest.raises(StorageError, match="Put the study's journal back"):
        _search_some(tmp_path)


def test_what_is_known_of_trials_that_are_lost_is_left_out(tmp_path: Path) -> None:
    """A trial that a damaged journal has lost would end the search."""
    oracle = _search_some(tmp_path)
    state = oracle.get_state()
    state.update(heard=[["77", 1], *state["heard"]], checks=["77"])
    oracle.set_state(state)
    found = oracle.get_state()
    assert found["checks"] == [] and found["heard"] == state["heard"][1:]


def _search_some(directory: Path) -> AutoOracle:
    oracle = auto(max_trials=20)
    oracle.end_when("converged")
    with Study.open(str(directory), simulation.FINGERPRINT, seed=1) as study:
        epochs = LearningCurves.of(None, oracle)
        worker = Worker(DurableOracle.open(oracle, study, epochs=epochs), saved={})
        for _ in range(3):
            worker.run(worker.take())
    return oracle
