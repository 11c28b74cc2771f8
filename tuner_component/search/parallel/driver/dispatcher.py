"""Who gets which trial: the state machine of a search in worker processes.

It is told what has happened and says what to do (see `instructions`); it never waits,
sends or reads a clock. All that decides about trials is here: each is ended or repeated
by this class alone, so each ends once; and a worker that asks for a trial is remembered
until there is one, so no worker asks twice.

The model is dask's `distributed/worker_state_machine.py`.
"""

import collections

from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.oracle import announcements, codec
from tuner_component.search.parallel.driver import states
from tuner_component.search.parallel.driver.instructions import (
    Answer,
    Caller,
    CleanUp,
    Closed,
    Dismiss,
    EndTrial,
    FailTrial,
    GiveBack,
    GiveUp,
    Instruction,
    LookAhead,
    OracleAnswered,
    Order,
    Raise,
    Stimulus,
    Suggest,
    Tell,
    TrialHandedIn,
    TrialWanted,
    WorkerAdded,
    WorkerGone,
)
from tuner_component.search.parallel.driver.states import Attempt, Supply

_Status = trial_lib.TrialStatus

# An oracle that has nothing to give although nothing is running is asked again.
ASK_AGAIN_S = 1.0
# So many workers in a row that die before they get to a trial end the search.
MAX_USELESS = 3


class Dispatcher:
    """Decides which worker gets which trial, and what becomes of it.

    Args:
        max_retries: How often a trial is repeated whose worker was lost. A trial that
            ran out of memory is repeated once, with the machine to itself.
        max_trials_per_worker: After so many a worker is dismissed, if not None.
    """

    def __init__(self, max_retries: int, max_trials_per_worker: int | None) -> None:
        self._max_retries = max_retries
        self._max_trials = max_trials_per_worker
        self._workers: dict[str, states.WorkerState] = {}
        # Those that ask for a trial and have none yet, in the order in which they asked.
        self._waiting: collections.deque[Caller] = collections.deque()
        # Trials that were started and have not ended.
        self._trials: dict[str, states.Tries] = {}
        self._supply = Supply.OPEN
        self._ask_again = 0.0
        # How many orders of each kind the oracle has not answered.
        self._orders: collections.Counter[type] = collections.Counter()
        self._useless = 0
        self._closed = False
        self._instructions: list[Instruction] = []

    @property
    def running(self) -> list[Attempt]:
        """The attempts that workers are at."""
        return [w.attempt for w in self._workers.values() if w.attempt is not None]

    @property
    def over(self) -> bool:
        """Whether there is nothing left to hand out, nor to take back."""
        if self.running or self._orders.total():
            return False
        return self._closed or self._supply is Supply.STOPPED

    @property
    def wants_worker(self) -> bool:
        """Whether another worker would find something to do."""
        return not (self._closed or self._waiting or self._supply.is_dry)

    @property
    def deadline(self) -> float | None:
        """When to say `DeadlinePassed`, by the clock that `handle` is given."""
        if self._closed or self._supply is not Supply.IDLE:
            return None
        # While trials run, one that ends will change the answer. With nothing running
        # no worker may be waiting either: the last one may just have died.
        return self._ask_again if self._waiting or not self.running else None

    def runs(self, worker_id: str, trial_id: str) -> bool:
        """Whether a worker is at a trial."""
        attempt = self._workers[worker_id].attempt
        return attempt is not None and attempt.trial_id == trial_id

    def handle(self, stimulus: Stimulus, now: float) -> list[Instruction]:
        """Takes note of what has happened.

        Args:
            stimulus: What has happened.
            now: The time, in seconds, by a clock that never goes back.

        Returns:
            What to do about it, in this order.
        """
        self._instructions = []
        if isinstance(stimulus, WorkerAdded):
            self._workers[stimulus.worker_id] = states.WorkerState()
        elif isinstance(stimulus, TrialWanted):
            self._trial_wanted(stimulus.caller)
        elif isinstance(stimulus, TrialHandedIn):
            self._trial_handed_in(stimulus)
        elif isinstance(stimulus, WorkerGone):
            self._worker_gone(stimulus)
        elif isinstance(stimulus, OracleAnswered):
            self._oracle_answered(stimulus, now)
        elif isinstance(stimulus, Closed):
            self._closed = True
        self._serve_waiting(now)
        return self._instructions

    # What has happened to workers.

    def _trial_wanted(self, caller: Caller) -> None:
        self._clean_up_after(self._workers[caller.worker_id])
        self._waiting.append(caller)

    def _trial_handed_in(self, told: TrialHandedIn) -> None:
        caller, state = told.caller, told.state
        worker = self._workers[caller.worker_id]
        attempt = worker.attempt
        if attempt is None or attempt.trial_id != state["trial_id"]:
            mine = "none" if attempt is None else attempt.trial_id
            error = ValueError(
                f"Expected the worker's own trial ({mine}) to be ended. Received: "
                f"{state['trial_id']}. End a trial once, in the process that runs it."
            )
            self._answer(caller, error=error)
            return
        worker.attempt = None
        # One that had the machine to itself has failed: there is no more memory for it.
        if told.out_of_memory and not attempt.alone:
            worker.retiring = True  # What it could not free stays with its process.
            reason = f"a trial that ran out of memory:\n{state['message']}"
            self._repeat_or_fail(attempt, reason, out_of_memory=True)
            self._answer(caller, _Status.RUNNING)
            return
        worker.handed_in = attempt.trial_id
        self._order(EndTrial(caller, state))

    def _worker_gone(self, gone: WorkerGone) -> None:
        worker = self._workers.pop(gone.worker_id)
        self._waiting = collections.deque(
            caller for caller in self._waiting if caller.worker_id != gone.worker_id
        )
        self._clean_up_after(worker)
        # Once closed, the next run starts with the trial that it had: this end was not
        # the trial's fault, and must not count against it.
        if worker.attempt is not None and not self._closed:
            self._repeat_or_fail(worker.attempt, gone.reason, gone.out_of_memory)
        if worker.trials:
            self._useless = 0
        elif not self._closed:
            self._useless += 1
            if self._useless >= MAX_USELESS:
                self._do(GiveUp(gone.worker_id, gone.reason, self._useless))

    def _clean_up_after(self, worker: states.WorkerState) -> None:
        """A worker has no more use for the trial that it handed in last.

        Not earlier: the tuner's `on_trial_end` may still read the trial's files.
        """
        if worker.handed_in is not None:
            self._order(CleanUp(worker.handed_in))
            worker.handed_in = None

    # What becomes of a trial.

    def _repeat_or_fail(
        self, attempt: Attempt, reason: str, out_of_memory: bool
    ) -> None:
        """Decides about a trial whose attempt was lost: the only place where it is done.

        A trial that raises is not lost: it is handed in, and has failed.
        """
        trial = self._trials[attempt.trial_id]
        if out_of_memory:
            # Whatever `max_retries` says: what ran beside it may have taken the memory.
            again = not trial.ran_out
            trial.ran_out = True
        else:
            trial.lost += 1
            again = trial.lost <= self._max_retries
        if again:
            self._give_back(attempt.trial_id, reason)
        else:
            reason = f"{reason}, at attempt {attempt.number}"
            self._order(FailTrial(attempt.trial_id, reason))

    def _give_back(self, trial_id: str, reason: str) -> None:
        self._do(Tell(events.AttemptLost(trial_id, reason)))
        self._order(GiveBack(trial_id, reason))

    def _start(
        self,
        caller: Caller,
        worker: states.WorkerState,
        trial: codec.TrialState,
        now: float,
    ) -> None:
        """A worker gets a trial."""
        trial_id = trial.state["trial_id"]
        tries = self._trials.setdefault(trial_id, states.Tries())
        worker.attempt = tries.start(trial_id, caller.worker_id, now)
        worker.trials += 1
        self._answer(caller, trial)
        values = trial.state["hyperparameters"]["values"]
        self._do(Tell(events.TrialStarted(trial_id, caller.worker_id, values)))
        # A worker that is alone would only learn less from the results before.
        if len(self._workers) > 1:
            self._order(LookAhead())

    # What the oracle says.

    def _oracle_answered(self, answer: OracleAnswered, now: float) -> None:
        order, error = answer.order, answer.error
        self._orders[type(order)] -= 1
        if isinstance(order, Suggest):
            self._suggested(order.caller, answer.value, error, now)
            return
        if isinstance(order, LookAhead):
            if answer.value:  # None after an error: the next suggestion runs into it.
                self._reopen()
            return
        if isinstance(order, EndTrial):
            status = None if error is not None else answer.value["status"]
            self._answer(order.caller, status, error)
        elif error is not None:
            self._do(Raise(error))
        if isinstance(order, (EndTrial, FailTrial)) and error is None:
            # Otherwise the user's oracle wants it to be run again.
            if answer.value["status"] in (_Status.COMPLETED, _Status.FAILED):
                self._trials.pop(answer.value["trial_id"], None)
            self._do(Tell(announcements.outcome(answer.value)))
        if not isinstance(order, CleanUp):
            self._reopen()

    def _suggested(
        self,
        caller: Caller,
        trial: codec.TrialState,
        error: BaseException | None,
        now: float,
    ) -> None:
        worker = self._workers.get(caller.worker_id)
        if error is not None:
            self._answer(caller, error=error)
            return
        status = trial.state["status"]
        if status != _Status.RUNNING:
            self._supply = Supply.none(status)
            self._ask_again = now + ASK_AGAIN_S
            if worker is not None:
                self._waiting.appendleft(caller)
            return
        self._supply = Supply.OPEN
        if self._closed:
            self._dismiss(caller)  # The next run starts with the trial.
        elif worker is None:
            reason = "its worker was gone before it started"
            self._give_back(trial.state["trial_id"], reason)
        else:
            self._start(caller, worker, trial, now)

    def _reopen(self) -> None:
        """Something has happened after which the oracle may have a trial."""
        if self._supply.is_dry:
            self._supply = Supply.UNSURE

    def _serve_waiting(self, now: float) -> None:
        """Gives those who wait what there is."""
        if self.deadline is not None and now >= self.deadline:
            self._reopen()
        while self._waiting:
            caller = self._waiting[0]
            if self._closed or self._is_due(self._workers[caller.worker_id]):
                self._dismiss(self._waiting.popleft())
            elif self._may_suggest:
                self._order(Suggest(self._waiting.popleft()))
            else:
                break

    def _is_due(self, worker: states.WorkerState) -> bool:
        """Whether a worker should make room for a fresh one, which will have a trial."""
        if self._supply.is_dry:
            return False
        full = self._max_trials is not None and worker.trials >= self._max_trials
        return worker.retiring or full

    @property
    def _may_suggest(self) -> bool:
        """Whether one more trial may be asked for now."""
        if self._supply.is_dry:
            return False
        suggesting = self._orders[Suggest]
        if self._one_at_a_time:
            return not (self.running or suggesting)
        return self._supply is Supply.OPEN or not suggesting

    @property
    def _one_at_a_time(self) -> bool:
        """Whether a trial that has run out of memory has not ended yet.

        It runs alone, or waits to.
        """
        return any(trial.ran_out for trial in self._trials.values())

    def _dismiss(self, caller: Caller) -> None:
        if caller.worker_id in self._workers:
            self._do(Dismiss(caller))

    def _answer(
        self,
        caller: Caller,
        value: codec.TrialState | str | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Answers a worker, unless it is gone."""
        if caller.worker_id in self._workers:
            self._do(Answer(caller, value, error))

    def _order(self, order: Order) -> None:
        self._orders[type(order)] += 1
        self._do(order)

    def _do(self, instruction: Instruction) -> None:
        self._instructions.append(instruction)
