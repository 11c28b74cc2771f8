"""KerasTuner's own oracles are mended, and otherwise suggest what KerasTuner's do."""

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import keras_tuner
import pytest
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
)

from tests.support import simulation
from tuner_component.search.kerastuner.kerastuner_oracles import (
    FaultTolerantHyperband,
    ResumableBayesian,
    ResumableGrid,
)


def prepared(oracle: Any, tmp_path: Any) -> Any:
    """An oracle as a tuner would use it, with no limit on failures."""
    oracle._set_project_dir(str(tmp_path), type(oracle).__name__)
    oracle._check_consecutive_failures = lambda: None
    oracle.verbose = 0
    return oracle


# Bayesian optimization suggests the same again after a resume.


def oracle_with_running_trial(cls: type, tmp_path: Any) -> Any:
    """Four scores near 1000, and a trial in flight."""
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0, 1)
    oracle = cls(keras_tuner.Objective("s", "min"), 20, 4, hyperparameters=hp, seed=3)
    prepared(oracle, tmp_path)
    for _ in range(4):
        trial = oracle.create_trial("w0")
        value = 1000 + trial.hyperparameters.values["x"]
        oracle.update_trial(trial.trial_id, {"s": value})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    trial = oracle.create_trial("w1")
    oracle.gpr = oracle._make_gpr()  # As after a resume.
    return oracle


def test_running_trial_is_expected_to_score_like_the_others(tmp_path: Any) -> None:
    """After a resume, the search would go where a trial already runs."""
    mended = oracle_with_running_trial(ResumableBayesian, tmp_path)
    _, scores = mended._vectorize_trials()
    assert len(scores) == 5
    assert scores[-1] == pytest.approx(1000, abs=3)
    assert mended.ongoing_trials.keys() == {"w1"}
    assert len(mended.trials) == 5
    assert mended.create_trial("w2").status == "RUNNING"


def test_kerastuners_bayesian_search_still_has_the_fault(tmp_path: Any) -> None:
    """The mended oracle would have outlived its purpose."""
    theirs = oracle_with_running_trial(BayesianOptimizationOracle, tmp_path)
    assert theirs._vectorize_trials()[1][-1] < 10


def suggestions(cls: type, tmp_path: Any) -> set[float]:
    """What follows the same trials, but for the last bit of a score."""
    found = set()
    for nudged in range(4):
        hp = keras_tuner.HyperParameters()
        hp.Float("x", 0, 1)
        objective = keras_tuner.Objective("s", "min")
        # It looks where it knows the scores, not at an end of the range.
        oracle = cls(objective, 20, 4, beta=0.5, hyperparameters=hp, seed=3)
        prepared(oracle, tmp_path / str(nudged))
        for number in range(4):
            trial = oracle.create_trial("w")
            score = (trial.hyperparameters.values["x"] - 0.3) ** 2
            if number == nudged:
                score = math.nextafter(score, math.inf)
            oracle.update_trial(trial.trial_id, {"s": score})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
        found.add(oracle.create_trial("w").hyperparameters.values["x"])
    return found


def test_last_bits_do_not_count(tmp_path: Any) -> None:
    """Another CPU, or another build of numpy, would end a resumed search elsewhere."""
    (mended,) = suggestions(ResumableBayesian, tmp_path)
    theirs = suggestions(BayesianOptimizationOracle, tmp_path)
    assert mended == pytest.approx(min(theirs), abs=1e-5)
    # Else the mended oracle has outlived its purpose.
    assert len(theirs) > 1


def test_rounded_point_stays_in_the_space() -> None:
    """The ends of a range could not be tried, or something beyond them would be."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Int("units", 1, 64)
    hp.Choice("kind", ["a", "b", "c"])
    hp.Fixed("version", 7)
    oracle = ResumableBayesian(keras_tuner.Objective("s", "min"), hyperparameters=hp)
    least = oracle._vector_to_values([1e-9, 1e-9, 1e-9])
    assert least == {"rate": 1e-4, "units": 1, "kind": "a", "version": 7}
    most = oracle._vector_to_values([1 - 1e-9, 1 - 1e-9, 1 - 1e-9])
    assert most.pop("rate") == pytest.approx(1e-1)
    assert most == {"units": 64, "kind": "c", "version": 7}


# Grid search covers the grid, whenever its hyperparameters are found.


def grid(cls: type, tmp_path: Any, space: Any = None) -> Any:
    oracle = cls(simulation.OBJECTIVE, hyperparameters=space)
    return prepared(oracle, tmp_path)


def finish(oracle: Any, trial: Any, find: bool = True, fails: bool = False) -> None:
    """Ends a trial, which finds its hyperparameters only now."""
    trial.status = "FAILED"
    if find:
        trial.hyperparameters.Choice("a", [1, 2])
        trial.hyperparameters.Choice("b", ["x", "y", "z"])
    if not fails:
        oracle.update_trial(trial.trial_id, {"score": 1.0})
        trial.status = "COMPLETED"
    oracle.end_trial(trial)


def points(oracle: Any) -> list[tuple[Any, ...]]:
    values = [t.hyperparameters.values for t in oracle.trials.values()]
    return sorted((v.get("a", 1), v.get("b", "x")) for v in values)


def known_a() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2])
    return hp


def test_hyperparameter_found_while_other_trials_run(tmp_path: Any) -> None:
    """A parallel grid search would end with a KeyError."""
    oracle = grid(ResumableGrid, tmp_path, known_a())
    running = [oracle.create_trial("w0"), oracle.create_trial("w1")]
    for number in itertools.count(2):
        finish(oracle, running.pop(0))
        trial = oracle.create_trial(f"w{number}")
        if trial.status == "RUNNING":
            running.append(trial)
        if not running:
            break
    assert points(oracle) == sorted(itertools.product([1, 2], "xyz"))


def test_hyperparameter_that_a_failed_trial_never_found(tmp_path: Any) -> None:
    """One early failure would end a grid search with a KeyError."""
    oracle = grid(ResumableGrid, tmp_path)
    finish(oracle, oracle.create_trial("w0"), find=False, fails=True)
    oracle.update_space(known_a())
    for number in itertools.count(1):
        trial = oracle.create_trial(f"w{number}")
        if trial.status != "RUNNING":
            break
        finish(oracle, trial)
    assert points(oracle) == sorted(itertools.product([1, 2], "xyz"))


def test_kerastuners_grid_search_still_has_the_fault(tmp_path: Any) -> None:
    """The mended oracle would have outlived its purpose."""
    oracle = grid(GridSearchOracle, tmp_path, known_a())
    trial, _ = oracle.create_trial("w0"), oracle.create_trial("w1")
    with pytest.raises(KeyError):
        for _ in range(4):
            finish(oracle, trial)
            trial = oracle.create_trial("w0")


def test_order_is_rebuilt(tmp_path: Any) -> None:
    """A resumed grid search would try points twice, or leave some out."""
    oracle = grid(ResumableGrid, tmp_path, known_a())
    running = [oracle.create_trial("w0"), oracle.create_trial("w1")]
    finish(oracle, running[0])
    running.append(oracle.create_trial("w2"))
    before = follow(oracle)
    assert before == ["0000", "0002", "0001"]
    oracle.rebuild_order(lost=())
    assert follow(oracle) == before


def follow(oracle: Any) -> list[str]:
    order = ["0000"]
    while (following := oracle._ordered_ids.next(order[-1])) is not None:
        order.append(following)
    return order


# Hyperband's brackets survive failed trials, and are KerasTuner's without any.


def hyperband(cls: type, tmp_path: Any, **kwargs: Any) -> Any:
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0, 1)
    settings = {"max_epochs": 9, "factor": 3, "seed": 5, **kwargs}
    oracle = cls(keras_tuner.Objective("s", "min"), hyperparameters=hp, **settings)
    return prepared(oracle, tmp_path)


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
    """KerasTuner names a promoted trial's bracket wrongly once a new one has started."""
    return [{k: v for k, v in s.items() if k != "tuner/bracket"} for s in suggested]


@pytest.mark.parametrize("workers", [1, 3, 8])
@pytest.mark.parametrize("iterations", [1, 2])
def test_without_failures_it_is_kerastuners(
    tmp_path: Any, workers: int, iterations: int
) -> None:
    """The mended oracle would be another search than the one the user asked for."""
    settings = {"hyperband_iterations": iterations}
    theirs = drive(
        hyperband(HyperbandOracle, tmp_path, **settings), lambda _: False, workers
    )
    ours = drive(
        hyperband(FaultTolerantHyperband, tmp_path, **settings),
        lambda _: False,
        workers,
    )
    assert without_bracket(ours) == without_bracket(theirs)


def rounds(suggested: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(s["tuner/bracket"], s["tuner/round"]) for s in suggested]


@pytest.mark.parametrize("workers", [1, 4])
def test_failures_cost_no_promotions(tmp_path: Any, workers: int) -> None:
    """A few failures would keep every trial from ever being trained to the end."""

    def fails(trial: Any) -> bool:
        return int(trial.trial_id) in (0, 1, 2)

    ours = drive(hyperband(FaultTolerantHyperband, tmp_path), fails, workers)
    undisturbed = drive(hyperband(HyperbandOracle, tmp_path), lambda _: False)
    assert sorted(rounds(ours)) == sorted(rounds(undisturbed))


def test_kerastuners_hyperband_still_has_the_fault(tmp_path: Any) -> None:
    """The mended oracle would have outlived its purpose."""

    def fails(trial: Any) -> bool:
        return int(trial.trial_id) in (0, 1, 2)

    theirs = drive(hyperband(HyperbandOracle, tmp_path), fails)
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

    suggested = drive(hyperband(FaultTolerantHyperband, tmp_path), fails, workers)
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
    oracle = hyperband(FaultTolerantHyperband, tmp_path, hyperband_iterations=2)
    suggested = drive(oracle, lambda _: rng.random() < share, workers, seed)
    sizes = [oracle._get_size(b, 0) for b in (2, 1, 0)]
    assert sum(s["tuner/round"] == 0 for s in suggested) == 2 * sum(sizes)
    oracle._remove_completed_brackets()
    assert oracle._brackets == []


def test_nothing_is_continued_twice(tmp_path: Any) -> None:
    """A good trial would crowd the others out of the next round."""
    rng = random.Random(9)
    oracle = hyperband(FaultTolerantHyperband, tmp_path, max_epochs=27)
    suggested = drive(oracle, lambda _: rng.random() < 0.4, workers=6)
    continued = [s["tuner/trial_id"] for s in suggested if "tuner/trial_id" in s]
    assert len(continued) == len(set(continued))
    assert all(oracle.trials[i].status == "COMPLETED" for i in continued)
