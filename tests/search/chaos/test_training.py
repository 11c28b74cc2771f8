"""Killing each kind of process where the state of a training becomes durable.

A worker with a Keras trial stands there, the driver does not know.
"""

import json
from pathlib import Path

import pytest

from tests.support import meeting, processes, scripts, stage
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.protocol import EntryPoint

pytestmark = pytest.mark.slow

# In this order: the run goes on without the worker, and ends without one of the others.
KINDS = ("worker", "driver", "server", "executor", "in process")

OPTIONS = SearchOptions(num_workers=2, max_retries=9, seed=7)


def entry(directory: Path) -> EntryPoint:
    directory.mkdir()
    argument = json.dumps([str(directory), ""]).encode()
    return EntryPoint("tests.support.killed_workers:make_long", argument)


def test_death_beside_the_state_of_a_training(
    executors: processes.Executors, place: meeting.Meeting, tmp_path: Path
) -> None:
    """Epochs would be lost that are kept, or a search find something else."""
    search, study = entry(tmp_path / "whole"), str(tmp_path / "whole/study")
    whole = executors.start(scripts.search, search, study, OPTIONS).result()
    search, study = entry(tmp_path / "killed"), str(tmp_path / "killed/study")
    points = sorted(stage.IN_TRAININGS)
    left = [(kind, point) for kind in KINDS for point in points]
    repeated = 0
    while left:
        in_process = left[0][0] == "in process"
        function = scripts.search_in_process if in_process else scripts.search
        run = stage.Stage(executors, place, function, search, study, OPTIONS)
        for guest in run.guests():
            kind, point = left[0]
            if guest.news["point"] != point:
                guest.release()
                continue
            del left[0]
            repeated += point.endswith("before")  # The epoch is over, and not kept.
            if kind == "worker":
                run.kill(guest.pid)
                continue
            run.kill(guest.pid if in_process else getattr(run.family(), kind))
            repeated += not in_process  # What the other worker was at.
            break
        else:
            run.executor.result()
            pytest.fail(f"the search has ended, and never passed {left}")
        run.wait_until_gone()
    killed = executors.start(scripts.search, search, study, OPTIONS).result()
    assert scripts.scores(killed) == scripts.scores(whole)
    epochs = {
        name: len((tmp_path / name / "begun").read_text().split())
        for name in ("whole", "killed")
    }
    assert epochs["whole"] == 14
    assert epochs["killed"] <= 14 + repeated
