"""The tasks on which searches are compared."""

import numpy as np
import pytest

from benchmarks import replay, searchers, synthetic_curves, task_sets
from tuner_component.search.space.dimensions import dimensions

COMPUTED = sorted(set(synthetic_curves.TASKS) - {"late"})


def test_a_task_is_either_for_development_or_held_out() -> None:
    """Figures on a task that was looked at would count as those on one that was not."""
    assert not set(task_sets.DEVELOPMENT) & set(task_sets.HELD_OUT)
    assert set(synthetic_curves.TASKS) <= set(task_sets.NAMES)


@pytest.mark.parametrize("name", COMPUTED)
def test_a_point_has_the_same_curve_each_time(name: str) -> None:
    """The figures of a search would be those of another task than of the next one."""
    first, again = task_sets.load(name), task_sets.load(name)
    place = tuple(len(values) // 2 for values in first.space.values())
    np.testing.assert_array_equal(first.curve(place), again.curve(place))
    assert first.epoch_s(place) == again.epoch_s(place) > 0


@pytest.mark.parametrize("name", [n for n in COMPUTED if n != "tiny"])
def test_a_few_points_reach_the_target(name: str) -> None:
    """No search could find it, or any would."""
    task = task_sets.load(name)
    share = (task.final <= task.target(0.01)).mean()
    assert 0.009 <= share <= 0.02


def test_curves_cross() -> None:
    """What is best early would be best late, and any rule would do."""
    task = synthetic_curves.crossing()
    best = np.array([5, 5, 2, 0])
    hasty = np.array([15, 5, 2, 0])
    slow, fast = task.curve(tuple(best)), task.curve(tuple(hasty))
    assert (slow[:3] > fast[:3]).all()
    assert (slow[-5:] < fast[-5:]).all()


def test_what_is_inactive_has_no_place() -> None:
    """Points that are the same would have different curves."""
    task = synthetic_curves.conditional()
    space = searchers.hyperparameters(task).space
    assert [bool(one.hp.conditions) for one in dimensions(space)].count(True) == 5
    place = searchers.Places(task, space).of(
        {"optimizer": "rms", "width": 3, "rms_rate": 5, "momentum": 4}
    )
    assert place == (2, 3, 0, 0, 0, 0, 5)


@pytest.mark.parametrize(
    "name", ["auto", "ours", "optuna halving", "kerastuner random"]
)
def test_every_search_understands_conditions_and_texts(name: str) -> None:
    """It would take part on some tasks alone."""
    task = synthetic_curves.conditional()
    searcher, workers = searchers.make(name, task, 0, 2)
    outcome = replay.run(searcher, task, workers, 3 * task.training_s)
    assert outcome.ends


def test_auto_goes_on_where_a_trial_has_paused() -> None:
    """Epochs would be trained twice, or left out."""
    task = synthetic_curves.tiny()
    searcher = searchers.Auto(task, 1)
    reached: dict[int, int] = {}
    begin = searcher.begin

    def watched() -> replay.Trial | None:
        trial = begin()
        if trial is not None:
            assert trial.begin == reached.get(trial.trial_id, 0)
        return trial

    report = searcher.report

    def reported(trial: replay.Trial, epoch: int, loss: float) -> bool:
        reached[trial.trial_id] = epoch + 1
        return report(trial, epoch, loss)

    searcher.begin, searcher.report = watched, reported  # type: ignore[method-assign]
    replay.run(searcher, task, 2, 100 * task.training_s)
    assert {1, 27} < set(reached.values())
