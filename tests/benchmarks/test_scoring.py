"""What a replayed search is worth."""

import numpy as np
import pytest

from benchmarks import goals, scoring
from benchmarks.replay import Outcome, Table
from benchmarks.scoring import Measure, Score

MEASURE = Measure(target=1.0, limit_s=100.0, budget_s=40.0, optimum=0.0, typical=4.0)


def outcome(*ends: tuple[float, float], ended_itself: bool = False) -> Outcome:
    return Outcome(list(ends), [0.1], ended_itself)


def score(**changed: float) -> Score:
    same = {"missed": 0, "gave_up": 0, "seconds": 1.0, "loss": 1.0, "area": 0.5}
    return Score(**{**same, "suggestion_s": 0.0, "suggestions_s": 0.0, **changed})  # type: ignore[arg-type]


def test_a_search_that_gives_up_counts_with_the_whole_limit() -> None:
    """The earlier a search gives up, the better it would look."""
    gave_up = MEASURE.score(outcome((5.0, 3.0), ended_itself=True))
    assert (gave_up.seconds, gave_up.missed, gave_up.gave_up) == (100.0, True, True)
    went_on = MEASURE.score(outcome((5.0, 3.0)))
    assert (went_on.seconds, went_on.missed, went_on.gave_up) == (100.0, True, False)


def test_a_search_that_ends_with_the_target_has_not_missed_it() -> None:
    """A space that was searched to its end would count as given up."""
    found = MEASURE.score(outcome((5.0, 3.0), (7.0, 0.5), ended_itself=True))
    assert (found.seconds, found.missed, found.gave_up) == (7.0, False, False)


def test_losses_are_compared_at_the_budget() -> None:
    """A search that goes on for longer would be better for that alone."""
    ends = ((5.0, 3.0), (39.0, 2.0), (41.0, 1.0))
    assert MEASURE.score(outcome(*ends)).loss == 2.0
    assert MEASURE.score(outcome((41.0, 1.0))).loss == MEASURE.typical


def test_the_area_is_that_under_the_best_loss_so_far() -> None:
    """A search that is good early on would be no better than one that is late."""
    # Half way from the best point to the middle one for half of the time.
    assert MEASURE.score(outcome((20.0, 2.0))).area == pytest.approx(0.75)
    assert MEASURE.score(outcome((0.0, 2.0), (20.0, 0.0))).area == pytest.approx(0.25)
    assert MEASURE.score(outcome((90.0, 0.0))).area == 1.0
    assert MEASURE.score(outcome((0.0, 9.0), (20.0, 0.0))).area == pytest.approx(0.5)


def test_all_workers_together_have_the_same_time() -> None:
    """With more workers a search would be given more trainings."""
    table = Table({"point": [0, 1]}, np.ones((2, 3)), np.array([1.0, 3.0]))
    alone, four = (Measure.of(table, workers) for workers in (1, 4))
    assert alone.limit_s == scoring.LIMIT * 6.0 == 4 * four.limit_s
    assert alone.budget_s == scoring.BUDGET * 6.0 == 4 * four.budget_s


def test_an_interval_covers_what_another_set_of_seeds_would_have_shown() -> None:
    """A lucky seed could not be told from a better search."""
    draw = np.random.default_rng(1)

    def covers() -> bool:
        low, high = scoring.interval(
            [list(draw.normal(size=20))], lambda samples: float(samples[0].mean())
        )
        return low <= 0.0 <= high

    assert 80 <= sum(covers() for _ in range(100)) <= 99


def test_misses_are_the_first_figure() -> None:
    """A median hides that every third search found nothing."""
    figures = scoring.figures_of([score(), score(missed=1), score(missed=1)])
    assert next(iter(figures.items())) == ("missed", pytest.approx(2 / 3))


def test_stock_tuners_are_no_peers() -> None:
    """A search with one worker would count as one with as many as ours."""
    task = {
        "auto": [score(seconds=10.0)],
        "ours": [score(seconds=20.0)],
        "optuna median": [score(seconds=30.0)],
        "ours random": [score(seconds=1.0)],
        "stock random": [score(seconds=50.0, loss=0.1)],
    }
    reached = goals.of([task])
    assert reached["speedup_median"] == reached["speedup_least"] == 3.0
    assert reached["speedup_over_stock_median"] == 5.0
    assert reached["speedup_over_optuna_search_median"] == 2.0
    assert reached["loss_ratio_worst"] == 1.0
    assert goals.are_met(reached)
