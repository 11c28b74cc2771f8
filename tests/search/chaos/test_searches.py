"""Killing the driver of a parallel search at every transition, and all at random.

After each crash the search is run again; in the end no trial may be lost or counted
twice, and no more work repeated than was under way. The deaths of other processes at the
transitions are in `test_chaos_kinds`.
"""

import random
from concurrent import futures
from pathlib import Path

import pytest

from tests.support import checks, families, limits, processes, scripts, stage
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult

# Where, and at which pass, to kill the process that gets there.
FAULTS = {
    "study.create.before": 1,
    "study.create.after": 1,
    "study.finish.before": 1,
    "study.finish.after": 1,
    "trial.created.before": 3,
    "trial.created.after": 3,
    "trial.ended.before": 2,
    "trial.ended.after": 2,
    "trial.attempt.before": 1,
    "trial.attempt.after": 1,
    "journal.commit.before": 5,
    "journal.commit.after": 5,
    "files.write.written": 3,
    "files.write.replaced": 3,
    "test.write.torn": 6,
    "project.trials.written": 1,
    "journal.merge.before": 1,
    "journal.merge.written": 1,
    "journal.merge.removing": 2,
    "journal.merge.after": 1,
}
# In the training of models, in pauses and on request: see `test_training`, `test_pauses` and
# `parallel/local/test_steering`.
ELSEWHERE = stage.IN_TRAININGS | stage.IN_PAUSES | stage.IN_REQUESTS

WORKERS = 2


def test_every_fault_point_is_tried(executors: processes.Executors) -> None:
    """A new transition would not be tested."""
    declared = executors.start(scripts.declared_faults).result()
    assert declared == FAULTS.keys() | ELSEWHERE


@pytest.mark.slow
@pytest.mark.parametrize("point", FAULTS)
def test_a_crash_at_a_transition_costs_nothing(
    executors: processes.Executors, tmp_path: Path, point: str
) -> None:
    """What was done would be lost, or done twice."""
    script = scripts.Script(
        str(tmp_path / "work"),
        trials=6,
        acts={"1": ["die", "ok"]},
        think="0.03",  # Long enough for trials to be suggested ahead.
    )
    study, options = str(tmp_path / "study"), SearchOptions(num_workers=WORKERS)
    fault = f"{point}:{FAULTS[point]}"
    with pytest.raises(SearchInterruptedError, match="was killed by signal 9"):
        executors.start(
            scripts.search_with_fault, fault, script.entry(), study, options
        ).result()
    result = executors.start(scripts.search, script.entry(), study, options).result()
    checks.check(script, study, result, repeated_at_most=WORKERS + 1)


@pytest.mark.slow
def test_random_kills(executors: processes.Executors, tmp_path: Path) -> None:
    """There are moments that no fault point marks."""
    # Two searches at a time: each of them mostly waits for the next kill.
    with futures.ThreadPoolExecutor(2) as pool:
        kills = [
            pool.submit(
                _kill_searches, executors, tmp_path / str(seed), seed, limits.KILLS // 2
            )
            for seed in (7, 8)
        ]
        assert sum(future.result() for future in kills) >= limits.KILLS


def _kill_searches(
    executors: processes.Executors, root: Path, seed: int, least: int
) -> int:
    """Runs searches and kills their processes, until it has killed `least`."""
    chance = random.Random(seed)
    kills = 0
    while kills < least:
        place = root / f"kills-{kills}"
        script = scripts.Script(
            str(place / "work"), trials=150, act="sleep 0.1", think="0.03"
        )
        study = str(place / "study")
        result, in_flight, killed = _search_under_fire(
            executors, script, study, chance, least - kills
        )
        checks.check(script, study, result, repeated_at_most=in_flight)
        kills += killed
    return kills


def _search_under_fire(
    executors: processes.Executors,
    script: scripts.Script,
    study: str,
    chance: random.Random,
    most: int,
) -> tuple[SearchResult, int, int]:
    """Runs a search to its end, whatever it takes, and kills at most so many processes.

    Returns:
        Its result, how many trials may have been under way when processes were killed,
        and how many were killed.
    """
    options = SearchOptions(num_workers=WORKERS, max_retries=1000)
    executor = executors.start(scripts.search, script.entry(), study, options)
    in_flight = killed = 0
    while not executor.ended(chance.uniform(0.0, limits.NEXT_KILL_S)):
        if killed == most:
            break
        family = families.of(executor.pid)
        victim = chance.choice(family.all)
        processes.kill(victim)
        killed += 1
        in_flight += 1 if victim in family.workers else WORKERS
        if victim not in family.core:
            continue
        processes.wait_until_gone(family.all, limits.WAIT_S)
        executor = executors.start(scripts.search, script.entry(), study, options)
    return executor.result(), in_flight, killed
