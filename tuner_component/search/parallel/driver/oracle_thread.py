"""The one thread that works with the oracle, and all that it does with it.

An oracle may think for seconds before it suggests a trial. Meanwhile the driver must
notice that a worker died, and take results; so it leaves the oracle to this thread.
Suggestions are made last, with all results known; and all that is done at a time is made
durable together, before anyone hears of it.
"""

import collections
import dataclasses
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.epochs import checked_epoch
from tuner_component.search.errors import SearchError, UnknownTrialError
from tuner_component.search.machine import output
from tuner_component.search.oracle import codec
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.driver.instructions import (
    CleanUp,
    EndTrial,
    Excuse,
    FailTrial,
    GiveBack,
    LookAhead,
    Order,
    PauseTrial,
    Suggest,
    Suggested,
)
from tuner_component.search.parallel.logs import Logs
from tuner_component.search.training import seeding
from tuner_component.search.training.weights_cleaner import WeightsCleaner

_Status = trial_lib.TrialStatus

# A suggestion that took longer is answered before the next one is thought of.
_BATCH_S = 0.02


@dataclasses.dataclass
class Task:
    """Something to do in the oracle's thread.

    Attributes:
        run: Does it.
        done: Takes the result and the error (one of them None) in the thread that
            calls `OracleThread.deliver`. An error that ends the search does not get there.
        suggests: Whether it asks the oracle for a new trial.
    """

    run: Callable[[], Any]
    done: Callable[[Any, BaseException | None], None]
    suggests: bool = False
    result: Any = None
    error: BaseException | None = None


class OracleThread:
    """Does tasks in a thread of its own; can be waited for like a connection.

    No other thread may touch the oracle from now on.

    Args:
        commit: Makes what the tasks did durable.
    """

    def __init__(self, commit: Callable[[], None]) -> None:
        self._commit = commit
        self._inbox: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._finished: collections.deque[Task] = collections.deque()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._thread = threading.Thread(target=self._work, daemon=True, name="oracle")
        self._closed = False
        self._thread.start()

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are results."""
        return self._reader.fileno()

    def submit(self, task: Task) -> None:
        """Has a task done as soon as possible."""
        self._inbox.put(task)

    def deliver(self) -> None:
        """Calls `done` of every task that is done and durable.

        Raises:
            SearchError: If one raised it, and no worker is to blame for it.
        """
        try:
            self._reader.recv(4096)
        except BlockingIOError:
            pass
        while self._finished:
            task = self._finished.popleft()
            if isinstance(task.error, SearchError) and not isinstance(
                task.error, UnknownTrialError
            ):
                raise task.error
            task.done(task.result, task.error)

    def close(self, timeout: float | None = None) -> bool:
        """Does what was submitted, and ends.

        Args:
            timeout: Wait at most so many seconds.

        Returns:
            Whether all is done.
        """
        self._inbox.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        urgent: list[Task] = []
        suggestions: collections.deque[Task] = collections.deque()
        slow = False
        while self._collect(urgent, suggestions):
            batch, urgent = urgent, []
            for task in batch:
                self._do(task)
            # A result does not wait for a suggestion that takes its time: what is in
            # this batch is told only once all of it is committed.
            if suggestions and not (batch and slow):
                started = time.monotonic()
                while suggestions and not (
                    slow := time.monotonic() - started > _BATCH_S
                ):
                    batch.append(suggestions.popleft())
                    self._do(batch[-1])
            self._settle(batch)

    def _collect(
        self, urgent: list[Task], suggestions: collections.deque[Task]
    ) -> bool:
        """Takes what has come in, waiting only if there is nothing to do.

        Returns:
            False if there is nothing to do and never will be.
        """
        while True:
            idle = not (urgent or suggestions or self._closed)
            try:
                task = self._inbox.get(block=idle)
            except queue.Empty:
                return bool(urgent or suggestions)
            if task is None:
                self._closed = True
            elif task.suggests:
                suggestions.append(task)
            else:
                urgent.append(task)

    def _do(self, task: Task) -> None:
        try:
            task.result = task.run()
        # What this thread raises would go unseen.
        except BaseException as error:  # noqa: BLE001
            task.error = error

    def _settle(self, batch: list[Task]) -> None:
        try:
            self._commit()
        except BaseException as error:  # noqa: BLE001
            for task in batch:
                task.result, task.error = None, error
        self._finished.extend(batch)
        self._writer.send(b"\0")


class OracleActions:
    """What the driver does with its oracle; only plain values come in and go out.

    It does in the oracle's thread what a tuner would do around its trials, too.

    Args:
        tuner: The tuner that the oracle is from.
        oracle: The study's oracle.
        study_seed: The study's seed.
        study_directory: Path or URI of the study.
        logs: Where trials print to.
    """

    def __init__(
        self,
        tuner: Any,
        oracle: DurableOracle,
        study_seed: int,
        study_directory: str,
        logs: Logs,
    ) -> None:
        self.oracle = oracle
        self._seed = study_seed
        self._cleaner = WeightsCleaner(tuner, oracle, study_directory)
        self._logs = logs

    def carry_out(self, order: Order) -> Any:
        """Does what the dispatcher has ordered; the order tells what is returned."""
        if isinstance(order, Suggest):
            return self._suggest(order.caller.worker_id)
        if isinstance(order, LookAhead):
            return self.oracle.look_ahead()
        if isinstance(order, EndTrial):
            self._hand_in(order.state)
            return self._state(order.state["trial_id"])
        if isinstance(order, PauseTrial):
            return self.oracle.pause_trial(order.trial_id)
        if isinstance(order, FailTrial):
            self.oracle.fail_trial(order.trial_id, self._last_words(order))
            return self._state(order.trial_id)
        if isinstance(order, GiveBack):
            print(
                f"Trial {order.trial_id} will be repeated: {order.reason}", flush=True
            )
            return self._give_back(order)
        if isinstance(order, Excuse):
            return self.oracle.excuse(order.trial_ids)
        return self._clean_up(order)

    def decide(self, epoch: events.EpochEnded, can_pause: bool) -> str:
        """What the oracle wants to become of a trial after an epoch: a `Decision`."""
        told = epoch.trial_id, epoch.fit, epoch.epoch
        return self.oracle.decide(*told, can_pause=can_pause).value

    def call(self, request: protocol.Request) -> Any:
        """Calls the method that a worker asks for, or reads an attribute ("getattr")."""
        args = codec.decode(request.args)
        if request.method == "getattr":
            return codec.encode(getattr(self.oracle, *args))
        if request.method == "update_trial":
            checked_epoch(0, 0, args[1])  # Metrics go into the journal.
        # What the durable oracle has beyond the user's is the driver's to call.
        own = hasattr(keras_tuner.Oracle, request.method)
        oracle = self.oracle if own else self.oracle._inner
        method = getattr(oracle, request.method)
        return codec.encode(method(*args, **codec.decode(dict(request.kwargs))))

    def fail_given_up(self) -> None:
        """Ends the trials that have taken the search down too often."""
        for trial_id, why in self.oracle.given_up().items():
            self.carry_out(FailTrial(trial_id, why))

    def search_ended(self) -> None:
        """Deletes what trials left whose workers died."""
        self._cleaner.search_ended()

    def _suggest(self, worker_id: str) -> Suggested:
        trial: codec.TrialState = codec.encode(self.oracle.create_trial(worker_id))
        if trial.state["status"] == _Status.RUNNING:
            trial_id = trial.state["trial_id"]
            self.oracle.note(trial_id, seed=seeding.trial_seed(self._seed, trial_id))
        return Suggested(trial, tuple(map(self._state, self.oracle.take_let_go())))

    def _hand_in(self, state: dict[str, Any]) -> None:
        """Ends a trial as its worker says; what it measured is known already."""
        trial = self.oracle.get_trial(state["trial_id"])
        # As in process, the oracle gets to see its own object.
        trial.status, trial.message = state["status"], state["message"]
        if trial.status in (_Status.INVALID, _Status.FAILED):
            trial.message = f"{trial.message}\n{self._logs.hint(trial.trial_id)}"
        config = codec.decode(state["hyperparameters"])
        if config != trial.hyperparameters.get_config():  # Else it takes half the time.
            trial.hyperparameters = keras_tuner.HyperParameters.from_config(config)
        self.oracle.end_trial(trial)

    def _last_words(self, order: FailTrial) -> str:
        """What there is to say about a trial whose worker can say nothing any more."""
        message = (
            f"Expected the trial to end. Received: {order.reason}. "
            f"{self._logs.hint(order.trial_id)}"
        )
        if last_lines := output.tail(self._logs.trial(order.trial_id)):
            message += f" Its last lines:\n{last_lines}"
        return message

    def _give_back(self, order: GiveBack) -> Any:
        tries = self.oracle.attempt_lost(
            order.trial_id,
            order.reason,
            out_of_memory=order.out_of_memory,
            excused=order.excused,
            interrupted=order.interrupted,
            last=order.last,
        )
        if why := self.oracle.given_up().get(order.trial_id):
            return self.carry_out(FailTrial(order.trial_id, why))
        return tries

    def _state(self, trial_id: str) -> dict[str, Any]:
        return codec.encode(self.oracle.get_trial(trial_id).get_state())  # type: ignore[no-any-return]

    def _clean_up(self, order: CleanUp) -> None:
        if order.was_paused:
            self._cleaner.let_go(order.trial_id)
        elif self.oracle.get_trial(order.trial_id).status in (
            _Status.COMPLETED,
            _Status.FAILED,
        ):
            self._cleaner.trial_ended(order.trial_id)


def no_more_trials() -> codec.TrialState:
    """What a worker gets that should leave."""
    space = keras_tuner.HyperParameters()
    nothing = trial_lib.Trial(space, "", _Status.STOPPED)
    return codec.encode(nothing)  # type: ignore[no-any-return]
