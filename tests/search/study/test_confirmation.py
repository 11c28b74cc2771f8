"""Who is the best once the best trials are run again."""

import math
from typing import Any

import pytest

from tuner_component.search.study import confirmation
from tuner_component.search.study.confirmation import Plan, Standing

PLAN = Plan(("a", "b", "c"), seeds=2, top=3)


def results(**scores: list[float | None]) -> Any:
    return {name: dict(enumerate(told, 1)) for name, told in scores.items()}


def test_the_best_mean_wins() -> None:
    """The luckiest score would be published."""
    told = results(a=[5.0, 6.0], b=[1.0, 3.0], c=[2.0, 3.0])
    assert PLAN.confirmed(told, "min") == ["b", "c", "a"]
    assert PLAN.confirmed(told, "max") == ["a", "c", "b"]
    first = PLAN.standings(told, "min")[0]
    assert (first.mean, first.spread) == (2.0, pytest.approx(math.sqrt(2)))


@pytest.mark.parametrize("score", [0.1, 0.3, 1e308, -1e308, 5e-324])
def test_scores_that_are_the_same_have_no_spread(score: float) -> None:
    """The last bit of a sum would look like chance, and the next best as beaten."""
    standing = Standing("a", (score,) * 3, failed=False)
    assert (standing.mean, standing.spread) == (score, 0.0)


def test_scores_may_be_of_any_size() -> None:
    """A trial that nearly diverged would end the search with an OverflowError."""
    standing = Standing("a", (1e308, 1.5e308, 0.0), failed=False)
    assert standing.mean == pytest.approx(8.333333e307)
    assert standing.spread == pytest.approx(7.637626e307)


def test_of_equal_means_the_better_score_comes_first() -> None:
    """The order would depend on who ran first."""
    told = results(a=[1.0, 3.0], b=[2.0, 2.0], c=[3.0, 1.0])
    assert PLAN.confirmed(told, "min") == ["a", "b", "c"]
    assert PLAN.confirmed(told, "max") == ["a", "b", "c"]


def test_a_trial_with_a_failed_rerun_is_not_confirmed() -> None:
    """It would win by having fewer scores."""
    told = results(a=[0.0, None], b=[1.0, 3.0], c=[2.0, 3.0])
    assert PLAN.confirmed(told, "min") == ["b", "c"]
    last = PLAN.standings(told, "min")[-1]
    assert (last.trial_id, last.failed, last.scores) == ("a", True, (0.0,))


def test_nothing_is_confirmed_if_each_has_failed() -> None:
    """The mean of nothing would be compared."""
    told = results(a=[None], b=[None], c=[1.0, None])
    assert PLAN.confirmed(told, "min") == []
    assert PLAN.next_run(told, [("a", 1), ("b", 1), ("c", 1), ("c", 2)]) is None


def test_only_whole_rounds_count() -> None:
    """When time is up, a trial would be ahead by one lucky score more, or less."""
    told = results(a=[5.0, 0.0], b=[1.0], c=[2.0])
    assert PLAN.rounds(told) == 1
    assert PLAN.confirmed(told, "min") == ["b", "c", "a"]
    assert [s.scores for s in PLAN.standings(told, "min")] == [(1.0,), (2.0,), (5.0,)]


def test_nothing_is_confirmed_before_the_first_round_has_ended() -> None:
    """The first to end would win."""
    told = results(a=[5.0], c=[2.0])
    assert PLAN.confirmed(told, "min") == []


def test_runs_are_planned_round_by_round() -> None:
    """When time is up, one trial would have all the seeds and another none."""
    created: list[tuple[str, int]] = []
    while found := PLAN.next_run({}, created):
        created.append(found)
    assert created == [(i, n) for n in (1, 2) for i in ("a", "b", "c")]


def test_a_trial_is_not_run_again_once_that_failed() -> None:
    """A trial that can't be confirmed any more would take the time of others."""
    told = results(a=[None])
    created = [("a", 1), ("b", 1), ("c", 1)]
    assert PLAN.next_run(told, created) == ("b", 2)
    assert not PLAN.is_wanted("a", 2, told)
    assert PLAN.is_wanted("b", 2, told)


def test_what_is_beyond_the_plan_does_not_count() -> None:
    """Fewer seeds than in an earlier run would not be heeded."""
    told = results(a=[5.0, 5.0, None], b=[1.0, 1.0, 100.0], c=[2.0, 2.0], d=[0.0, 0.0])
    assert PLAN.confirmed(told, "min") == ["b", "c", "a"]
    assert not PLAN.is_wanted("a", 3, told)
    assert not PLAN.is_wanted("d", 1, told)


@pytest.mark.parametrize(
    ("top", "seeds", "lacking"),
    [(3, 2, False), (2, 1, False), (4, 2, True), (3, 3, True)],
)
def test_more_may_be_asked_for(top: int, seeds: int, lacking: bool) -> None:
    """A finished study would be opened again each time, or never."""
    told = results(a=[5.0, 6.0], b=[1.0, 3.0], c=[2.0, 3.0])
    assert PLAN.lacks(top, seeds, told) is lacking
    assert PLAN.lacks(3, 2, results(a=[5.0, 6.0], b=[1.0, 3.0], c=[2.0]))


def test_confirmed_trials_come_before_the_others() -> None:
    """A trial with a lucky score that nobody checked would be the best."""
    told = results(a=[5.0, 6.0], b=[1.0, 3.0], c=[None])
    order = confirmation.confirmed_first(PLAN, told, "min", ["x", "a", "c", "b"])
    assert order == ["b", "a", "x", "c"]
    assert confirmation.confirmed_first(None, told, "min", ["x", "a"]) == ["x", "a"]


def test_a_trial_that_is_lost_is_not_the_best() -> None:
    """A study with a damaged journal would publish a trial of which nothing is known."""
    told = results(a=[5.0, 6.0], b=[1.0, 3.0], c=[2.0, 2.0])
    assert confirmation.confirmed_first(PLAN, told, "min", ["a", "c"]) == ["c", "a"]


def test_the_best_with_different_hyperparameters_are_chosen() -> None:
    """Hyperband's rounds of one point would be run again, and nothing be compared."""
    trials: list[tuple[str, dict[str, Any]]] = [
        ("0", {"x": 1, "tuner/epochs": 9, "tuner/trial_id": "1"}),
        ("1", {"x": 1, "tuner/epochs": 3}),
        ("2", {"tuner/epochs": 9, "x": 2}),
        ("3", {"x": 3}),
    ]
    assert confirmation.distinct(trials, 2) == ["0", "2"]
    assert confirmation.distinct(trials, 9) == ["0", "2", "3"]
    assert confirmation.distinct(trials, 0) == []
