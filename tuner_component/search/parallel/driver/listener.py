"""What workers say, and who sees to it.

Trials are the dispatcher's, and all else that is asked of the oracle goes to its thread;
but epochs are seen to at once.
"""

import logging
from collections.abc import Callable
from typing import Any

from tuner_component.search import events
from tuner_component.search.epochs import Decision
from tuner_component.search.errors import SearchError, UserCodeError
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.driver import instructions as todo
from tuner_component.search.parallel.driver import oracle_actions, oracle_thread
from tuner_component.search.parallel.driver.workers import Worker, Workers
from tuner_component.search.parallel.engine import BadMessageError

# Messages of a worker that are dealt with before others get their turn.
_AT_A_TIME = 100


class Listener:
    """Listens to workers; nothing that one says may end the driver.

    Args:
        workers: Those who speak, and get answers.
        thread: Where the oracle is asked.
        actions: What is asked of it there.
        handle: Told what has happened to trials.
        runs: Whether a worker is at a trial.

    Attributes:
        culprit: The worker in which the user's code raised outside of a trial.
    """

    def __init__(
        self,
        workers: Workers,
        thread: oracle_thread.OracleThread,
        actions: oracle_actions.OracleActions,
        handle: Callable[[todo.Stimulus], None],
        runs: Callable[[str, str], bool],
    ) -> None:
        self.culprit: str | None = None
        self._workers = workers
        self._oracle_thread = thread
        self._actions = actions
        self._handle = handle
        self._runs = runs

    def hear(self, worker: Worker, *, at_most: int | None = _AT_A_TIME) -> None:
        """Listens to a worker; one that says what no worker does is ended.

        Args:
            worker: The worker.
            at_most: How many messages to see to; None for all of one that has exited.

        Raises:
            UserCodeError: If the user's code has raised outside of a trial.
        """
        try:
            for message in worker.receive(at_most):
                self._see_to(worker, message)
        except BadMessageError as error:
            self._workers.kill(worker, f"a worker that {error}")

    def _see_to(self, worker: Worker, message: Any) -> None:
        """Sees to what a worker has said."""
        if isinstance(message, protocol.Request):
            self._see_to_request(worker, message)
        elif isinstance(message, events.EpochEnded):
            try:
                if self._epoch_ended(worker, message) is Decision.STOP:
                    # It was not asked, as nobody wanted to end it when it began.
                    self._workers.send(worker, protocol.Ask())
            except Exception as error:
                raise BadMessageError(f"reported no epoch: {error}") from error
        elif isinstance(message, protocol.Logged):
            logging.getLogger(message.logger).log(message.level, "%s", message.text)
        elif isinstance(message, protocol.Crashed):
            self.culprit = worker.worker_id
            raise UserCodeError(message.error)

    def _see_to_request(self, worker: Worker, request: protocol.Request) -> None:
        """Sees to what a worker asks of the oracle."""
        caller = todo.Caller(worker.worker_id, request.request_id)
        if request.method == "create_trial":
            self._handle(todo.TrialWanted(caller))
        elif request.method == "end_trial":
            state = request.args[0].state
            ran_out = bool(request.kwargs.get("out_of_memory"))
            then = request.kwargs.get("then")
            wants = None if then is None else todo.Caller(worker.worker_id, then)
            self._handle(todo.TrialHandedIn(caller, state, ran_out, wants))
        elif request.method == "report_epoch":
            self._answer_epoch(worker, caller, request)
        elif request.method == "pause_trial":
            trial_id = request.args[0]
            if not self._actions.oracle.epochs.may_pause(trial_id):
                raise BadMessageError("paused a trial, and was not told to")
            self._handle(todo.TrialPaused(caller, trial_id))
        else:
            self._in_oracle_thread(caller, lambda: self._actions.call(request))

    def _in_oracle_thread(self, caller: todo.Caller, run: Callable[[], Any]) -> None:
        def done(value: Any, error: BaseException | None) -> None:
            self._workers.answer(caller, value, error)

        self._oracle_thread.submit(oracle_thread.Task(run, done))

    def _answer_epoch(
        self, worker: Worker, caller: todo.Caller, request: protocol.Request
    ) -> None:
        """Answers a trial what becomes of it.

        Not in the oracle's thread, which may be thinking for seconds, unless it is the
        oracle that has to decide.
        """
        try:
            told = events.EpochEnded(*request.args)
            decided = request.kwargs.get("decided", False)
            decision = self._epoch_ended(worker, told, decided)
        except SearchError:
            raise
        except Exception as error:  # noqa: BLE001 - the trial's, not the driver's
            self._workers.answer(caller, error=error)
            return
        if decision is not None:
            self._workers.answer(caller, decision.value)
            return
        can_pause = request.kwargs.get("can_pause", False)
        self._in_oracle_thread(caller, lambda: self._actions.decide(told, can_pause))

    def _epoch_ended(
        self, worker: Worker, told: events.EpochEnded, decided: bool = True
    ) -> Decision | None:
        """Takes down how a worker's trial goes.

        Returns:
            What becomes of it; None if the oracle has to decide.
        """
        if not self._runs(worker.worker_id, told.trial_id):
            return Decision.GO_ON
        return self._actions.oracle.report_epoch(
            told.trial_id, told.fit, told.epoch, told.metrics, decided=decided
        )
