"""Tests of searches on one machine, on a cluster.

These are some that tell much; `test_whole_suite.py` has all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.search.chaos.test_moved_studies import (
    test_a_search_without_its_study_ends_and_leaves_nothing,
)
from tests.search.chaos.test_poison import test_two_poisonous_trials
from tests.search.chaos.test_stopped_processes import (
    test_a_stopped_worker_costs_one_attempt,
)
from tests.search.parallel.driver.test_confirming import (
    script,
    test_the_best_are_run_again,
)
from tests.search.parallel.driver.test_pauses import (
    test_trials_pause_and_go_on_in_any_worker,
)
from tests.search.parallel.driver.test_supervisor import (
    searches,
    test_sigterm_lets_running_trials_finish,
    test_workers_are_recycled,
)
from tests.search.parallel.local.test_launch import (
    test_further_workers_start_fast,
    test_what_a_script_has_set_is_set_for_its_trials,
)
from tests.search.stopping.test_stopped_trials import test_workers_are_told_to_stop
from tests.support import ray_cluster

pytestmark = pytest.mark.slow

__all__ = [
    "script",
    "searches",
    "test_a_search_without_its_study_ends_and_leaves_nothing",
    "test_a_stopped_worker_costs_one_attempt",
    "test_further_workers_start_fast",
    "test_sigterm_lets_running_trials_finish",
    "test_the_best_are_run_again",
    "test_trials_pause_and_go_on_in_any_worker",
    "test_two_poisonous_trials",
    "test_what_a_script_has_set_is_set_for_its_trials",
    "test_workers_are_recycled",
    "test_workers_are_told_to_stop",
]


@pytest.fixture(autouse=True)
def _on_cluster(cluster: ray_cluster.RayCluster) -> Iterator[None]:
    """Has this process look there for what a search has started."""
    with cluster.known():
        yield
