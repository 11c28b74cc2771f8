"""What becomes of an epoch that a worker reports, where the oracle may pause its trial."""

from __future__ import annotations

import threading
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import simulation
from tests.support.halving import Halving
from tuner_component.search.epochs import Decision
from tuner_component.search.errors import SearchError
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.driver import instructions as todo
from tuner_component.search.parallel.driver.listener import Listener
from tuner_component.search.parallel.driver.oracle_actions import OracleActions
from tuner_component.search.parallel.driver.oracle_thread import OracleThread
from tuner_component.search.parallel.logs import Logs
from tuner_component.search.study.study import Study

A, B = (types.SimpleNamespace(worker_id=name) for name in ("a", "b"))


class Thinking(Halving):
    """Thinks until it may answer."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(rungs=(2,), **kwargs)
        self.may_answer = threading.Event()

    def after_epoch(
        self, trial_id: str, epochs: int, curve: Sequence[float], can_pause: bool
    ) -> Decision:
        assert self.may_answer.wait(30)
        return super().after_epoch(trial_id, epochs, curve, can_pause)


class Driver:
    """As much of a driver as listens; two workers run a trial each."""

    def __init__(self, directory: Path, study: Study) -> None:
        self.oracle = Thinking(
            objective=simulation.OBJECTIVE,
            max_trials=2,
            hyperparameters=simulation.space(),
        )
        durable = DurableOracle.open(self.oracle, study)
        for name in ("a", "b"):
            durable.create_trial(name)
        tuner = types.SimpleNamespace(directory=directory, project_name="p")
        logs = Logs(str(directory), str(directory))
        actions = OracleActions(tuner, durable, 1, study.directory, logs)
        self.thread = OracleThread(durable.commit)
        self.answers: list[Any] = []
        self.killed: list[str] = []
        self.told: list[Any] = []
        workers: Any = types.SimpleNamespace(answer=self._answer, kill=self._kill)
        runs = {("a", "0"), ("b", "1")}
        self._listener = Listener(
            workers,
            self.thread,
            actions,
            self.told.append,
            lambda worker, trial: (worker, trial) in runs,
        )

    def _answer(
        self, caller: Any, value: Any = None, error: BaseException | None = None
    ) -> None:
        self.answers.append((caller.worker_id, value if error is None else error))

    def _kill(self, worker: Any, reason: str) -> None:
        self.killed.append(reason)

    def hear(self, worker: Any, method: str, *args: Any, **kwargs: Any) -> None:
        """A worker asks for something."""
        request = protocol.Request(1, method, args, kwargs)
        receive = types.SimpleNamespace(
            worker_id=worker.worker_id, receive=lambda at_most: iter([request])
        )
        self._listener.hear(receive)  # type: ignore[arg-type]

    def report(self, worker: Any, trial_id: str, epoch: int, **kwargs: Any) -> None:
        told = trial_id, 0, epoch, {"score": 1.0}
        self.hear(worker, "report_epoch", *told, **kwargs)

    def finish(self) -> None:
        """Waits for the oracle."""
        self.oracle.may_answer.set()
        self.thread.close()
        self.thread.deliver()


@pytest.fixture(name="driver")
def _driver(tmp_path: Path) -> Iterator[Driver]:
    with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
        driver = Driver(tmp_path, study)
        yield driver
        driver.oracle.may_answer.set()
        driver.thread.close()


def test_one_trial_waits_for_the_oracle_and_no_other_one(driver: Driver) -> None:
    """An oracle that thinks would hold up all workers, and the driver itself."""
    driver.report(A, "0", 0, can_pause=True)
    assert driver.answers == [("a", "go on")]  # It is no rung.
    driver.report(A, "0", 1, can_pause=True)
    driver.report(B, "1", 0, can_pause=True)
    assert driver.answers[1:] == [("b", "go on")]
    driver.finish()
    assert driver.answers[2:] == [("a", "pause")]


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        ({"can_pause": True}, "pause"),
        ({}, "stop"),
        ({"can_pause": True, "decided": True}, "go on"),
    ],
)
def test_what_a_trial_can_do_counts(
    driver: Driver, how: dict[str, bool], answer: str
) -> None:
    """It would be told to pause where nothing can be saved, or twice."""
    driver.report(A, "0", 1, **how)
    driver.finish()
    assert driver.answers == [("a", answer)]


def test_a_pause_is_the_dispatchers(driver: Driver) -> None:
    """A trial would be taken from its worker and not be known as paused."""
    driver.report(A, "0", 1, can_pause=True)
    driver.finish()
    driver.hear(A, "pause_trial", "0")
    assert driver.told == [todo.TrialPaused(todo.Caller("a", 1), "0")]
    assert driver.killed == []


def test_a_worker_that_pauses_by_itself_is_ended(driver: Driver) -> None:
    """A wrong message would end the search, or a trial never go on."""
    driver.hear(A, "pause_trial", "0")
    assert driver.told == []
    assert driver.killed == ["a worker that paused a trial, and was not told to"]


def test_an_error_of_the_oracle_ends_the_search(driver: Driver) -> None:
    """Each trial would fail for it, one after the other."""
    driver.oracle.is_rung = lambda epochs: 1 / 0  # type: ignore[assignment,return-value]
    with pytest.raises(SearchError, match="Thinking.is_rung to answer"):
        driver.report(A, "0", 1)
    assert driver.answers == []
