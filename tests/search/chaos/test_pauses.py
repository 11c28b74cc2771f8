"""Killing each kind of process where a trial pauses."""

from pathlib import Path

import pytest

from tests.support import meeting, paused_trials, processes, scripts, stage
from tuner_component.search.options import SearchOptions

pytestmark = pytest.mark.slow

# In this order: the run goes on without the worker, and ends without one of the others.
KINDS = ("worker", "driver", "server", "executor", "in process")
RUNGS = (1, 2, 3)
OPTIONS = SearchOptions(num_workers=2, max_retries=9, seed=7)


def test_death_beside_a_pause(
    executors: processes.Executors, place: meeting.Meeting, tmp_path: Path
) -> None:
    """A trial would be lost, trained again, or end twice; or another one win."""
    search = paused_trials.entry(tmp_path / "whole", RUNGS, "make_many")
    study = str(tmp_path / "whole/study")
    whole = executors.start(scripts.search, search, study, OPTIONS).result()
    search = paused_trials.entry(tmp_path / "killed", RUNGS, "make_many")
    study = str(tmp_path / "killed/study")
    points = sorted(stage.IN_PAUSES)
    left = [(kind, point) for kind in KINDS for point in points]
    deaths = 0
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
            deaths += 1
            if kind == "worker":
                run.kill(run.family().workers[0])
                guest.release()
                continue
            run.kill(guest.pid if in_process else getattr(run.family(), kind))
            guest.release()
            break
        else:
            run.executor.result()
            pytest.fail(f"the search has ended, and never passed {left}")
        run.wait_until_gone()
    killed = executors.start(scripts.search, search, study, OPTIONS).result()
    assert scripts.scores(killed) == scripts.scores(whole)
    epochs = {
        name: sum(paused_trials.begun(tmp_path / name).values())
        for name in ("whole", "killed")
    }
    assert epochs["whole"] == 8 + 4 + 2 + 1
    # An epoch is saved, but for the one that each worker is at.
    assert epochs["killed"] <= epochs["whole"] + OPTIONS.num_workers * deaths
