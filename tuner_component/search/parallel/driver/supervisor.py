"""The driver's loop: waits, tells the dispatcher what happens, and does what it says.

All is waited for at once, and no longer than until the next deadline: what workers say,
which of them have exited, what the oracle answers, and what the process says that wants
the result. The limits on time and memory are kept here; whatever is decided about a
trial, in `dispatcher`.
"""

import collections
import enum
import functools
import signal
import time
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, NoReturn

from tuner_component.search import events
from tuner_component.search.errors import (
    SearchError,
    SearchFailedError,
    UserCodeError,
)
from tuner_component.search.machine import output, posix
from tuner_component.search.parallel import protocol, pulse
from tuner_component.search.parallel.driver import deaths, oracle_actions, oracle_thread
from tuner_component.search.parallel.driver import instructions as todo
from tuner_component.search.parallel.driver.dispatcher import Dispatcher
from tuner_component.search.parallel.driver.listener import Listener
from tuner_component.search.parallel.driver.sources import Sources
from tuner_component.search.parallel.driver.steering import Steering
from tuner_component.search.parallel.driver.workers import Worker, Workers
from tuner_component.search.parallel.engine import Event, WorkerEnds, WorkerStarted
from tuner_component.search.study.fingerprint import study_id

# How often to look whether the study still is this search's. Workers beat as often, so no
# wait takes longer.
_LOOK_S = 1.0
# The oracle may still be thinking of a suggestion that is not wanted any more.
_ORACLE_PATIENCE_S = 5.0


class End(enum.Enum):
    """Why a search is over."""

    COMPLETE = "complete"
    OUT_OF_TIME = "out of time"
    INTERRUPTED = "interrupted"


class LauncherGone(Exception):
    """The process that wanted the result does not exist any more."""


class Supervisor:
    """Runs a search to its end.

    Args:
        job: The search.
        workers: Its workers; some may have been started.
        actions: What is done with its oracle.
        wire: Connection to the process that wants the result.
        observer: Told what happens.
        advance: Called each time that the loop goes round.
    """

    def __init__(
        self,
        job: protocol.Job,
        workers: Workers,
        actions: oracle_actions.OracleActions,
        wire: connection.Connection,
        observer: events.Observer,
        advance: Callable[[], None],
    ) -> None:
        self._options = options = job.options
        self._logs = job.logs
        self._workers = workers
        self._actions = actions
        self._oracle_thread = oracle_thread.OracleThread(actions.oracle.commit)
        self._dispatcher = Dispatcher(
            options.max_retries,
            options.max_trials_per_worker,
            actions.oracle.attempts_so_far(),
        )
        self._listener = Listener(
            workers,
            self._oracle_thread,
            actions,
            self._handle,
            self._dispatcher.runs,
        )
        self._steering = Steering(
            *(actions.oracle, self._oracle_thread, workers),
            *(self._dispatcher, self._handle),
        )
        self._job = job
        self._wire = wire
        self._observer = observer
        self._advance = advance
        self._end = End.COMPLETE
        self._patience: float | None = None
        self._closing = False
        self._looked = self._next_limit = 0.0
        self._sources = Sources()
        self._tasks: list[oracle_thread.Task] = []
        self._stimuli: collections.deque[todo.Stimulus] = collections.deque()
        self._budget_end = (
            None
            if options.time_budget_s is None
            else time.monotonic() + options.time_budget_s
        )

    def run(self) -> End:
        """Works until there are no more trials, or the search is stopped.

        Returns:
            Why it is over. The workers are gone by then.

        Raises:
            SearchError: If the study cannot go on.
            UserCodeError: If the user's code raises outside of a trial.
            LauncherGone: If the process that wants the result has ended.
            EngineLost: If there is nowhere to get workers from.
        """
        for worker in self._workers.workers:
            self._added(worker)
        try:
            with (
                posix.caught_signals(signal.SIGTERM, signal.SIGINT) as signals,
                self._steering.looking(
                    self._job.study_directory, study_id(self._job.fingerprint)
                ),
            ):
                engine = self._workers.engine
                for other in (signals, self._wire, engine, self._oracle_thread):
                    self._sources.add(other)
                while not self._dispatcher.over or self._steering.is_busy:
                    while self._workers.vacancies and self._dispatcher.wants_worker:
                        # It would make its log anew where the study was.
                        self._actions.oracle.require_study()
                        self._added(self._workers.start())
                    self._step(signals)
                self._closing = True
                self._steering.close()
                self._handle(todo.Closed())
                self._patience = time.monotonic() + self._options.grace_period_s
                while self._workers.workers:
                    self._step(signals)
        except (SearchError, UserCodeError):
            self._excuse_others()
            raise
        finally:
            self._submit()
            self._oracle_thread.close(_ORACLE_PATIENCE_S)
        return self._end

    def _excuse_others(self) -> None:
        """Trials that run are not to blame for what ends the search; one may be."""
        running = self._dispatcher.running
        others = [a.trial_id for a in running if a.worker_id != self._listener.culprit]
        order = todo.Excuse(tuple(others))
        run = functools.partial(self._actions.carry_out, order)
        self._tasks.append(oracle_thread.Task(run, _ignore))

    def _step(self, signals: posix.SignalPipe) -> None:
        """Waits until something happens, and deals with all that has happened."""
        self._advance()
        ready = self._wait()
        if signals in ready:
            signals.read()
            self._stop(End.INTERRUPTED, at_once=False)
        if self._wire in ready:
            self._obey()
        for source in ready:
            if isinstance(source, Worker):
                self._listener.hear(source)
                if not source.open:
                    self._sources.remove(source)
        # Also if nothing has come from there: it may be for too long that nothing has.
        for event in self._workers.engine.events():
            self._note(event)
        self._oracle_thread.deliver()
        self._meet_deadlines()

    def _added(self, worker: Worker) -> None:
        """A worker is being started."""
        self._sources.add(worker)
        self._handle(todo.WorkerAdded(worker.worker_id, worker.checks))

    def _wait(self) -> list[Any]:
        """What is ready of all that is waited for; nothing if a deadline comes first."""
        self._submit()
        now = time.monotonic()
        timeout = max(0.0, self._next_deadline(now) - now)
        ready = self._sources.wait(timeout)
        late = time.monotonic() - now - timeout
        if late > pulse.BEAT_S:
            # This process did not run: it was stopped, and so were the workers, perhaps.
            self._workers.give_time(late)
        return ready

    def _obey(self) -> None:
        try:
            order = self._wire.recv()
        except (EOFError, OSError) as error:
            raise LauncherGone from error
        if isinstance(order, protocol.Stop):
            self._stop(End.INTERRUPTED, order.at_once)

    def _stop(self, end: End, at_once: bool) -> None:
        """Hands out no more trials; those that run have a little time left."""
        if self._end is End.COMPLETE and not self._closing:
            print(f"The search was asked to stop: {end.value}.", flush=True)
            self._end = end
            self._patience = time.monotonic() + self._options.grace_period_s
            self._handle(todo.Closed())
            for worker in self._workers.workers:
                self._workers.send(worker, protocol.Ending())
        if at_once:
            self._patience = time.monotonic()

    def _note(self, event: Event) -> None:
        if isinstance(event, events.PlacesChanged):
            self._observer(event)
            return
        worker = self._workers.get(event.worker_id)
        if worker is None:
            return
        if isinstance(event, WorkerStarted):
            worker.pid, worker.heard = event.pid, time.monotonic()
            return
        if isinstance(event, WorkerEnds):
            self._workers.send(worker, protocol.Ending())
            return
        # What it said before it ended counts.
        self._listener.hear(worker, at_most=None)
        self._sources.remove(worker)
        self._workers.remove(worker.worker_id)
        reason = deaths.explain(worker, event)
        # One that was killed on purpose ended for that reason, whatever else was the case.
        out_of_memory = event.out_of_memory and worker.doom is None
        # One that was lost after it was told to end has ended as it was told to.
        with_node = bool(event.lost) and worker.doom is None
        how = out_of_memory, event.excused, with_node
        self._handle(todo.WorkerGone(worker.worker_id, reason, *how))

    def _handle(self, stimulus: todo.Stimulus) -> None:
        """Tells the dispatcher what has happened, and does what it says."""
        self._stimuli.append(stimulus)
        while self._stimuli:
            told = self._stimuli.popleft()
            for instruction in self._dispatcher.handle(told, time.monotonic()):
                self._carry_out(instruction)

    def _carry_out(self, instruction: todo.Instruction) -> None:
        if isinstance(instruction, todo.Answer):
            self._workers.answer(
                instruction.caller, instruction.value, instruction.error
            )
        elif isinstance(instruction, todo.Dismiss):
            nothing = oracle_actions.no_more_trials()
            self._workers.answer(instruction.caller, nothing)
        elif isinstance(instruction, todo.Tell):
            self._observer(instruction.event)
        elif isinstance(instruction, todo.GiveUp):
            self._give_up(instruction)
        elif isinstance(instruction, todo.Raise):
            raise instruction.error
        else:
            self._order(instruction)

    def _order(self, order: todo.Order) -> None:
        """Has an order carried out in the oracle's thread."""

        def done(value: Any, error: BaseException | None) -> None:
            self._handle(todo.OracleAnswered(order, value, error))

        if isinstance(order, todo.LookAhead) and not self._actions.looks_ahead:
            # Its thread need not be woken to find that out, nor this one to hear of it.
            self._stimuli.append(todo.OracleAnswered(order, False))
            return
        task = oracle_thread.Task(lambda: self._actions.carry_out(order), done)
        task.suggests = isinstance(order, (todo.Suggest, todo.LookAhead))
        task.later = isinstance(order, todo.CleanUp)
        # Nothing depends on a clean-up, as long as something else will happen.
        task.wakes = not (task.later and self._dispatcher.running)
        self._tasks.append(task)

    def _submit(self) -> None:
        """Has the oracle's thread do what it was ordered to, woken once for all of it."""
        if self._tasks:
            self._oracle_thread.submit(*self._tasks)
            self._tasks.clear()

    def _give_up(self, why: todo.GiveUp) -> NoReturn:
        """Ends the search: no worker gets as far as a trial."""
        path = self._logs.process(why.worker_id)
        raise SearchFailedError(
            f"Expected workers to get as far as running trials. Received: {why.reason}, "
            f"{why.count} times in a row. See what makes the tuner; the log "
            f"{self._logs.public(path)} ends with:\n{output.tail(path) or '(nothing)'}"
        )

    def _next_deadline(self, now: float) -> float:
        deadlines = [self._patience, self._dispatcher.deadline, now + pulse.BEAT_S]
        if self._end is End.COMPLETE and not self._closing:
            deadlines.append(self._budget_end)
        deadlines.append(self._next_limit)
        return min(when for when in deadlines if when is not None)

    def _meet_limits(self, now: float) -> None:
        """Kills workers that are over a limit, and finds out when the next may be.

        Limits only move away, and new ones are a whole limit away: until then there is no
        need to look at all the workers each time that one says something.
        """
        if now < self._next_limit:
            return
        for when, worker, reason in self._limits():
            if now >= when:
                self._workers.kill(worker, reason)
        limits = (self._options.heartbeat_timeout_s, self._options.trial_timeout_s)
        soonest = now + min(limit for limit in limits if limit is not None)
        self._next_limit = min([soonest, *(when for when, _, _ in self._limits())])

    def _limits(self) -> list[tuple[float, Worker, str]]:
        """Until when each worker must have done what, and what to say if not."""
        options = self._options
        silence, limit = options.heartbeat_timeout_s, options.trial_timeout_s
        mute = f"a worker that hung: no sign of life for {silence:g} seconds"
        alive = {w.worker_id: w for w in self._workers.workers if w.doom is None}
        limits = [(worker.heard + silence, worker, mute) for worker in alive.values()]
        if limit is not None:
            slow = f"a trial that took longer than its limit of {limit:g} seconds"
            limits += [
                (attempt.started + limit, alive[attempt.worker_id], slow)
                for attempt in self._dispatcher.running
                if attempt.worker_id in alive
            ]
        return limits

    def _meet_deadlines(self) -> None:
        now = time.monotonic()
        if now >= self._looked + _LOOK_S:
            self._looked = now
            # Commits look, too. But trials may run for hours without one, and their
            # workers write into whatever is at the study's place.
            self._actions.oracle.require_study()
        self._meet_limits(now)
        if self._budget_end is not None and now >= self._budget_end:
            self._stop(End.OUT_OF_TIME, at_once=False)
        if self._patience is not None and now >= self._patience:
            self._patience = None
            for worker in self._workers.workers:
                self._workers.kill(worker, "stopped at the end of its grace period")
        deadline = self._dispatcher.deadline
        if deadline is not None and now >= deadline:
            self._handle(todo.DeadlinePassed())


def _ignore(value: Any, error: BaseException | None) -> None:
    """What becomes of an order that nothing depends on any more."""
