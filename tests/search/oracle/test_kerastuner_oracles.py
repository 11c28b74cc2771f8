"""Hyperband's brackets survive failed trials, and are KerasTuner's without any."""

import random
from collections.abc import Callable
from typing import Any

import keras_tuner
import pytest
from keras_tuner.oracles import HyperbandOracle

from tuner_component.search.oracle.kerastuner_oracles import FaultTolerantHyperband


def new(cls: type, tmp_path: Any, **kwargs: Any) -> Any:
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0, 1)
    settings = {"max_epochs": 9, "factor": 3, "seed": 5, **kwargs}
    oracle = cls(keras_tuner.Objective("s", "min"), hyperparameters=hp, **settings)
    oracle._set_project_dir(str(tmp_path), cls.__name__)
    oracle._check_consecutive_failures = lambda: None
    oracle.verbose = 0
    return oracle


def drive(
    oracle: Any, fails: Callable[[Any], bool], workers: int = 1, seed: int = 0
) -> list[dict[str, Any]]:
    """Runs a search with trials in flight, ended in a random order; returns values."""
    rng = random.Random(seed)
    running: dict[str, Any] = {}
    suggested: list[dict[str, Any]] = []
    while True:
        idle = [f"w{n}" for n in range(workers) if f"w{n}" not in running]
        if idle and (not running or rng.random() < 0.6):
            trial = oracle.create_trial(idle[0])
            if trial.status == "STOPPED":
                if not running:
                    return suggested
            elif trial.status == "RUNNING":
                running[idle[0]] = trial
                suggested.append(dict(trial.hyperparameters.values))
                continue
            elif not running:
                raise AssertionError("the oracle waits, and nothing runs")
        worker = rng.choice(sorted(running))
        trial = running.pop(worker)
        trial.status = "FAILED"
        if not fails(trial):
            value = trial.hyperparameters.values["x"]
            oracle.update_trial(trial.trial_id, {"s": value})
            trial.status = "COMPLETED"
        oracle.end_trial(trial)


def without_bracket(suggested: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """KerasTuner names a promoted trial's bracket wrongly once a new one has begun."""
    return [{k: v for k, v in s.items() if k != "tuner/bracket"} for s in suggested]


@pytest.mark.parametrize("workers", [1, 3, 8])
@pytest.mark.parametrize("iterations", [1, 2])
def test_without_failures_it_is_kerastuners(
    tmp_path: Any, workers: int, iterations: int
) -> None:
    """The mended oracle would be another search than the one the user asked for."""
    settings = {"hyperband_iterations": iterations}
    theirs = drive(new(HyperbandOracle, tmp_path, **settings), lambda _: False, workers)
    ours = drive(
        new(FaultTolerantHyperband, tmp_path, **settings), lambda _: False, workers
    )
    assert without_bracket(ours) == without_bracket(theirs)


def rounds(suggested: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(s["tuner/bracket"], s["tuner/round"]) for s in suggested]


@pytest.mark.parametrize("workers", [1, 4])
def test_failures_cost_no_promotions(tmp_path: Any, workers: int) -> None:
    """A few failures would keep every trial from ever being trained to the end."""

    def fails(trial: Any) -> bool:
        return int(trial.trial_id) in (0, 1, 2)

    ours = drive(new(FaultTolerantHyperband, tmp_path), fails, workers)
    undisturbed = drive(new(HyperbandOracle, tmp_path), lambda _: False)
    assert sorted(rounds(ours)) == sorted(rounds(undisturbed))


def test_kerastuner_still_has_the_fault(tmp_path: Any) -> None:
    """The mended oracle would have outlived its purpose."""

    def fails(trial: Any) -> bool:
        return int(trial.trial_id) in (0, 1, 2)

    theirs = drive(new(HyperbandOracle, tmp_path), fails)
    assert (2, 2) not in rounds(theirs)


@pytest.mark.parametrize("workers", [1, 4])
def test_best_survivors_are_promoted(tmp_path: Any, workers: int) -> None:
    """Where most trials fail, the few good ones would not be continued."""
    seen: dict[str, Any] = {}

    def fails(trial: Any) -> bool:
        values = trial.hyperparameters.values
        seen[trial.trial_id] = values
        return (
            values["tuner/bracket"] == 2
            and values["tuner/round"] == 0
            and (int(trial.trial_id) % 5 != 0)
        )

    suggested = drive(new(FaultTolerantHyperband, tmp_path), fails, workers)
    last = [s for s in suggested if (s["tuner/bracket"], s["tuner/round"]) == (2, 2)]
    survivors = [
        v["x"]
        for i, v in seen.items()
        if int(i) % 5 == 0 and (v["tuner/bracket"], v["tuner/round"]) == (2, 0)
    ]
    assert [s["x"] for s in last][:1] == [min(survivors)]


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_failures_and_the_search_still_ends(
    tmp_path: Any, workers: int, share: float, seed: int
) -> None:
    """A search would wait for ever for trials that cannot come, or never stop."""
    rng = random.Random(seed)
    oracle = new(FaultTolerantHyperband, tmp_path, hyperband_iterations=2)
    suggested = drive(oracle, lambda _: rng.random() < share, workers, seed)
    sizes = [oracle._get_size(b, 0) for b in (2, 1, 0)]
    assert sum(s["tuner/round"] == 0 for s in suggested) == 2 * sum(sizes)
    oracle._remove_completed_brackets()
    assert oracle._brackets == []


def test_nothing_is_continued_twice(tmp_path: Any) -> None:
    """A good trial would crowd the others out of the next round."""
    rng = random.Random(9)
    oracle = new(FaultTolerantHyperband, tmp_path, max_epochs=27)
    suggested = drive(oracle, lambda _: rng.random() < 0.4, workers=6)
    continued = [s["tuner/trial_id"] for s in suggested if "tuner/trial_id" in s]
    assert len(continued) == len(set(continued))
    assert all(oracle.trials[i].status == "COMPLETED" for i in continued)
