"""Which trial trains next, and when it pauses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.planner.simulated import Simulated
from tests.support.spaces import conditional_space, unit_space
from tuner_component.planner import (
    Continue,
    Decision,
    Finished,
    Planner,
    Start,
    Wait,
    letting_go,
)


def _bowl(values: Mapping[str, Any], epochs: int) -> float:
    """Best at (7, 3), and the better the longer it is trained."""
    floor = ((values["x0"] - 7) / 9) ** 2 + ((values["x1"] - 3) / 9) ** 2
    return 0.1 + floor + math.exp(-epochs / 3)


def _late(values: Mapping[str, Any], epochs: int) -> float:
    """The larger x0, the worse at first and the better at last."""
    share = values["x0"] / 9
    return 0.1 + (1 - share) + (1 + 3 * share) * math.exp(-epochs / 3)


def _planner(**options: Any) -> Planner:
    given: dict[str, Any] = {"max_trials": 40, "epochs": 9, "seed": 1, **options}
    return Planner(unit_space(2, 10), **given)


def test_it_finds_the_best_point_in_less_than_whole_trainings() -> None:
    """It would be no better than to try points at random."""
    done = Simulated(_planner(), _bowl, 9).run()
    best = min(done.points, key=lambda t: _bowl(done.points[t], done.trained[t]))
    assert done.trained[best] == 9
    assert abs(done.points[best]["x0"] - 7) + abs(done.points[best]["x1"] - 3) <= 1
    assert sum(done.trained.values()) < 40 * 9 / 2


def test_larger_values_can_be_better() -> None:
    """A search for accuracy would look for the worst model."""
    done = Simulated(_planner(maximize=True), lambda v, e: -_bowl(v, e), 9).run()
    best = min(done.points, key=lambda t: _bowl(done.points[t], done.trained[t]))
    assert abs(done.points[best]["x0"] - 7) + abs(done.points[best]["x1"] - 3) <= 1


def test_what_starts_slowly_is_found() -> None:
    """A trial would be given up by what it is after the first epochs."""
    done = Simulated(_planner(), _late, 9).run()
    whole = [trial for trial, epochs in done.trained.items() if epochs == 9]
    assert max(done.points[trial]["x0"] for trial in whole) == 9


def test_a_trial_pauses_at_rungs_alone() -> None:
    """Epochs would be lost, or checkpoints written that are not used."""
    done = Simulated(_planner(), _bowl, 9).run()
    assert set(done.trained.values()) <= {1, 3, 9}
    assert {1, 9} <= set(done.trained.values())


def test_it_is_no_more_trials_than_allowed() -> None:
    """The user's limit would be none."""
    done = Simulated(_planner(max_trials=12), _bowl, 9).run()
    assert len(done.points) == 12
    assert isinstance(done.planner.next(), Finished)


def test_the_best_is_trained_to_the_end_before_the_search_ends() -> None:
    """The published model would be one that has only begun."""
    for seed in range(3):
        done = Simulated(_planner(max_trials=5, seed=seed), _bowl, 9).run()
        best = min(done.points, key=lambda t: _bowl(done.points[t], done.trained[t]))
        assert done.trained[best] == 9


def test_a_space_is_tried_to_its_last_point_and_no_point_twice() -> None:
    """A small space would never be searched to its end, or its trials repeated."""
    planner = Planner(unit_space(1, 7), max_trials=100, epochs=3, seed=0)
    done = Simulated(planner, lambda v, e: 1.0 + abs(v["x0"] - 5) / e, 3).run()
    assert sorted(values["x0"] for values in done.points.values()) == list(range(7))


def test_the_same_happens_each_time_and_after_a_resume() -> None:
    """A resumed search would go on in another way, and no run could be repeated."""
    first = Simulated(_planner(), _bowl, 9).run(25)
    again = Simulated(_planner(), _bowl, 9).run(25)
    assert again.log == first.log
    rebuilt = _planner()
    for what, *words in first.log:
        getattr(rebuilt, what)(*words)
    for _ in range(3):
        step = first.planner.next()
        assert rebuilt.next() == step
        learned = [p._outlook._model.parameters for p in (first.planner, rebuilt)]
        np.testing.assert_array_equal(*learned)
        if isinstance(step, Start):
            trial = len(first.points)
            first.points[trial] = step.values
            for planner in (first.planner, rebuilt):
                planner.start(trial, step.values)
        else:
            assert isinstance(step, Continue)
            for planner in (first.planner, rebuilt):
                planner.resume(step.trial)


def test_seeds_differ() -> None:
    """More runs would tell nothing new."""
    points = [
        Simulated(_planner(seed=seed), _bowl, 9).run(5).points for seed in range(2)
    ]
    assert points[0] != points[1]


def test_workers_that_are_free_at_once_train_at_different_points() -> None:
    """With many workers the same would be trained many times."""
    done = Simulated(_planner(max_trials=100), _bowl, 9).run(15)
    steps = []
    for number in range(32):
        step = done.planner.next()
        if isinstance(step, Start):
            done.planner.start(("more", number), step.values)
        else:
            assert isinstance(step, Continue)
            done.planner.resume(step.trial)
        steps.append(repr(step))
    assert len(set(steps)) == 32


def test_all_workers_get_a_point_before_there_is_any_result() -> None:
    """Workers would wait for the first ones, which may train for hours."""
    planner = _planner(max_trials=32)
    seen = set()
    for number in range(32):
        step = planner.next()
        assert isinstance(step, Start)
        planner.start(number, step.values)
        seen.add(tuple(step.values.values()))
    assert len(seen) == 32
    assert isinstance(planner.next(), Wait)


def test_a_diverged_trial_is_stopped_at_once_and_avoided() -> None:
    """Time would be spent on what cannot become a number again."""

    def half_diverges(values: Mapping[str, Any], epochs: int) -> float:
        return math.nan if values["x0"] > 4 else _bowl(values, epochs)

    done = Simulated(_planner(), half_diverges, 9).run()
    diverged = [t for t, values in done.points.items() if values["x0"] > 4]
    assert all(done.trained[trial] == 1 for trial in diverged)
    assert len(diverged) < len(done.points) / 3
    assert _planner_after_inf() is Decision.STOP


def _planner_after_inf() -> Decision:
    planner = _planner()
    planner.start(0, {"x0": 1, "x1": 1})
    return planner.after_epoch(0, 2, math.inf)


def test_a_failed_point_is_avoided() -> None:
    """Trials that run out of memory would be tried one beside the other."""
    planner = _planner(max_trials=60)
    failed = 0
    for number in range(30):
        step = planner.next()
        if isinstance(step, Continue):
            planner.resume(step.trial)
            planner.observe(step.trial, 9, 0.5 + _place(step.trial))
            planner.end(step.trial)
            continue
        assert isinstance(step, Start)
        planner.start((number, step.values["x0"]), step.values)
        if step.values["x0"] > 4:
            failed += 1
            planner.fail((number, step.values["x0"]))
        else:
            planner.observe((number, step.values["x0"]), 1, 1.0)
            planner.pause((number, step.values["x0"]))
    assert failed < 12


def _place(trial: tuple[int, int]) -> float:
    """What a trial comes to, by its first value."""
    return trial[1] / 100


def test_all_may_diverge() -> None:
    """A search whose first trials all diverge would end in an error of the model."""
    done = Simulated(_planner(max_trials=15), lambda v, e: math.nan, 9).run()
    assert len(done.points) == 15


def test_one_epoch_is_a_search_without_curves() -> None:
    """A module that trains for one epoch, or that reports none, could not be searched."""
    done = Simulated(_planner(epochs=1), _bowl, 1).run()
    best = min(done.points.values(), key=lambda values: _bowl(values, 1))
    assert abs(best["x0"] - 7) + abs(best["x1"] - 3) <= 1
    assert not done.paused


def test_epochs_may_be_unknown() -> None:
    """Modules that stop by themselves, at different epochs, could not be searched."""
    done = Simulated(_planner(epochs=None), _bowl, 12).run()
    assert 12 in done.trained.values()
    assert set(done.trained.values()) <= {1, 3, 9, 12}


def test_a_cheap_point_is_taken_before_a_dear_one_that_is_as_good() -> None:
    """Seconds would not count, but epochs."""
    done = Simulated(
        _planner(max_trials=60),
        lambda v, e: 0.1 + ((v["x0"] - 5) / 9) ** 2 + math.exp(-e / 3),
        9,
        seconds=lambda values: 1.0 + 10.0 * values["x1"],
    ).run(60)
    # The first four are spread over the space.
    chosen = [done.points[trial]["x1"] for trial in range(4, 12)]
    assert sum(chosen) / len(chosen) < 2


def test_earlier_results_tell_where_to_begin() -> None:
    """Each search would begin from nothing, as if it were the first one."""
    planner = _planner()
    for x0 in range(10):
        for x1 in (1, 3, 5):
            values = {"x0": x0, "x1": x1}
            planner.learn_from(values, _bowl(values, 9), 9)
    planner.learn_from({"x0": 400, "x1": 1}, 0.0, None)  # Of another space.
    step = planner.next()
    assert isinstance(step, Start)
    assert abs(step.values["x0"] - 7) <= 2
    assert isinstance(planner.next(), Start)
    done = Simulated(planner, _bowl, 9).run()
    assert len(done.points) == 40  # They are none of this search's own.


def test_the_hopeless_are_named_but_never_the_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Checkpoints would be kept for ever, or that of the best one deleted."""
    monkeypatch.setattr(letting_go, "PROMISING", 20)
    done = Simulated(_planner(max_trials=99), _bowl, 9)
    let_go: list[int] = []
    while len(done.points) < 99:
        before = set(done.paused)
        done.step()
        ended = {trial for what, trial, *_ in done.log if what == "end"}
        let_go += before & ended & {t for t, e in done.trained.items() if e < 9}
    assert let_go
    best = min(done.points, key=lambda t: _bowl(done.points[t], done.trained[t]))
    assert best not in let_go
    least = _bowl(done.points[best], 9)
    assert all(_bowl(done.points[trial], 9) > least for trial in let_go)
    assert _planner().hopeless() == []


def test_what_stops_early_by_itself_has_come_to_its_end() -> None:
    """The model would expect the rest of a training that never comes."""
    planner = _planner(maximize=True)
    planner.start("early", {"x0": 1, "x1": 1})
    planner.observe("early", 4, 0.7)
    planner.end("early", whole=True)
    stopped = planner._trials["early"]
    assert stopped.epochs == 9
    assert stopped.best == -0.7


def test_only_what_can_be_continued_is_continued() -> None:
    """A worker would wait for a trial that has no checkpoint."""
    done = Simulated(_planner(max_trials=20), _bowl, 9).run(30)
    for _ in range(20):
        step = done.planner.next(paused=[])
        if not isinstance(step, Start):
            break
        done.planner.start(len(done.points), step.values)
        done.points[len(done.points)] = step.values
    assert isinstance(step, Finished | Wait)


def test_no_part_of_the_space_is_left_out_for_ever() -> None:
    """A good place among bad ones would not be found, however long the search."""

    def needle(values: Mapping[str, Any], epochs: int) -> float:
        good = values["x0"] == 9 and values["x1"] >= 7
        return (0.0 if good else 0.3 + _bowl(values, 99)) + 1.0 / epochs

    done = Simulated(_planner(max_trials=60), needle, 9).run()
    far = [values for values in done.points.values() if values["x0"] == 9]
    assert any(values["x1"] >= 7 for values in far)


def test_conditions_are_respected() -> None:
    """Values would be suggested that the model cannot be built with."""
    planner = Planner(conditional_space(), max_trials=30, epochs=3, seed=0)

    def curve(values: Mapping[str, Any], epochs: int) -> float:
        assert ("layers" in values) == (values["kind"] == "deep")
        return 1.0 / epochs + values.get("layers", 5) / 10 + values["units"] / 50

    done = Simulated(planner, curve, 3).run()
    deep = [values for values in done.points.values() if values["kind"] == "deep"]
    assert len(deep) > 10


@pytest.mark.parametrize(
    ("epochs", "sentence"),
    [
        (27, "A Gaussian process of 2 dimensions and epochs; rungs of 1, 3, 9 and 27"),
        (1, "A Gaussian process of 2 dimensions; trials have one epoch."),
        (None, "rungs of 1, 3, 9, 27, ... epochs; 10% of the time goes to checks"),
    ],
)
def test_it_says_how_it_decides(epochs: int | None, sentence: str) -> None:
    """The record would not say what "auto" was."""
    assert sentence in _planner(epochs=epochs).why


def test_where_it_takes_long_to_begin_trials_are_trained_for_longer_at_a_time() -> None:
    """A model that compiles for as long as eight epochs take would be built again for
    each few of them.
    """

    def begun(start_s: float) -> float:
        planner = _planner(max_trials=1000)
        done = Simulated(planner, _bowl, 27, start_s=start_s)
        while sum(done.trained.values()) < 250:
            done.step()
        return sum(what in ("start", "resume") for what, *_ in done.log)

    assert begun(8.0) < 0.75 * begun(0.0)


def _after_first_epochs(start_s: float | None, *values: float) -> list[Decision]:
    """What becomes of the first trials, one after the other, after their first epoch."""
    planner, found = _planner(max_trials=100), []
    for trial, value in enumerate(values):
        step = planner.next()
        assert isinstance(step, Start)
        planner.start(trial, step.values)
        planner.learn_times({trial: 1.0}, start_s)
        found.append(planner.after_epoch(trial, 1, value))
        planner.pause(trial)
    return found


def test_the_first_trial_goes_on_to_tell_what_it_takes_to_begin() -> None:
    """All the first trials would be begun twice where it takes longer than to train."""
    assert _after_first_epochs(None, 0.5, 0.4) == [Decision.GO_ON, Decision.PAUSE]


@pytest.mark.parametrize("start_s", [0.0, 1.0])
def test_the_first_trials_pause_if_they_begin_quickly(start_s: float) -> None:
    """Bad points would be trained where a look at others tells more."""
    assert _after_first_epochs(start_s, 0.5, 0.4) == [Decision.PAUSE] * 2


def test_the_best_of_the_first_trials_goes_on_if_it_takes_long_to_begin() -> None:
    """It would be built and compiled once more for each few of its epochs."""
    found = _after_first_epochs(8.0, 0.5, 0.6, 0.4)
    assert found == [Decision.GO_ON, Decision.PAUSE, Decision.GO_ON]


def test_what_takes_long_is_not_trained_to_tell_what_it_takes_to_begin() -> None:
    """Hours would be spent to learn of seconds."""
    planner = _planner(max_trials=100)
    step = planner.next()
    assert isinstance(step, Start)
    planner.start(0, step.values)
    planner.learn_times({0: 3600.0}, None)
    assert planner.after_epoch(0, 1, 0.5) is Decision.PAUSE
