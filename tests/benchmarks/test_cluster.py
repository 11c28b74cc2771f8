"""What a search on a cluster costs: how it is measured."""

import argparse
import time
from typing import Any

import pytest

from benchmarks import cluster
from tests.support import processes
from tuner_component.search.options import Cluster, SearchOptions

# Enough for the oracle's thread to take more than the hundredth of a second that the
# system counts in.
TRIALS, SECONDS = 60, 0.02


def _simulated() -> dict[str, Any]:
    options = SearchOptions(num_workers=2, seed=1, cluster=Cluster("simulated:1"))
    watch = cluster._Watch(2)
    with cluster._simulated_cluster():
        found = cluster._search(
            "simulated", {"trials": TRIALS, "seconds": SECONDS}, options, watch
        )
    return {**found, "cost": watch.driver_ms(TRIALS), "first_place": watch.first_place}


@pytest.mark.slow
def test_a_simulated_cluster_is_one_for_the_driver() -> None:
    """What the driver costs with hundreds of workers could not be measured."""
    executors = processes.Executors()
    try:
        found = executors.start(_simulated).result(120)
    finally:
        executors.close()
    assert found["search_s"] >= TRIALS / 2 * SECONDS * 0.9
    assert found["first_place"] is not None
    cost = found["cost"]
    whole, parts = cost["driver_cpu_ms_per_trial"], cost["parts_ms_per_trial"]
    assert min(parts["oracle_thread"], parts["dispatching"]) > 0.0
    assert 0.0 < cost["bookkeeping_ms_per_trial"] < whole
    tick_ms = 10.0 / TRIALS  # The system counts each thread in hundredths of a second.
    assert sum(parts.values()) == pytest.approx(whole, abs=4 * tick_ms)


def test_figures_are_medians_and_what_varies_is_shown() -> None:
    """One run of many would be told as what a search costs."""
    runs = [
        {
            "over_ideal": over,
            "bookkeeping_ms_per_trial": 10 * over,
            "driver_cpu_ms_per_trial": 20 * over,
            "parts_ms_per_trial": {"messages": 5 * over},
        }
        for over in (0.1, 0.9, 0.2)
    ]
    found = cluster._medians(runs)
    assert found["bookkeeping_ms_per_trial"] == 2.0
    assert found["parts_ms_per_trial"] == {"messages": 1.0}
    assert found["runs"]["over_ideal"] == [0.1, 0.9, 0.2]


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("over_ideal", 0.051),
        ("bookkeeping_ms_per_trial", 3.01),
        ("place_to_first_trial_s", 3.01),
    ],
)
def test_each_goal_can_be_missed(figure: str, value: float) -> None:
    """A check that always passes is none."""
    good = {
        "over_ideal": 0.05,
        "bookkeeping_ms_per_trial": 3.0,
        "place_to_first_trial_s": 3.0,
        "driver_cpu_ms_per_trial": 9.0,
    }
    assert cluster._judged(good)["met"]
    assert not cluster._judged({**good, figure: value})["met"]


def test_what_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """One section that hangs would cost the figures of all others."""
    monkeypatch.setattr(cluster, "_limit_s", lambda name: 1)

    def hang(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
        time.sleep(60)
        raise AssertionError

    monkeypatch.setitem(cluster.SECTIONS, "growth", hang)
    found = cluster._measured("growth", argparse.Namespace(), "")
    assert found["met"] is False and "1 seconds" in found["failed"]


def test_gaps_are_those_between_trials_of_one_worker() -> None:
    """Workers that start one after the other would count as slow ones."""
    times = [
        {"pid": pid, "began": began, "ended": began + 1.0}
        for pid, began in ((1, 0.0), (1, 1.1), (2, 0.5), (2, 1.8))
    ]
    found = cluster._summary(times)
    assert found["processes"] == 2
    assert found["until_all_run_s"] == 0.5
    assert found["search_s"] == pytest.approx(2.8)
    assert found["gap_between_trials_ms"]["mean"] == pytest.approx(200)
