"""When a search ends by itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest

from tests.planner.simulated import Simulated, trap
from tests.support.spaces import unit_space
from tuner_component.planner import (
    Decision,
    Finished,
    Planner,
    Start,
    checks,
    convergence,
)
from tuner_component.planner.convergence import CHECKS, Convergence

EPOCHS = 9


def _bowl(values: Mapping[str, Any], epochs: int) -> float:
    """Best at (14, 6), and the better the longer it is trained."""
    floor = ((values["x0"] - 14) / 9) ** 2 + ((values["x1"] - 6) / 9) ** 2
    return 0.1 + floor + math.exp(-epochs / 3)


def _run(
    curve: Any, ending: Convergence | None, max_trials: int = 80, seed: int = 1
) -> Simulated:
    planner = Planner(
        unit_space(2, 20),
        max_trials=max_trials,
        epochs=EPOCHS,
        seed=seed,
        ending=ending,
    )
    return Simulated(planner, curve, EPOCHS).run()


def _best(run: Simulated) -> int:
    return min(
        run.points, key=lambda t: run.curve(run.points[t], max(run.trained[t], 1))
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_ends_when_the_best_is_found(seed: int) -> None:
    """A search would go on for hours in which it finds nothing."""
    run = _run(_bowl, Convergence(), 120, seed)
    whole = _run(_bowl, None, 120, seed)
    assert len(run.points) < len(whole.points)
    assert sum(run.trained.values()) < sum(whole.trained.values())
    found, possible = (_bowl(r.points[_best(r)], EPOCHS) for r in (run, whole))
    assert found <= possible + 0.02


def test_without_being_asked_it_ends_nothing() -> None:
    """Searches would end early that nobody wanted to."""
    assert len(_run(_bowl, None).points) == 80
    assert len(_run(_bowl, Convergence(is_asked=False)).points) == 80


def test_the_best_is_trained_to_the_end() -> None:
    """What is published would have begun only."""
    run = _run(_bowl, Convergence())
    assert run.trained[_best(run)] == EPOCHS
    assert isinstance(run.planner.next(), Finished)


def test_points_anywhere_are_trained_to_the_end_before() -> None:
    """A model that has never seen a slow beginner to its end would end the search."""
    ending = Convergence()
    run = _run(_bowl, ending)
    assert ending.is_over
    assert len(ending.checks) == CHECKS
    checked = [
        trial for trial in run.points if run.planner._trials[trial].key in ending.checks
    ]
    assert [run.trained[trial] for trial in checked] == [EPOCHS] * CHECKS


def test_what_begins_slowly_is_found_by_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search would end with what is best at first."""

    def found() -> int:
        seeds = (0, 1, 3)
        runs = [_run(trap, Convergence(), 120, seed) for seed in seeds]
        return sum(trap(r.points[_best(r)], r.trained[_best(r)]) == 0.2 for r in runs)

    # Those before the end alone.
    monkeypatch.setattr(checks, "PART", 0.0)
    with_checks = found()
    monkeypatch.setattr(convergence, "CHECKS", 0)
    assert (with_checks, found()) == (3, 0)


def test_the_limit_of_trials_ends_it_as_ever() -> None:
    """The search would wait for a check that it may not start, or say a wrong reason."""
    limit = len(_run(_bowl, Convergence()).points) - CHECKS + 1
    ending = Convergence()
    run = _run(_bowl, ending, max_trials=limit)
    assert len(run.points) == limit
    assert not ending.is_over
    assert isinstance(run.planner.next(), Finished)


def test_running_trials_pause_at_their_next_rung_once_it_is_over() -> None:
    """They would train to their end, hours after the search has ended."""
    ending = Convergence()
    planner = Planner(
        unit_space(2, 20), max_trials=99, epochs=EPOCHS, seed=1, ending=ending
    )
    run = Simulated(planner, _bowl, EPOCHS)
    for _ in range(12):
        run.step()
    step = planner.next()
    while not isinstance(step, Start):
        run.step()
        step = planner.next()
    planner.start("late", step.values)
    ending.is_over = True
    assert planner.after_epoch("late", 1, 5.0) is Decision.PAUSE
    leader = planner._trials.leader
    assert planner.after_epoch("late", 1, 0.0) is Decision.PAUSE  # Told before.
    assert planner._trials.leader == leader


def test_a_resumed_search_ends_at_the_same_point() -> None:
    """A crash would change how long a search goes on."""
    whole = _run(_bowl, Convergence())
    done: list[tuple[Any, ...]] = []
    state: Any = None
    while True:
        ending, checked = Convergence(), []
        if state is not None:
            ending.state, checked = json.loads(json.dumps(state))
        planner = Planner(
            unit_space(2, 20),
            max_trials=80,
            epochs=EPOCHS,
            seed=1,
            ending=ending,
            checks=checked,
        )
        run = Simulated(planner, _bowl, EPOCHS)
        for what, *words in done:
            run._tell(what, *words)
            if what == "start":
                run.points[words[0]], run.trained[words[0]] = words[1], 0
            elif what == "observe":
                run.trained[words[0]] = words[1]
            run.paused.add(words[0]) if what == "pause" else run.paused.discard(
                words[0]
            )
        goes_on = [run.step() for _ in range(3)]
        done, state = run.log, [ending.state, checked]
        if not goes_on[-1]:
            break
    assert run.log == whole.log


def test_a_decision_without_news_is_none() -> None:
    """Workers that ask again and again would end the search."""
    ending = Convergence()
    run = _run(_bowl, ending, max_trials=20)
    calm = ending.state
    for _ in range(2 * convergence.IN_A_ROW):
        run.planner.next()
    assert ending.state == calm
