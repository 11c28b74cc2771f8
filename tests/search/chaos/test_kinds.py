"""Killing each kind of process at every transition of a search.

The driver stands at a fault point (see `stage`) while a process is killed, and goes on
when that is gone. A point that is declared is tried with every kind: one that is not
passed while there is such a process fails the test, or stands below with the reason.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import checks, meeting, processes, scripts, stage
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.options import SearchOptions

pytestmark = pytest.mark.slow

WITHOUT_WORKERS = {
    "study.create.before": "workers are started for a study that is open",
    "study.create.after": "workers are started for a study that is open",
    "study.finish.before": "a search waits for its workers to end before it is finished",
    "study.finish.after": "a search waits for its workers to end before it is finished",
    "project.trials.written": "a search waits for its workers to end before that",
}

# As a search in workers tells of a death; a search in process has one process alone.
KILLED = {
    "driver": "its driver was killed by signal 9",
    "server": "its fork server was killed by signal 9",
    "executor": None,
    "in process": None,
}


@pytest.fixture(name="points", scope="module")
def _points(_executors: processes.Executors) -> frozenset[str]:
    """All that a driver passes: the others are in `test_training` and `test_pauses`."""
    declared = _executors.start(scripts.declared_faults).result()
    elsewhere = stage.IN_TRAININGS | stage.IN_PAUSES | stage.IN_REQUESTS
    return frozenset(declared - elsewhere)


@pytest.mark.parametrize("kind", KILLED)
def test_death_that_ends_the_run(
    executors: processes.Executors,
    place: meeting.Meeting,
    tmp_path: Path,
    points: frozenset[str],
    kind: str,
) -> None:
    """What was done would be lost or done twice, or orphans would go on with it."""
    in_process = kind == "in process"
    script = scripts.Script(
        str(tmp_path / "work"),
        trials=40,
        acts={} if in_process else {"1": ["die", "ok"]},
        think="" if in_process else "0.01",  # Trials are suggested ahead.
    )
    study, at_once = str(tmp_path / "study"), 1 if in_process else 2
    # By chance a trial is under way each time; here that is no fault of the trial.
    options = SearchOptions(num_workers=at_once, max_retries=1000)
    search = scripts.search_in_process if in_process else scripts.search
    left, repeated = points, len(script.acts)
    while left:
        # A study is created once.
        wanted = {p for p in left if p.startswith("study.create")} or left
        run = stage.Stage(executors, place, search, script.entry(), study, options)
        for guest in run.guests():
            point = guest.news["point"]
            if point in wanted:
                break
            guest.release()
        else:
            run.executor.result()
            pytest.fail(f"the search has ended, and never passed {sorted(left)}")
        run.kill(run.executor.pid if in_process else getattr(run.family(), kind))
        guest.release()
        if KILLED[kind]:
            with pytest.raises(SearchInterruptedError, match=KILLED[kind]):
                run.executor.result()
        run.wait_until_gone()
        left -= {point}
        under_way = checks.under_way(script, study)
        assert len(under_way) <= at_once, f"{kind} killed at {point}: {under_way}"
        repeated += len(under_way)
    result = executors.start(search, script.entry(), study, options).result()
    checks.check(script, study, result, repeated)


class Workers:
    """A search of three workers, two of which have trials that wait for the test.

    So it is known who has a trial. Where the driver stands, it is about what the third
    has asked for, who waits for the answer and has none.
    """

    def __init__(
        self, executors: processes.Executors, place: meeting.Meeting, root: Path
    ) -> None:
        self.script = scripts.Script(
            str(root / "work"),
            trials=120,
            acts={"0": ["meet"], "1": ["meet"]},
            meeting=place.address,
        )
        self.study = str(root / "study")
        options = SearchOptions(num_workers=3, max_retries=1000)
        entry = self.script.entry()
        self.run = stage.Stage(
            executors, place, scripts.search, entry, self.study, options
        )
        self.lost = 0
        self._waiting: dict[int, meeting.Guest] = {}
        self._others = self.script.trials - len(self.script.acts)

    def points(self) -> Iterator[str]:
        """The points at which the driver stands until the next one is asked for.

        An empty one says that a trial has begun to wait.
        """
        for guest in self.run.guests():
            point = guest.news.get("point", "")
            if point in WITHOUT_WORKERS:
                assert not self.run.family().workers, WITHOUT_WORKERS[point]
            self._others -= point == "trial.ended.after"
            if not point:
                self._waiting[guest.pid] = guest
            yield point
            if point:
                guest.release()

    @property
    def busy(self) -> list[int]:
        """The workers whose trials wait."""
        return list(self._waiting)

    @property
    def idle(self) -> list[int]:
        """All other workers."""
        return [pid for pid in self.run.family().workers if pid not in self._waiting]

    @property
    def rest_is_done(self) -> bool:
        """Whether all trials have ended but those that wait."""
        return self._others <= 0

    def kill_busy(self) -> None:
        """Kills a worker with its trial."""
        pid, _ = self._waiting.popitem()
        self.run.kill(pid)
        self.lost += 1

    def release(self) -> None:
        """Lets the trials go on that wait."""
        while self._waiting:
            self._waiting.popitem()[1].release()


@pytest.fixture
def workers(
    executors: processes.Executors, place: meeting.Meeting, tmp_path: Path
) -> Workers:
    """A search whose workers are about to be killed."""
    return Workers(executors, place, tmp_path)


def test_death_of_a_worker_with_a_trial(
    workers: Workers, points: frozenset[str]
) -> None:
    """A trial would be lost or count twice, or the search would end with its worker."""
    left = points - WITHOUT_WORKERS.keys()
    for point in workers.points():
        # The second is for the points that the driver passes when the first is lost.
        least = 1 if point.startswith("trial.attempt") else 2
        if point in left and len(workers.busy) >= least:
            workers.kill_busy()
            left -= {point}
        if not left or workers.rest_is_done:
            workers.release()
    result = workers.run.executor.result()
    assert not left, f"not passed while a worker had a trial: {sorted(left)}"
    checks.check(workers.script, workers.study, result, workers.lost)


def test_death_of_a_worker_without_a_trial(
    workers: Workers, points: frozenset[str]
) -> None:
    """What the driver has for it would be lost, or given twice."""
    left = points - WITHOUT_WORKERS.keys()
    # Three in a row that never had a trial would end the search.
    has_had_one = False
    for point in workers.points():
        has_had_one |= point == "trial.ended.before"
        if workers.rest_is_done:
            # The trial that was lost is the driver's until it has passed these.
            sure = point.startswith("trial.attempt")
        else:
            sure = len(workers.busy) == 2 and has_had_one
        if point in left and sure and workers.idle:
            workers.run.kill(workers.idle[0])
            has_had_one = False
            left -= {point}
        if workers.rest_is_done:
            if not left or workers.lost > 5:
                workers.release()
            elif len(workers.busy) == 2:
                workers.kill_busy()
    result = workers.run.executor.result()
    assert not left, f"not passed while a worker had no trial: {sorted(left)}"
    checks.check(workers.script, workers.study, result, workers.lost)
