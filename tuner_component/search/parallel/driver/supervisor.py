"""The driver's loop: listens to everybody, replaces what dies, keeps to the limits.

All is waited for at once, and no longer than until the next deadline: what workers say,
which of them have exited, what the oracle answers, and the process that wants the
result.
"""

import enum
import signal
import time
from multiprocessing import connection
from typing import Any

from tuner_component.search import error_reports, events
from tuner_component.search.errors import SearchFailedError
from tuner_component.search.machine import memory, output, posix
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.driver import dispatcher, oracle_thread
from tuner_component.search.parallel.driver.attempts import Attempts
from tuner_component.search.parallel.driver.workers import Worker, Workers
from tuner_component.search.parallel.engine import Engine, WorkerExited, WorkerStarted
from tuner_component.search.parallel.logs import Logs

# So many workers in a row that get nothing done before they die end the search.
_MAX_USELESS = 3


class End(enum.Enum):
    """Why a search is over."""

    COMPLETE = "complete"
    OUT_OF_TIME = "out of time"
    INTERRUPTED = "interrupted"


class ExecutorGone(Exception):
    """The process that wanted the result does not exist any more."""


class Supervisor:
    """Runs a search to its end.

    Args:
        options: Its limits.
        engine: Where workers come from.
        workers: The workers.
        attempts: Who has which trial.
        desk: Where they get their trials.
        keeper: The thread that works on the oracle.
        wire: Connection to the process that wants the result.
        logs: Where the workers print to.
    """

    def __init__(
        self,
        options: SearchOptions,
        engine: Engine,
        workers: Workers,
        attempts: Attempts,
        desk: dispatcher.Dispatcher,
        keeper: oracle_thread.OracleThread,
        wire: connection.Connection,
        logs: Logs,
    ) -> None:
        self._options = options
        self._engine = engine
        self._workers = workers
        self._attempts = attempts
        self._desk = desk
        self._keeper = keeper
        self._wire = wire
        self._logs = logs
        self._end = End.COMPLETE
        self._patience: float | None = None
        self._closing = False
        self._useless = 0
        self._memory_kills = memory.kills()
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
            ExecutorGone: If nobody wants the result any more.
            EngineLost: If there is nowhere to get workers from.
        """
        with posix.caught_signals(signal.SIGTERM, signal.SIGINT) as signals:
            while not self._desk.over:
                while self._workers.vacancies and self._desk.shorthanded:
                    self._workers.start()
                self._step(signals)
            self._closing = True
            self._desk.close()
            self._patience = time.monotonic() + self._options.grace_period_s
            while self._workers.workers:
                self._step(signals)
        return self._end

    def _step(self, signals: posix.SignalPipe) -> None:
        """Waits until something happens, and deals with all that has happened."""
        talking = [worker for worker in self._workers.workers if worker.open]
        everything: list[Any] = [
            self._wire,
            signals,
            self._engine,
            self._keeper,
            *talking,
        ]
        deadline = self._next_deadline()
        timeout = None if deadline is None else max(0, deadline - time.monotonic())
        ready: list[Any] = connection.wait(everything, timeout)
        if signals in ready:
            signals.read()
            self._stop(End.INTERRUPTED, at_once=False)
        if self._wire in ready:
            self._obey()
        for worker in talking:
            if worker in ready:
                self._hear(worker)
        if self._engine in ready:
            for event in self._engine.events():
                self._note(event)
        self._keeper.deliver()
        self._meet_deadlines()

    def _obey(self) -> None:
        try:
            order = self._wire.recv()
        except (EOFError, OSError) as error:
            raise ExecutorGone from error
        if isinstance(order, protocol.Stop):
            self._stop(End.INTERRUPTED, order.at_once)

    def _stop(self, end: End, at_once: bool) -> None:
        """Hands out no more trials; those that run have a little time left."""
        if self._end is End.COMPLETE and not self._closing:
            print(f"The search was asked to stop: {end.value}.", flush=True)
            self._end = end
            self._patience = time.monotonic() + self._options.grace_period_s
            self._desk.close()
        if at_once:
            self._patience = time.monotonic()

    def _hear(self, worker: Worker) -> None:
        for message in worker.receive():
            if isinstance(message, protocol.Request):
                self._desk.request(worker, message)
            elif isinstance(message, events.EpochEnded):
                self._desk.epoch_ended(worker, message)
            elif isinstance(message, protocol.Ready):
                worker.ready = True
            elif isinstance(message, protocol.Crashed):
                raise error_reports.UserCodeError(message.error)

    def _note(self, event: WorkerStarted | WorkerExited) -> None:
        worker = self._workers.get(event.worker_id)
        if worker is None:
            return
        if isinstance(event, WorkerStarted):
            worker.pid, worker.heard = event.pid, time.monotonic()
            return
        # What it said before it ended counts.
        self._hear(worker)
        self._workers.remove(worker.worker_id)
        self._desk.forget(worker)
        attempt = self._attempts.of_worker(worker.worker_id)
        reason, out_of_memory = self._explain(worker, event)
        if attempt is not None:
            self._useless = 0
            self._desk.lost(attempt, reason, out_of_memory)
        elif worker.trials:
            self._useless = 0
        elif not worker.dismissed and self._end is End.COMPLETE:
            self._count_useless(worker, reason)

    def _explain(self, worker: Worker, exited: WorkerExited) -> tuple[str, bool]:
        """Why a worker ended, and whether memory had run out."""
        kills, self._memory_kills = self._memory_kills, memory.kills()
        if worker.doom is not None:
            return worker.doom, False
        if exited.status == -signal.SIGKILL and self._memory_kills > kills:
            used = f"{exited.peak_memory / 2**30:.1f} GiB at most"
            return f"a worker that the kernel killed: out of memory ({used})", True
        if exited.status < 0:
            name = signal.Signals(-exited.status).name
            return f"a worker killed by signal {-exited.status} ({name})", False
        return f"a worker that exited with status {exited.status}", False

    def _count_useless(self, worker: Worker, reason: str) -> None:
        """Ends the search if no worker gets as far as a trial."""
        self._useless += 1
        if self._useless < _MAX_USELESS:
            return
        path = self._logs.process(worker.worker_id)
        raise SearchFailedError(
            f"Expected workers to get as far as running trials. Received: {reason}, "
            f"{self._useless} times in a row. See what tuner_fn does; the log "
            f"{self._logs.public(path)} ends with:\n{output.tail(path) or '(nothing)'}"
        )

    def _next_deadline(self) -> float | None:
        deadlines = [self._patience, self._desk.deadline]
        if self._end is End.COMPLETE and not self._closing:
            deadlines.append(self._budget_end)
        deadlines += [when for when, _, _ in self._limits()]
        return min((when for when in deadlines if when is not None), default=None)

    def _limits(self) -> list[tuple[float, Worker, str]]:
        """Until when each worker must have done what, and what to say if not."""
        silence, limit = (
            self._options.heartbeat_timeout_s,
            self._options.trial_timeout_s,
        )
        mute = f"a worker that hung: no sign of life for {silence:g} seconds"
        alive = {w.worker_id: w for w in self._workers.workers if w.doom is None}
        limits = [(worker.heard + silence, worker, mute) for worker in alive.values()]
        if limit is not None:
            slow = f"a trial that took longer than its limit of {limit:g} seconds"
            limits += [
                (attempt.started + limit, alive[attempt.worker_id], slow)
                for attempt in self._attempts.running
                if attempt.worker_id in alive
            ]
        return limits

    def _meet_deadlines(self) -> None:
        now = time.monotonic()
        for when, worker, reason in self._limits():
            if now >= when:
                self._workers.kill(worker, reason)
        if self._budget_end is not None and now >= self._budget_end:
            self._stop(End.OUT_OF_TIME, at_once=False)
        if self._patience is not None and now >= self._patience:
            self._patience = None
            for worker in self._workers.workers:
                self._workers.kill(worker, "stopped at the end of its grace period")
        if self._desk.deadline is not None and now >= self._desk.deadline:
            self._desk.hand_out()
