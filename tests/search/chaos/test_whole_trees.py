"""Whole searches, with every process of theirs, taken down again and again.

So it goes when a pod is evicted, a machine loses power, or memory runs out for all.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import checks, families, meeting, processes, scripts, stage
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
    # Even a machine that starts at once cannot be through before the second kill.
    script = scripts.Script(str(tmp_path / "work"), trials=60, act="sleep 0.1")
    study = str(tmp_path / "study")
    # By chance a trial may be under way each time; here that is no fault of the trial.
    options = SearchOptions(num_workers=workers, max_retries=1000)
    kills = 0
    while kills < KILLS:
        executor = executors.start(search, script.entry(), study, options)
        if executor.ended(chance.uniform(0.2, 1.0)):
            break
        processes.wait_until_gone(families.kill(executor.pid), 10)
        kills += 1
    assert kills >= 2, "the search ended before it was taken down"
    result = executors.start(search, script.entry(), study, options).result()
    checks.check(script, study, result, repeated_at_most=kills * workers)


def test_a_trial_that_gets_further_each_time_is_not_failed(
    executors: processes.Executors, place: meeting.Meeting, tmp_path: Path
) -> None:
    """On machines that are taken away every hour no long trial would come to its end."""
    argument = json.dumps([str(tmp_path), ""]).encode()
    entry = EntryPoint("tests.support.killed_workers:make_long", argument)
    study = str(tmp_path / "study")
    options = SearchOptions(num_workers=1, max_retries=0, seed=7)
    for _ in range(2):  # The first attempt, and the last chance.
        run = stage.Stage(executors, place, scripts.search, entry, study, options)
        for guest in run.guests():
            if guest.news["point"] == "training.write.after":
                break
            guest.release()
        families.kill(run.executor.pid)
        run.wait_until_gone()
    result = executors.start(scripts.search, entry, study, options).result()
    assert {trial["trial_id"] for trial in result.completed} == {"0", "1"}
    # Each run but the last got one epoch further, and none was trained twice.
    begun = [int(epoch) for epoch in Path(tmp_path, "begun").read_text().split()]
    assert begun == [*range(7), *range(7)]
