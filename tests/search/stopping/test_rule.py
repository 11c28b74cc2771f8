"""Rules that stop trials, as their names promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.support import simulation, stopped_search
from tuner_component.search.options import StoppingOptions
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.stopping.rule import StoppingRule
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.study import Study


def oracle(direction: str = "min", max_trials: int = 50) -> Any:
    space = keras_tuner.HyperParameters()
    space.Int("x", 0, 1_000_000)
    return keras_tuner.oracles.RandomSearchOracle(
        keras_tuner.Objective("val_loss", direction), max_trials, hyperparameters=space
    )


class Search:
    """Trials that report what a test says, until they are stopped."""

    def __init__(self, options: StoppingOptions, direction: str = "min") -> None:
        self.rule = StoppingRule(options, oracle(direction))
        self.started = 0

    def begin(self) -> str:
        trial_id = f"{self.started:02}"
        self.started += 1
        self.rule.begin(trial_id)
        return trial_id

    def ask(self, trial_id: str, epoch: int, value: float, fit: int = 0) -> bool:
        return self.rule.should_stop(trial_id, fit, epoch, {"val_loss": value})

    def run(self, values: list[float]) -> int:
        """Runs a trial; returns after how many epochs it was stopped or ended."""
        trial_id, trained = self.begin(), len(values)
        stopped = False
        for epoch, value in enumerate(values):
            if self.ask(trial_id, epoch, value):
                trained, stopped = epoch + 1, True
                break
        self.rule.end(trial_id, "COMPLETED", stopped)
        return trained


def test_median_stops_what_is_worse_than_most() -> None:
    """Hopeless trials would be trained to the end, or good ones stopped."""
    search = Search(StoppingOptions("median", grace_epochs=2, warmup_trials=3))
    assert [search.run([v] * 4) for v in (1.0, 9.0, 3.0)] == [4, 4, 4]
    assert search.run([5.0] * 4) == 2
    assert search.run([2.0] * 4) == 4


def test_asha_lets_one_in_so_many_go_on() -> None:
    """Its rungs would be elsewhere than documented."""
    search = Search(StoppingOptions("asha", grace_epochs=2, reduction_factor=2))
    running = [search.begin() for _ in range(4)]
    assert not any(search.ask(trial, 0, 9.0) for trial in running)
    at_two = [search.ask(t, 1, v) for t, v in zip(running, (1, 4, 2, 3), strict=True)]
    assert at_two == [False, True, True, True]  # 2 is not the best 1 in 2 of 3 either.
    assert not search.ask(running[0], 2, 9.0)
    assert not search.ask(running[0], 3, 9.0)  # Alone on its rung; its best counts.


def test_hyperband_has_brackets_that_wait_longer() -> None:
    """All trials would be halved at the same epochs, as with ASHA."""
    options = StoppingOptions("hyperband", reduction_factor=2, max_epochs=8)
    search = Search(options)
    search.run([0.0] * 8)
    lengths = {search.run([1.0 + n] * 8) for n in range(40)}
    assert lengths >= {1, 2, 4}


def test_patience_looks_at_the_trial_alone() -> None:
    """A trial that gets no better would go on, or one that does be stopped."""
    search = Search(StoppingOptions("patience", patience=2))
    assert search.run([3.0, 2.0, 2.5, 2.5, 2.5, 2.5]) == 5
    assert search.run([9.0, 8.0, 7.0, 6.0, 5.0, 4.0]) == 6


@pytest.mark.parametrize("rule", ["median", "asha", "hyperband"])
def test_larger_is_better_where_the_objective_says_so(rule: str) -> None:
    """Accuracies would be stopped when they are the best."""
    options = StoppingOptions(
        rule,
        reduction_factor=2,
        warmup_trials=1,
        max_epochs=9 if rule[0] == "h" else None,
    )
    search = Search(options, "max")
    search.run([0.5] * 9)
    assert search.run([0.9] * 9) == 9
    assert search.run([0.1] * 9) < 9


@pytest.mark.parametrize("rule", ["median", "asha", "hyperband", "patience"])
def test_grace_and_warm_up_hold_for_every_rule(rule: str) -> None:
    """A parameter would be accepted and ignored."""
    options = StoppingOptions(
        rule,
        grace_epochs=3,
        reduction_factor=2,
        warmup_trials=2,
        patience=1,
        max_epochs=12,
    )
    search = Search(options)
    falling = [1.0 / (n + 1) for n in range(12)]
    assert search.run(falling) == 12
    rising = [5.0 + n for n in range(12)]
    assert search.run(rising) == 12  # Only one was trained to the end before it.
    trained = [search.run([v + n for v in rising]) for n in range(1, 17)]
    assert min(trained) >= 3
    assert any(epochs < 12 for epochs in trained)


@pytest.mark.parametrize("rule", ["median", "asha", "patience"])
def test_a_diverged_trial_is_stopped(rule: str) -> None:
    """Epochs would be spent on NaN."""
    search = Search(StoppingOptions(rule, grace_epochs=2, warmup_trials=99))
    assert search.run([1.0, 0.9, float("nan"), float("nan")]) == 3


def test_trainings_are_compared_with_those_of_the_same_number() -> None:
    """The second fold's first epoch would be compared with the first fold's last."""
    search = Search(StoppingOptions("asha", reduction_factor=2))
    first = search.begin()
    for fit, epoch in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        assert not search.ask(first, epoch, 1.0 if epoch else 5.0, fit)


def test_an_attempt_that_begins_again_is_not_its_own_rival() -> None:
    """A repeated trial would be stopped by what its lost attempt had reached."""
    search = Search(StoppingOptions("asha", reduction_factor=2))
    trial = search.begin()
    search.ask(trial, 0, 1.0)
    other = search.begin()
    search.rule.begin(trial)
    assert not search.ask(other, 0, 2.0)
    assert not search.ask(trial, 0, 1.5)


def test_a_metric_that_is_not_reported_is_said(caplog: Any) -> None:
    """A rule that never stops anything would look like one that found nothing."""
    rule = StoppingRule(StoppingOptions("asha"), oracle())
    rule.begin("0")
    for epoch in range(2):
        assert not rule.should_stop("0", 0, epoch, {"loss": 1.0})
    [message] = [r.getMessage() for r in caplog.records]
    assert "objective 'val_loss'" in message
    assert "Received: ['loss']" in message


def test_a_tuner_that_halves_by_itself_is_refused() -> None:
    """Two halvings would stop each other's trials."""
    hyperband = keras_tuner.oracles.HyperbandOracle("val_loss")
    with pytest.raises(ValueError, match="Received: HyperbandOracle"):
        StoppingRule(StoppingOptions("asha"), hyperband)
    StoppingRule(StoppingOptions("patience"), hyperband)


class Again(keras_tuner.Oracle):  # type: ignore[misc]
    """Suggests a good point, then a bad one, and the bad one again."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        x = 0.0 if int(trial_id) == 0 else 1.0
        return {"status": "RUNNING", "values": {"x": x}}


def again() -> Any:
    space = keras_tuner.HyperParameters()
    space.Float("x", 0.0, 1.0)
    return Again(simulation.OBJECTIVE, 3, hyperparameters=space)


@pytest.mark.parametrize("rule", ["asha", "median"])
@pytest.mark.parametrize("trials", [1, 3])
def test_a_point_that_is_tried_again_is_trained_to_the_end(
    tmp_path: Path, rule: str, trials: int
) -> None:
    """What starts slowly would be stopped at the same epoch each time."""
    options = StoppingOptions(rule, reduction_factor=2, warmup_trials=1)
    found: list[tuple[dict[str, Any], int]] = []
    while len(found) < 3:  # Also if it is resumed in between.
        found += stopped_search.search(
            tmp_path, again(), options, lambda values: [values["x"]] * 9, trials
        )
    assert [epochs for _, epochs in found] == [9, 1, 9]


def test_patience_holds_for_each_trial_at_a_point(tmp_path: Path) -> None:
    """Trials would go on that do not improve, whatever the others do."""
    options = StoppingOptions("patience", patience=2)
    found = stopped_search.search(
        tmp_path, again(), options, lambda values: [float(n) for n in range(9)]
    )
    assert [epochs for _, epochs in found] == [found[0][1]] * 3
    assert found[0][1] < 9


def curve(trial: Any) -> list[float]:
    x = trial.hyperparameters.get("x") / 1_000_000
    return [x + 1 / (epoch + 1) for epoch in range(9)]


def search_some(
    directory: Path, options: StoppingOptions, seeds: Callable[[], Any], trials: int
) -> bool:
    """Runs so many trials, two at a time, then leaves like a crash; True at the end."""
    with Study.open(str(directory), simulation.FINGERPRINT) as study:
        inner = seeds()
        curves = LearningCurves(StoppingRule(options, inner))
        durable = DurableOracle.open(inner, study, epochs=curves)
        for _ in range(trials):
            pair = [durable.create_trial(f"tuner{n}") for n in range(2)]
            if pair[0].status != "RUNNING":
                return True
            going = [t for t in pair if t.status == "RUNNING"]
            for epoch in range(9):
                for trial in list(going):
                    metrics = {"val_loss": curve(trial)[epoch]}
                    durable.update_trial(trial.trial_id, metrics, epoch)
                    if curves.report(trial.trial_id, 0, epoch, metrics):
                        going.remove(trial)
            for trial in pair:
                if trial.status == "RUNNING":
                    trial.status = "COMPLETED"
                    durable.end_trial(trial)
    return False


@pytest.mark.parametrize("rule", ["median", "asha", "hyperband"])
def test_a_resumed_rule_decides_as_it_would_have(tmp_path: Path, rule: str) -> None:
    """After a crash trials would be judged as if none had been before them."""
    options = StoppingOptions(
        rule,
        reduction_factor=2,
        warmup_trials=1,
        max_epochs=9 if rule == "hyperband" else None,
    )

    def seeds() -> Any:
        space = keras_tuner.HyperParameters()
        space.Int("x", 0, 1_000_000)
        return keras_tuner.oracles.RandomSearchOracle(
            keras_tuner.Objective("val_loss", "min"), 20, hyperparameters=space, seed=1
        )

    def ends(directory: Path) -> dict[str, Any]:
        with Study.open(str(directory), simulation.FINGERPRINT) as study:
            told = read_history(str(directory), study.id).trials.values()
        return {
            t.trial_id: (t.values, t.ended["curves"], t.ended.get("stopped"))
            for t in told
            if t.ended
        }

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert search_some(whole, options, seeds, 99)
    while not search_some(parts, options, seeds, 2):
        pass
    assert ends(parts) == ends(whole)
    stopped = [end[2] for end in ends(whole).values() if end[2]]
    assert 2 < len(stopped) < 20
    assert {s["rule"] for s in stopped} == {rule}
    trained = [len(end[1][0]["val_loss"]) for end in ends(whole).values()]
    assert sum(trained) < 9 * 20
