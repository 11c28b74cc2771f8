"""Killing a whole pipeline while it tunes, and running it again."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import crashing_pipeline, meeting, processes
from tests.support.crashing_pipeline import MODULES, TRIALS
from tuner_component import load_best_hyperparameters, load_tuner_results

pytestmark = pytest.mark.slow  # Runs a pipeline four times.

# Once, its workers' fork server imports TFX.
START_S = 180.0


class Pipeline:
    """One run of the pipeline, and its trials as they come."""

    def __init__(self, executor: processes.Executor, place: meeting.Meeting) -> None:
        self.executor = executor
        self.place = place

    def trials(self, number: int) -> list[meeting.Guest]:
        """Waits for trials to come; as long as they are kept they wait for release."""
        return [self.place.next(START_S) for _ in range(number)]

    def everyone(self) -> list[int]:
        """All processes of the run."""
        return [self.executor.pid, *processes.descendants(self.executor.pid)]

    def kill(self, *pids: int) -> None:
        """Kills processes of the run, then sees that all of them end."""
        everyone = self.everyone()
        processes.kill(*pids)
        processes.wait_until_gone(everyone, 60)

    def driver(self, workers: list[meeting.Guest]) -> int:
        """The process beside the workers, under the same fork server."""
        status = Path(f"/proc/{workers[0].pid}/status").read_text()
        server = int(status.split("PPid:")[1].split()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        (driver,) = {int(pid) for pid in children} - {w.pid for w in workers}
        return driver


@pytest.fixture
def executors() -> Iterator[processes.Executors]:
    """Starts runs of the pipeline; nothing of them is left afterwards."""
    with contextlib.closing(processes.Executors(*MODULES, fresh=False)) as executors:
        try:
            yield executors
        finally:
            processes.kill(*executors.descendants())


def release(guests: list[meeting.Guest]) -> list[str]:
    for guest in guests:
        guest.release()
    return [guest.news["trial"] for guest in guests]


def test_pipeline_goes_on_after_every_kind_of_death(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """A crash at trial 80 would cost 80 trials, or the pipeline for ever."""
    root, log = tmp_path / "pipeline", tmp_path / "log.txt"
    with contextlib.closing(meeting.Meeting(tmp_path)) as place:

        def start(run: Callable[..., None] = crashing_pipeline.run_quickly) -> Pipeline:
            arguments = str(root), place.address, str(log)
            return Pipeline(executors.start(run, *arguments), place)

        # The process that runs the pipeline dies. Whoever begins a third and fourth
        # trial has handed in the first two.
        pipeline = start(crashing_pipeline.run)
        assert sorted(release(pipeline.trials(2))) == ["0", "1"]
        waiting = pipeline.trials(2)
        pipeline.kill(pipeline.executor.pid)
        # The driver dies: the pipeline fails, and says how to go on.
        pipeline = start()
        assert sorted(release(pipeline.trials(2))) == ["2", "3"]
        waiting = pipeline.trials(2)
        pipeline.kill(pipeline.driver(waiting))
        with pytest.raises(Exception, match="run the same search again to go on"):
            pipeline.executor.result()
        # All die at once.
        pipeline = start()
        assert sorted(release(pipeline.trials(2))) == ["4", "5"]
        waiting = pipeline.trials(2)
        pipeline.kill(*pipeline.everyone())
        # A worker dies: another one takes its trial, and the pipeline succeeds.
        pipeline = start()
        victim, other = pipeline.trials(2)
        os.kill(victim.pid, signal.SIGKILL)
        other.release()
        (again,) = pipeline.trials(1)
        assert again.news["trial"] == victim.news["trial"]
        assert again.pid != victim.pid
        again.release()
        pipeline.executor.result(120)
    assert len(waiting) == 2
    assert_every_trial_counts_once(root)


def assert_every_trial_counts_once(root: Path) -> None:
    results = load_tuner_results(last(root / "Tuner" / "tuner_results"))
    assert sorted(trial.trial_id for trial in results) == [
        str(number) for number in range(TRIALS)
    ]
    best = last(root / "Tuner" / "best_hyperparameters")
    assert load_best_hyperparameters(best).values == results[0].hyperparameters
    assert results[0].score == min(trial.score for trial in results)


def last(artifacts: Path) -> Path:
    """The artifact of the last execution; those that were killed left theirs empty."""
    *killed, artifact = sorted(artifacts.iterdir(), key=lambda path: int(path.name))
    assert not any(list(path.iterdir()) for path in killed)
    return artifact
