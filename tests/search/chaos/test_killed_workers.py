"""Keras trials in workers that are killed."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support import families, meeting, processes, scripts
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.study.study import StudyState

pytestmark = pytest.mark.slow


def search(
    executors: processes.Executors,
    directory: Path,
    address: str = "",
    make: str = "make",
) -> processes.Executor:
    directory.mkdir(exist_ok=True)
    argument = json.dumps([str(directory), address]).encode()
    return executors.start(
        scripts.search,
        EntryPoint(f"tests.support.killed_workers:{make}", argument),
        str(directory / "study"),
        SearchOptions(num_workers=2, seed=7),
    )


def test_a_killed_trial_goes_on_from_its_last_epoch(
    executors: processes.Executors, tmp_path: Path, place: meeting.Meeting
) -> None:
    """A death would cost hours of training, or change what the search finds."""
    whole = search(executors, tmp_path / "whole").result()
    directory = tmp_path / "killed"
    executor = search(executors, directory, place.address)
    guests = [place.next(), place.next()]
    os.kill(guests[0].pid, signal.SIGKILL)  # A worker, which is replaced.
    guests.append(place.next())
    processes.wait_until_gone(families.kill(executor.pid), 10)
    again = search(executors, directory).result()
    assert again.found is StudyState.RESUMED
    assert scripts.scores(again) == scripts.scores(whole)
    begun = (directory / "begun").read_text().split()
    # Epoch 2 was begun by two trials, and again in the new worker and the second run.
    assert sorted(begun) == [*"00", *"11", *"22222", *"33"]


def test_a_trial_that_is_stopped_goes_on_from_its_last_epoch(
    executors: processes.Executors, tmp_path: Path, place: meeting.Meeting
) -> None:
    """A preempted search would lose all epochs since the last one that was saved."""
    executor = search(executors, tmp_path, place.address, "make_unsaved")
    place.next().release()
    first = place.next()
    assert first.news["epoch"] == 1
    os.kill(executor.pid, signal.SIGTERM)
    log = tmp_path / "study/logs/driver.log"
    while "asked to stop" not in log.read_text():
        time.sleep(0.01)
    first.release()
    second = place.next()
    os.kill(executor.pid, signal.SIGTERM)  # The grace period ends.
    with pytest.raises(SearchInterruptedError):
        executor.result()
    assert second.news["epoch"] == 2
    executor = search(executors, tmp_path, place.address, "make_unsaved")
    for epoch in (2, 3, 4):
        guest = place.next()
        assert guest.news["epoch"] == epoch
        guest.release()
    executor.result()
