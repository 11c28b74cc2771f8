"""Which values belong to the process that made them."""

import collections
import datetime
import os
import threading
import time
import time as watch
from time import monotonic as ticks
from typing import Any

import numpy as np
import pytest

from tuner_component.search.epoch_state.process_bound import Clocks, names_read

# What a class that reads each of the clocks and ids reads.
CLOCKS = ("monotonic", "perf_counter", "process_time", "thread_time")
ALL = frozenset([*CLOCKS, "id", "getpid", "get_ident"])


@pytest.mark.parametrize(
    "value",
    [
        time.time,
        lambda: time.time() + 3600,
        lambda: int(time.time()),
        lambda: time.time() * 1000,
        time.time_ns,
        time.monotonic,
        lambda: time.monotonic() + 600.5,
        time.monotonic_ns,
        time.perf_counter,
        lambda: [0.0, time.time()],
        lambda: {"last": time.monotonic()},
        lambda: collections.deque([time.perf_counter()]),
        lambda: np.array([time.time()]),
        lambda: np.float64(time.time()),
        datetime.datetime.now,
        lambda: datetime.timedelta(seconds=1),
        time.localtime,
        lambda: np.array(["2026-01-01"], "datetime64[s]"),
    ],
)
def test_times_are_recognised(value: Any) -> None:
    """A time limit would end the training that goes on, or never end it."""
    clocks = Clocks.now()
    assert clocks.reason(value(), ALL) == "a time"


@pytest.mark.parametrize("value", [os.getpid, threading.get_ident, lambda: id(ALL)])
def test_ids_are_recognised(value: Any) -> None:
    """A process would be taken for the one that is long gone."""
    assert Clocks.now().reason(value(), ALL) == "an id of this process"


@pytest.mark.parametrize("path", ["/scratch/best.keras", "gs://bucket/best.keras"])
def test_paths_are_recognised(path: str) -> None:
    """The file would be looked for in the directory of the process that is gone."""
    assert Clocks.now().reason(path, ()) == "a path"


@pytest.mark.parametrize(
    "value",
    [
        0,
        3,
        1.5,
        -0.25,
        float("nan"),
        float("inf"),
        10**12,
        [0.5, 0.25],
        collections.Counter(right=7),
        {1, 2},
        np.arange(5),
        "warmup",
        None,
        True,
    ],
)
def test_counts_and_metrics_are_none(value: Any) -> None:
    """Callbacks would count anew after an interruption."""
    assert Clocks.now().reason(value, frozenset()) is None


def test_a_number_that_only_a_clock_of_its_own_would_give_is_kept() -> None:
    """On a machine that has just started, losses would be taken for its uptime."""
    number = time.monotonic() + 0.5
    clocks = Clocks.now()
    assert clocks.reason(number, frozenset()) is None
    assert clocks.reason(number, ALL) == "a time"
    assert clocks.reason(number, ALL, metrics={number}) is None


def helper() -> float:
    return watch.perf_counter()


class Reads:
    def direct(self) -> float:
        return watch.monotonic()

    def renamed(self) -> float:
        return ticks()

    def through_a_function(self) -> float:
        return helper()

    def nested(self) -> Any:
        return lambda: os.getpid()


def test_what_a_class_reads_is_found() -> None:
    """Clocks that are read through a helper would go unnoticed."""
    assert names_read(Reads) == {"monotonic", "perf_counter", "getpid"}


def test_a_class_that_reads_no_clock_reads_none() -> None:
    """Each of its numbers would be suspected of being a time."""

    class Counts:
        def on_epoch_end(self, epoch: int) -> None:
            self.epochs = epoch + 1

    assert names_read(Counts) == frozenset()
