"""A task whose good configurations show late: a stopping rule alone never finds them."""

import pytest

from benchmarks import curve_tasks, replay, scoring, searchers, synthetic_curves

# 168 points: a search stops most of the best ones and has soon tried all of them.
SPACE = {**curve_tasks.SMALL, "l2": [1e-3], "batch_size": [32]}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_our_search_reaches_the_target(seed: int) -> None:
    """It would end with the best ones stopped, and never come to know them."""
    table = synthetic_curves.late_bloomers(SPACE)
    measure = scoring.Measure.of(table, 2)
    searcher, workers = searchers.make("ours", table, seed, 2)
    outcome = replay.run(searcher, table, workers, measure.limit_s, measure.enough)
    assert not measure.score(outcome).missed, outcome
