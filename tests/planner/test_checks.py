"""Trainings to the end that check what rungs tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.planner.simulated import Curve, Simulated, trap
from tests.support.spaces import unit_space
from tuner_component.planner import Planner, checks

EPOCHS = 9


def _bowl(values: Mapping[str, Any], epochs: int) -> float:
    """Best at (14, 6), and the better the longer it is trained."""
    floor = ((values["x0"] - 14) / 9) ** 2 + ((values["x1"] - 6) / 9) ** 2
    return 0.1 + floor + 1.0 / epochs


@dataclasses.dataclass
class _Run:
    """A search that was simulated, and the checks in it."""

    done: Simulated
    names: list[Any]


def _run(curve: Curve, seed: int = 1, **options: Any) -> _Run:
    names: list[Any] = []
    given: dict[str, Any] = {"max_trials": 80, "epochs": EPOCHS, **options}
    seconds = given.pop("seconds", lambda values: 1.0)
    planner = Planner(unit_space(2, 20), seed=seed, checks=names, **given)
    return _Run(Simulated(planner, curve, EPOCHS, seconds).run(), names)


def _best(done: Simulated) -> float:
    return min(done.curve(values, done.trained[t]) for t, values in done.points.items())


def test_what_begins_badly_and_ends_best_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the first epochs mislead, good trials would be given up for ever."""
    with_checks = [_best(_run(trap, seed).done) for seed in range(4)]
    monkeypatch.setattr(checks, "PART", 0.0)
    without = [_best(_run(trap, seed).done) for seed in range(4)]
    assert with_checks == [0.2] * 4
    assert min(without) > 0.2


def test_a_check_is_trained_to_its_end_without_a_pause() -> None:
    """A check that pauses at the next rung would tell nothing of ends."""
    run = _run(_bowl)
    assert run.names
    for trial in run.names:
        about = [what for what, *words in run.done.log if words[0] == trial]
        assert about[about.index("resume") + 1 :].count("pause") == 0
        assert run.done.trained[trial] == EPOCHS


def test_a_part_of_the_time_goes_to_checks() -> None:
    """Searches where the first epochs tell all would take longer than that."""
    run = _run(_bowl)
    spent = sum(run.done.trained.values())
    assert 1 <= len(run.names) <= checks.PART * spent / EPOCHS


def test_seconds_are_counted_and_not_epochs() -> None:
    """Checks of large models would take most of the time."""

    def seconds(values: Mapping[str, Any]) -> float:
        return 50.0 if values["x1"] >= 10 else 1.0

    run = _run(_bowl, seconds=seconds)
    spent = {t: seconds(run.done.points[t]) * e for t, e in run.done.trained.items()}
    for_checks = sum(spent[trial] for trial in run.names)
    assert 0 < for_checks <= checks.PART * sum(spent.values())


def test_there_is_none_before_it_is_known_what_an_end_is() -> None:
    """A check might train for as many epochs as somebody wrote, a thousand."""
    planner = Planner(unit_space(2, 20), max_trials=80, epochs=None, seed=1)
    names: list[Any] = []
    own = checks.Checks(planner._trials, planner._outlook, names)
    for trial in range(20):
        planner.start(trial, {"x0": trial, "x1": 3})
        for epochs in (1, 3):
            planner.observe(trial, epochs, 1.0 + trial / epochs)
        planner.pause(trial)
    assert own.propose([4, 5, 6], np.array([0.1, 0.3, 0.2])) is None
    planner.start(20, {"x0": 0, "x1": 4})
    planner.observe(20, 6, 1.0)
    planner.end(20, whole=True)
    assert own.propose([4, 5, 6], np.array([0.1, 0.3, 0.2])) == 5


def test_only_what_goes_on_is_a_check() -> None:
    """A trial that was never trained for it would be paid for."""
    planner = Planner(unit_space(2, 20), max_trials=80, epochs=3, seed=1)
    names: list[Any] = []
    own = checks.Checks(planner._trials, planner._outlook, names)
    for trial in range(20):
        planner.start(trial, {"x0": trial, "x1": 3})
        planner.observe(trial, 3 if trial else 1, 1.0)
        planner.pause(trial)
    assert own.propose([0], np.array([0.1])) == 0
    own.take(7)
    assert names == []
    own.take(0)
    own.take(0)
    assert names == [0]
