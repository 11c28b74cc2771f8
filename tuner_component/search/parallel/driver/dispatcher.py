"""Where workers get their trials and hand them in.

Every wish for a trial is kept here until there is one, so that no worker ever asks
twice; and no trial is ended or repeated but through here, so that each ends once.
"""

import collections
import time
from collections.abc import Callable
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.machine import memory, output
from tuner_component.search.oracle import announcements, codec
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.driver import oracle_tasks, oracle_thread
from tuner_component.search.parallel.driver.attempts import Attempt, Attempts
from tuner_component.search.parallel.driver.workers import Worker, Workers
from tuner_component.search.parallel.logs import Logs
from tuner_component.search.stopping import curves

# An oracle that has nothing to give although nothing is running is asked again.
_ASK_AGAIN_S = 1.0
_ENDED = (trial_lib.TrialStatus.COMPLETED, trial_lib.TrialStatus.FAILED)
_FAILED = (trial_lib.TrialStatus.INVALID, trial_lib.TrialStatus.FAILED)

Wish = tuple[Worker, protocol.Request]


def _nobody_asks(status: str | None, error: BaseException | None) -> None:
    """Where an answer would go."""


class Dispatcher:
    """Hands out trials and takes them back.

    Args:
        keeper: The thread that works on the study's oracle.
        workers: Those who come here.
        attempts: Takes down who has which trial.
        logs: Where trials print to.
        book: Takes down what trials report after each epoch.
        max_trials_per_worker: After so many a worker is sent away, if not None.
        observer: Told what becomes of trials.
        begun: Called with the id of every trial that is handed out.
        left: Called with the id of every trial that has ended and that its worker is
            done with. This one and the one before are called in the oracle's thread.
    """

    def __init__(
        self,
        keeper: oracle_thread.OracleThread,
        workers: Workers,
        attempts: Attempts,
        logs: Logs,
        book: curves.EpochBook,
        max_trials_per_worker: int | None,
        observer: events.Observer,
        begun: Callable[[str], None],
        left: Callable[[str], None],
    ) -> None:
        self._keeper = keeper
        self._workers = workers
        self._attempts = attempts
        self._logs = logs
        self._book = book
        self._max_trials = max_trials_per_worker
        self._observer = observer
        self._begun = begun
        self._left = left
        self._handed_in: dict[str, str] = {}
        self._wishes: collections.deque[Wish] = collections.deque()
        self._suggesting = 0
        # What the oracle said when it last had no trial: IDLE or STOPPED.
        self._dry: str | None = None
        self._was_dry = False
        self._ask_again = 0.0
        self._closed = False

    @property
    def over(self) -> bool:
        """Whether there is nothing left to hand out, nor to take back."""
        if self._attempts.running or self._keeper.busy:
            return False
        return self._closed or self._dry == trial_lib.TrialStatus.STOPPED

    @property
    def shorthanded(self) -> bool:
        """Whether another worker would find something to do."""
        return not (self._closed or self._dry or self._wishes)

    @property
    def deadline(self) -> float | None:
        """When `hand_out` should be called although nothing has happened."""
        idle = self._dry == trial_lib.TrialStatus.IDLE
        return self._ask_again if idle and self._wishes else None

    def close(self) -> None:
        """Has no more trials for anybody; those that are running may be handed in."""
        self._closed = True
        self.hand_out()

    def request(self, worker: Worker, request: protocol.Request) -> None:
        """Sees to what a worker asks of the oracle."""
        if request.method == "create_trial":
            self._leave(worker)
            self._wishes.append((worker, request))
            self.hand_out()
        elif request.method == "end_trial":
            self._take(worker, request)
        elif request.method == "report_epoch":
            # Not a thing of the oracle, which may be thinking for seconds.
            told = events.EpochEnded(*request.args)
            self._workers.answer(worker, request, self.epoch_ended(worker, told))
        else:
            self._forward(worker, request)

    def epoch_ended(self, worker: Worker, told: events.EpochEnded) -> bool:
        """Takes down how a worker's trial goes; returns whether it should stop."""
        attempt = self._attempts.of_worker(worker.worker_id)
        if attempt is None or attempt.trial_id != told.trial_id:
            return False
        return self._book.report(told.trial_id, told.fit, told.epoch, told.metrics)

    def forget(self, worker: Worker) -> None:
        """Drops the wishes of a worker that is gone."""
        self._leave(worker)
        self._wishes = collections.deque(w for w in self._wishes if w[0] is not worker)

    def lost(self, attempt: Attempt, reason: str, out_of_memory: bool) -> None:
        """Takes note that a worker is gone that had a trial."""
        if self._closed:
            # The next run begins with it; this end was not the trial's fault.
            self._attempts.end(attempt.trial_id)
            return
        self._lose(attempt, reason, out_of_memory)

    def hand_out(self) -> None:
        """Gives those who wait what there is."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            self._dry = None
        while self._wishes:
            worker, request = self._wishes[0]
            if self._closed or self._is_due(worker):
                self._wishes.popleft()
                self._dismiss(worker, request)
                continue
            if self._dry or not self._may_hand_out():
                break
            self._wishes.popleft()
            self._order(worker, request)

    def _may_hand_out(self) -> bool:
        """Whether one more trial may run now."""
        if self._attempts.one_at_a_time:
            return not (self._attempts.running or self._suggesting)
        # An oracle that had none before is asked for one first.
        return not (self._was_dry and self._suggesting)

    def _leave(self, worker: Worker) -> None:
        """A worker has no more use for the trial that it handed in last."""
        trial_id = self._handed_in.pop(worker.worker_id, None)
        if trial_id is None:
            return

        def run(oracle: Any) -> None:
            if oracle_tasks.state_of(oracle, trial_id)["status"] in _ENDED:
                self._left(trial_id)

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None:
                raise error

        self._keeper.submit(oracle_thread.Task(run, done))

    def _is_due(self, worker: Worker) -> bool:
        """Whether a worker should make room for a fresh one."""
        if self._dry:
            return False
        full = self._max_trials is not None and worker.trials >= self._max_trials
        return worker.retiring or full

    def _dismiss(self, worker: Worker, request: protocol.Request) -> None:
        worker.dismissed = True
        self._workers.answer(worker, request, oracle_tasks.no_more_trials())

    def _order(self, worker: Worker, request: protocol.Request) -> None:
        """Has a trial found for a worker."""

        def run(oracle: Any) -> Any:
            trial = oracle_tasks.suggest(oracle, worker.worker_id)
            if trial.state["status"] == trial_lib.TrialStatus.RUNNING:
                self._begun(trial.state["trial_id"])
            return trial

        def done(trial: codec.TrialState, error: BaseException | None) -> None:
            self._suggesting -= 1
            if error is not None:
                self._workers.answer(worker, request, error=error)
            else:
                self._give(worker, request, trial)
            self.hand_out()

        self._suggesting += 1
        self._keeper.submit(oracle_thread.Task(run, done, suggests=True))

    def _give(
        self,
        worker: Worker,
        request: protocol.Request,
        trial: codec.TrialState,
    ) -> None:
        trial_id, status = trial.state["trial_id"], trial.state["status"]
        if status != trial_lib.TrialStatus.RUNNING:
            self._dry, self._was_dry = status, True
            self._ask_again = time.monotonic() + _ASK_AGAIN_S
            self._wishes.appendleft((worker, request))
            return
        self._was_dry = False
        if self._closed:
            self._dismiss(worker, request)  # The next run begins with the trial.
            return
        if self._workers.get(worker.worker_id) is None:
            self._return(trial_id, "its worker was gone before it began")
            return
        self._attempts.begin(trial_id, worker.worker_id, time.monotonic())
        worker.trials += 1
        self._workers.answer(worker, request, trial)
        values = trial.state["hyperparameters"]["values"]
        self._observer(events.TrialBegun(trial_id, worker.worker_id, values))
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Has a trial wait for the next worker that is idle while this one runs.

        A worker that is alone would only learn less from the results before. An error
        is the next wish's to run into.
        """
        if len(self._workers.workers) < 2:
            return

        def done(waits: bool, error: BaseException | None) -> None:
            if waits:
                self._dry = None
                self.hand_out()

        self._keeper.submit(
            oracle_thread.Task(lambda oracle: oracle.look_ahead(), done, suggests=True)
        )

    def _take(self, worker: Worker, request: protocol.Request) -> None:
        state = dict(request.args[0].state)
        attempt = self._attempts.of_worker(worker.worker_id)
        if attempt is None or attempt.trial_id != state["trial_id"]:
            mine = "none" if attempt is None else attempt.trial_id
            error = ValueError(
                f"Expected the worker's own trial ({mine}) to be ended. Received: "
                f"{state['trial_id']}. End a trial once, in the process that runs it."
            )
            self._workers.answer(worker, request, error=error)
            return
        if state["status"] in _FAILED:
            if memory.ran_out(state["message"]) and not attempt.alone:
                # What it could not free stays with this process.
                worker.retiring = True
                reason = f"a trial that ran out of memory:\n{state['message']}"
                self._lose(attempt, reason, out_of_memory=True)
                self._workers.answer(worker, request, trial_lib.TrialStatus.RUNNING)
                return
            hint = self._logs.hint(attempt.trial_id)
            state["message"] = f"{state['message']}\n{hint}"
        self._attempts.end(attempt.trial_id)
        self._handed_in[worker.worker_id] = attempt.trial_id
        self._end(
            attempt.trial_id,
            lambda oracle: oracle_tasks.hand_in(oracle, state),
            lambda status, error: self._workers.answer(worker, request, status, error),
        )

    def _lose(self, attempt: Attempt, reason: str, out_of_memory: bool) -> None:
        if self._attempts.lose(attempt.trial_id, out_of_memory):
            self._return(attempt.trial_id, reason)
            return
        message = (
            f"Expected the trial to end. Received: {reason}, at attempt "
            f"{attempt.number}. {self._logs.hint(attempt.trial_id)}"
        )
        if last_lines := output.tail(self._logs.trial(attempt.trial_id)):
            message += f" Its last lines:\n{last_lines}"
        self._end(
            attempt.trial_id,
            lambda oracle: oracle.fail_trial(attempt.trial_id, message),
        )

    def _return(self, trial_id: str, reason: str) -> None:
        """Gives a trial back to the oracle, for another worker."""
        print(f"Trial {trial_id} will be repeated: {reason}", flush=True)
        self._observer(events.AttemptLost(trial_id, reason))

        def done(result: Any, error: BaseException | None) -> None:
            self._dry = None
            self.hand_out()

        self._keeper.submit(
            oracle_thread.Task(
                lambda oracle: oracle.attempt_lost(trial_id, reason), done
            )
        )

    def _end(
        self,
        trial_id: str,
        end: Callable[[Any], None],
        answer: Callable[[str | None, BaseException | None], None] = _nobody_asks,
    ) -> None:
        """Has the oracle end a trial, and tells those who want to know."""

        def run(oracle: Any) -> Any:
            end(oracle)
            return oracle_tasks.state_of(oracle, trial_id)

        def done(state: dict[str, Any], error: BaseException | None) -> None:
            answer(None if error else state["status"], error)
            if error is None:
                self._observer(announcements.outcome(state))
            self._dry = None
            self.hand_out()

        self._keeper.submit(oracle_thread.Task(run, done))

    def _forward(self, worker: Worker, request: protocol.Request) -> None:
        def done(value: Any, error: BaseException | None) -> None:
            self._workers.answer(worker, request, value, error)

        self._keeper.submit(
            oracle_thread.Task(lambda oracle: oracle_tasks.call(oracle, request), done)
        )
