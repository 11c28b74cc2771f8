"""Who gets which trial: the state machine of a search in worker processes.

It is told what has happened and says what to do (see `instructions`); it never waits,
sends or reads a clock. All that decides about trials is here: each is ended or repeated
by this class alone, so each ends once; and a worker that asks for a trial is remembered
until there is one, so no worker asks twice.

The model is dask's `distributed/worker_state_machine.py`.
"""

import collections
from collections.abc import Mapping

from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.kerastuner import codec
from tuner_component.search.oracle import announcements
from tuner_component.search.oracle.failures import Tries
from tuner_component.search.parallel.driver import instructions as todo
from tuner_component.search.parallel.driver import states
from tuner_component.search.parallel.driver.instructions import Caller
from tuner_component.search.parallel.driver.states import Attempt
from tuner_component.search.parallel.driver.trials import Trials
from tuner_component.search.parallel.driver.waiting import Supply, WaitingLine

_Status = trial_lib.TrialStatus
_ENDS = (todo.EndTrial, todo.FailTrial, todo.GiveBack)

# So many workers in a row that die before they get to a trial end the search.
MAX_USELESS = 3


class Dispatcher:
    """Decides which worker gets which trial, and what becomes of it.

    Args:
        max_retries: How often a trial is repeated whose worker was lost. A trial that
            ran out of memory is repeated once, with the machine to itself.
        max_trials_per_worker: After so many a worker is dismissed, if not None.
        tries: What came of attempts in earlier runs, by trials that have not ended.
    """

    def __init__(
        self,
        max_retries: int,
        max_trials_per_worker: int | None,
        tries: Mapping[str, Tries],
    ) -> None:
        self._max_trials = max_trials_per_worker
        self._workers: dict[str, states.WorkerState] = {}
        self._line = WaitingLine()
        self._trials = Trials(max_retries, tries)
        # How many orders of each kind the oracle has not answered.
        self._orders: collections.Counter[type] = collections.Counter()
        self._useless = 0
        # The worker that checks the search, until it has found nothing; and the trials that
        # have failed meanwhile, by their workers.
        self._checker: str | None = None
        self._held: dict[str, todo.TrialHandedIn] = {}
        self._closed = False
        self._instructions: list[todo.Instruction] = []

    @property
    def running(self) -> list[Attempt]:
        """The attempts that workers are at."""
        return [w.attempt for w in self._workers.values() if w.attempt is not None]

    @property
    def over(self) -> bool:
        """Whether there is nothing left to hand out, nor to take back."""
        # First what is quick: this is asked all the time.
        if not (self._closed or self._line.supply is Supply.STOPPED):
            return False
        return not (self.running or self._orders.total())

    @property
    def wants_worker(self) -> bool:
        """Whether another worker would find something to do."""
        return not (self._closed or self._line or self._line.supply.is_dry)

    @property
    def deadline(self) -> float | None:
        """When to say `DeadlinePassed`, by the clock that `handle` is given."""
        if self._closed or self._line.supply is not Supply.IDLE:
            return None
        return self._line.deadline(bool(self.running))

    def runs(self, worker_id: str, trial_id: str) -> bool:
        """Whether a worker is at a trial."""
        attempt = self._workers[worker_id].attempt
        return attempt is not None and attempt.trial_id == trial_id

    def handle(self, stimulus: todo.Stimulus, now: float) -> list[todo.Instruction]:
        """Takes note of what has happened.

        Args:
            stimulus: What has happened.
            now: The time, in seconds, by a clock that never goes back.

        Returns:
            What to do about it, in this order.
        """
        self._instructions = []
        if isinstance(stimulus, todo.WorkerAdded):
            self._workers[stimulus.worker_id] = states.WorkerState()
            if stimulus.checks:
                self._checker = stimulus.worker_id
        elif isinstance(stimulus, todo.TrialWanted):
            self._trial_wanted(stimulus.caller)
        elif isinstance(stimulus, todo.TrialHandedIn):
            if not self._holds(stimulus):
                self._trial_handed_in(stimulus)
        elif isinstance(stimulus, todo.TrialPaused):
            self._trial_paused(stimulus)
        elif isinstance(stimulus, todo.WorkerGone):
            self._worker_gone(stimulus)
        elif isinstance(stimulus, todo.OracleAnswered):
            self._oracle_answered(stimulus, now)
        elif isinstance(stimulus, todo.Steered):
            self._line.reopen()
        elif isinstance(stimulus, todo.Resized):
            self._resized(stimulus.surplus)
        elif isinstance(stimulus, todo.Closed):
            self._close()
        self._serve_waiting(now)
        return self._instructions

    # What has happened to workers.

    def _trial_wanted(self, caller: Caller) -> None:
        worker = self._workers[caller.worker_id]
        if caller.worker_id == self._checker:
            self._checked()
        if worker.asks is not None:
            self._answer(caller, error=states.asks_again())
            return
        if worker.attempt is not None:
            self._answer(caller, worker.trial)  # As KerasTuner's oracle does.
            return
        self._clean_up_after(worker)
        if worker.surplus:
            self._do(todo.Dismiss(caller))
            return
        worker.asks = caller
        self._line.join(caller)

    def _resized(self, surplus: frozenset[str]) -> None:
        for worker_id, worker in self._workers.items():
            worker.surplus = worker_id in surplus
            # One that waits for an answer of the oracle will have a trial perhaps.
            if worker.surplus and worker.asks and self._line.waits(worker_id):
                self._line.leave(worker_id)
                self._answer_request(todo.Dismiss(worker.asks))

    def _holds(self, told: todo.TrialHandedIn) -> bool:
        """Holds a failure back while it is not known whether all trials will fail.

        If they will, the check says why, and the search ends with that alone. Each worker
        has one such failure and waits, so no more trials fail for the same reason.
        """
        if self._checker is None or told.state["status"] == _Status.COMPLETED:
            return False
        self._held[told.caller.worker_id] = told
        return True

    def _checked(self) -> None:
        """There is nothing more to learn from the check."""
        self._checker = None
        for worker_id in list(self._held):
            self._let_go(worker_id)

    def _let_go(self, worker_id: str) -> None:
        if told := self._held.pop(worker_id, None):
            self._trial_handed_in(told)

    def _close(self) -> None:
        self._checked()
        self._closed = True
        if running := tuple(attempt.trial_id for attempt in self.running):
            self._order(todo.Excuse(running))

    def _trial_handed_in(self, told: todo.TrialHandedIn) -> None:
        caller, state = told.caller, told.state
        worker = self._workers[caller.worker_id]
        attempt = self._take_from(caller, state["trial_id"])
        if attempt is None:
            return
        # One that had the machine to itself has failed: there is no more memory for it.
        if told.out_of_memory and not attempt.alone:
            worker.retiring = True  # What it could not free stays with its process.
            reason = f"a trial that ran out of memory:\n{state['message']}"
            self._lose(attempt, todo.WorkerGone(caller.worker_id, reason, True))
            self._answer(caller, _Status.RUNNING)
        else:
            worker.handed_in = attempt.trial_id
            self._order(todo.EndTrial(caller, state, told.then))
        if told.then is not None:
            self._trial_wanted(told.then)

    def _trial_paused(self, told: todo.TrialPaused) -> None:
        if self._take_from(told.caller, told.trial_id):
            self._order(todo.PauseTrial(told.caller, told.trial_id))

    def _take_from(self, caller: Caller, trial_id: str) -> Attempt | None:
        """Takes its trial from a worker; None if it has another one, or none."""
        worker = self._workers[caller.worker_id]
        attempt = worker.attempt
        if attempt is None or attempt.trial_id != trial_id:
            self._answer(caller, error=states.not_its_own(attempt, trial_id))
            return None
        worker.attempt = None
        return attempt

    def _worker_gone(self, gone: todo.WorkerGone) -> None:
        if gone.worker_id == self._checker:
            self._checked()
        self._let_go(gone.worker_id)  # Its trial had failed before it was gone.
        worker = self._workers.pop(gone.worker_id)
        self._line.leave(gone.worker_id)
        self._clean_up_after(worker)
        # Once closed, the next run starts with the trial that it had: this end was not
        # the trial's fault, and must not count against it.
        if worker.attempt is not None and not self._closed:
            self._lose(worker.attempt, gone)
        if worker.trials or worker.surplus or gone.excused:
            self._useless = 0
        elif not self._closed:
            self._useless += 1
            if self._useless >= MAX_USELESS:
                self._do(todo.GiveUp(gone.worker_id, gone.reason, self._useless))

    def _clean_up_after(self, worker: states.WorkerState) -> None:
        """A worker has no more use for the trial that it handed in last.

        Not earlier: the tuner's `on_trial_end` may still read the trial's files.
        """
        if worker.handed_in is not None:
            self._order(todo.CleanUp(worker.handed_in))
            worker.handed_in = None

    # What becomes of a trial.

    def _lose(self, attempt: Attempt, gone: todo.WorkerGone) -> None:
        order = self._trials.lose(attempt, gone)
        if isinstance(order, todo.GiveBack):
            self._give_back(order)
        else:
            self._order(order)

    def _give_back(self, order: todo.GiveBack) -> None:
        self._do(todo.Tell(events.AttemptLost(order.trial_id, order.reason)))
        self._order(order)

    def _start(
        self,
        caller: Caller,
        worker: states.WorkerState,
        suggested: todo.Suggested,
        now: float,
    ) -> None:
        """A worker gets a trial."""
        trial, confirms = suggested.trial, suggested.confirms
        trial_id = trial.state["trial_id"]
        worker.attempt = self._trials.start(trial_id, caller.worker_id, now)
        worker.trial = trial
        worker.trials += 1
        self._answer_request(todo.Answer(caller, trial))
        values = trial.state["hyperparameters"]["values"]
        told = (trial_id, caller.worker_id, values, confirms)
        self._do(todo.Tell(events.TrialStarted(*told)))
        # A worker that is alone would only learn less from the results before.
        if len(self._workers) > 1:
            self._order(todo.LookAhead())

    # What the oracle says.

    def _oracle_answered(self, answer: todo.OracleAnswered, now: float) -> None:
        order, error = answer.order, answer.error
        self._orders[type(order)] -= 1
        if isinstance(order, todo.Suggest):
            self._suggested(order.caller, answer.value, error, now)
            return
        if isinstance(order, todo.LookAhead):
            if answer.value:  # None after an error: the next suggestion runs into it.
                self._line.reopen()
            return
        if isinstance(order, todo.PauseTrial):
            self._answer(order.caller, None, error)
            if error is None:
                epochs, tries = answer.value
                self._trials.paused(order.trial_id, tries)
                self._do(todo.Tell(events.TrialPaused(order.trial_id, epochs)))
        elif isinstance(order, todo.EndTrial):
            status = None if error is not None else answer.value["status"]
            self._answer(order.caller, status, error)
            if error is not None:
                self._withdraw(order.then)
        elif error is not None:
            self._do(todo.Raise(error))
        if isinstance(order, todo.GiveBack) and isinstance(answer.value, Tries):
            self._trials.taken_back(order.trial_id, answer.value)
        elif isinstance(order, _ENDS) and error is None:
            # Or the user's oracle wants it to be run again.
            if answer.value["status"] in (_Status.COMPLETED, _Status.FAILED):
                self._trials.end(answer.value["trial_id"])
            self._do(todo.Tell(announcements.outcome(answer.value)))
        if not isinstance(order, todo.CleanUp):
            self._line.reopen()

    def _suggested(
        self,
        caller: Caller,
        suggested: todo.Suggested,
        error: BaseException | None,
        now: float,
    ) -> None:
        worker = self._asking(caller)
        if error is not None:
            self._answer_request(todo.Answer(caller, None, error))
            return
        for state in suggested.ended:
            self._trials.end(state["trial_id"])
            self._do(todo.Tell(announcements.outcome(state)))
            self._order(todo.CleanUp(state["trial_id"], was_paused=True))
        trial = suggested.trial
        status, trial_id = trial.state["status"], trial.state["trial_id"]
        if status != _Status.RUNNING:
            self._line.found_none(status, now, caller if worker is not None else None)
            return
        self._line.found_one()
        if self._closed:
            self._order(todo.Excuse((trial_id,)))  # The next run starts with it.
            self._answer_request(todo.Dismiss(caller))
        elif worker is None:
            reason = "its worker did not get as far as starting it"
            self._give_back(todo.GiveBack(trial_id, reason, excused=True))
        else:
            self._start(caller, worker, suggested, now)

    def _serve_waiting(self, now: float) -> None:
        """Gives those who wait what there is."""
        if self.deadline is not None and now >= self.deadline:
            self._line.reopen()
        while self._line:
            if self._closed or self._is_due(self._workers[self._line.first.worker_id]):
                self._answer_request(todo.Dismiss(self._line.serve()))
            elif self._may_suggest:
                self._order(todo.Suggest(self._line.serve()))
            else:
                break

    def _is_due(self, worker: states.WorkerState) -> bool:
        """Whether a worker should make room for a fresh one, which will have a trial."""
        if self._line.supply.is_dry:
            return False
        full = self._max_trials is not None and worker.trials >= self._max_trials
        return worker.retiring or full

    @property
    def _may_suggest(self) -> bool:
        """Whether one more trial may be asked for now."""
        if self._line.supply.is_dry:
            return False
        suggesting = self._orders[todo.Suggest]
        if self._trials.one_at_a_time:
            return not (self.running or suggesting)
        return self._line.supply is Supply.OPEN or not suggesting

    def _answer_request(self, answer: todo.Answer | todo.Dismiss) -> None:
        """Answers a worker that has asked for a trial, if it still waits for that."""
        if worker := self._asking(answer.caller):
            worker.asks = None
            self._do(answer)

    def _asking(self, caller: Caller) -> states.WorkerState | None:
        """The worker, if it waits for the answer to this request for a trial."""
        worker = self._workers.get(caller.worker_id)
        return worker if worker is not None and worker.asks == caller else None

    def _withdraw(self, caller: Caller | None) -> None:
        """A worker does not wait any more for the trial that it has asked for."""
        if caller is not None and (worker := self._asking(caller)):
            worker.asks = None
            self._line.leave(caller.worker_id)

    def _answer(
        self,
        caller: Caller,
        value: codec.TrialState | str | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Answers a worker, unless it is gone."""
        if caller.worker_id in self._workers:
            self._do(todo.Answer(caller, value, error))

    def _order(self, order: todo.Order) -> None:
        self._orders[type(order)] += 1
        self._do(order)

    def _do(self, instruction: todo.Instruction) -> None:
        self._instructions.append(instruction)
