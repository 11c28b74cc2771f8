"""Whole searches, with every process of theirs, taken down again and again.

So it goes when a pod is evicted, a machine loses power, or memory runs out for all.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import checks, processes, scripts
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel.protocol import EntryPoint

pytestmark = pytest.mark.slow

Search = Callable[[EntryPoint, str, SearchOptions], SearchResult]
KILLS = 6


@pytest.mark.parametrize(
    ("search", "workers"), [(scripts.search, 2), (scripts.search_in_process, 1)]
)
def test_a_search_that_is_taken_down_again_and_again_loses_nothing(
    executors: processes.Executors, tmp_path: Path, search: Search, workers: int
) -> None:
    """A search on machines that are taken away would lose results, or never end."""
    chance = random.Random(11)
    script = scripts.Script(str(tmp_path / "work"), trials=30, act="sleep 0.05")
    study = str(tmp_path / "study")
    # By chance a trial may be under way each time; here that is no fault of the trial.
    options = SearchOptions(num_workers=workers, max_retries=1000)
    kills = 0
    while kills < KILLS:
        executor = executors.start(search, script.entry(), study, options)
        if executor.ended(chance.uniform(0.2, 1.0)):
            break
        family = [executor.pid, *processes.descendants(executor.pid)]
        processes.kill(*family)
        processes.wait_until_gone(family, 10)
        kills += 1
    assert kills >= 2, "the search ended before it was taken down"
    result = executors.start(search, script.entry(), study, options).result()
    checks.check(script, study, result, repeated_at_most=kills * workers)
