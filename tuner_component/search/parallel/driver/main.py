"""The driver: the process that owns a search's study and its oracle.

It sees no GPU, and runs nothing of the user's but `tuner_fn`, once, for the oracle.
"""

import contextlib
import logging
import os
import pickle
import select
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing import connection
from typing import Any

from tuner_component.search import errors, events
from tuner_component.search.errors import SearchInterruptedError, SearchStoppedError
from tuner_component.search.machine import disk_space, output, resources
from tuner_component.search.oracle import (
    announcements,
    project_files,
    taking_over,
    trial_limit,
)
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel import (
    process_context,
    protocol,
    pulse,
    user_code,
)
from tuner_component.search.parallel.driver import supervisor
from tuner_component.search.parallel.driver.oracle_actions import OracleActions
from tuner_component.search.parallel.driver.workers import Workers
from tuner_component.search.parallel.engine import Engine, Place
from tuner_component.search.study.opening import open_study
from tuner_component.search.study.request_files import Requests
from tuner_component.search.study.study import Study, StudyState
from tuner_component.search.training import preflight, scratch


def main(
    job: protocol.Job, wire: connection.Connection, connect: Callable[[], Engine]
) -> int:
    """Runs a search, and sends its result or its error.

    Args:
        job: The search.
        wire: Connection to the process that wants the result: `Progress`, `Logged` and
            a `Heartbeat` each second go there, and at the end a `SearchResult` or a `PortableError`; a `Stop` may
            come from there.
        connect: Makes what workers come from; not called if there is nothing to run.

    Returns:
        The status to exit with.
    """
    process_context.set_environment(resources.gpu_environment([], os.environ))
    output.Output(job.logs.process("driver"))
    link = LauncherLink(wire)
    heart = pulse.Pulse(lambda: link.send_or_skip(protocol.Heartbeat()))
    outcome: Any
    try:
        job.context.apply()
        with (
            heart.beating(),
            _on_cpu(),
            link.passing_on_logs(),
            disk_space.needed("the search's driver", job.study_directory),
        ):
            outcome = _search(job, link, connect, heart)
    except supervisor.LauncherGone:
        return 1
    except errors.UserCodeError as error:
        output.log_traceback()
        outcome = error.portable
    except Exception as error:  # noqa: BLE001
        output.log_traceback()
        outcome = errors.portable(error, "the search's driver")
    link.send(outcome)
    return 0


def _on_cpu() -> contextlib.AbstractContextManager[Any]:
    """Keeps Keras on PyTorch from the GPU that it saw when it was imported."""
    keras = sys.modules.get("keras")
    if keras is not None and keras.config.backend() == "torch":
        return keras.device("cpu")  # type: ignore[no-any-return]
    return contextlib.nullcontext()


class LauncherLink:
    """Tells the process that wants the result how the search is going; from any thread.

    As an observer it passes events on.

    Attributes:
        wire: Connection to that process.
    """

    def __init__(self, wire: connection.Connection) -> None:
        self.wire = wire
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        """Sends an event, unless that process is slow: the search does not wait."""
        self.send_or_skip(protocol.Progress(event))

    def send_or_skip(self, message: Any) -> bool:
        """Sends what may be left out; returns whether it was sent."""
        with self._lock:
            _, writable, _ = select.select([], [self.wire], [], 0)
            if not writable:
                return False
            try:
                # Of plain values: see `WorkerChannel.send`.
                self.wire.send_bytes(pickle.dumps(message))
            except OSError:  # Its end will be noticed.
                return False
            return True

    def send(self, message: Any) -> None:
        """Sends what must arrive."""
        with self._lock:
            self.wire.send(message)

    @contextlib.contextmanager
    def passing_on_logs(self) -> Iterator[None]:
        """Has what this package logs here logged there, too: people look there."""
        handler = _LogHandler(self)
        logger = logging.getLogger("tuner_component")
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)


class _LogHandler(logging.Handler):
    def __init__(self, link: LauncherLink) -> None:
        super().__init__()
        self._link = link

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if not self._link.send_or_skip(
            protocol.Logged(record.name, record.levelno, text)
        ):
            with contextlib.suppress(OSError):  # The log's disk may be full.
                print(text, file=sys.stderr)


def _search(
    job: protocol.Job,
    link: LauncherLink,
    connect: Callable[[], Engine],
    heart: pulse.Pulse,
) -> SearchResult:
    directory = job.study_directory
    with contextlib.ExitStack() as stack:
        study = stack.enter_context(open_study(directory, job.fingerprint, job.options))
        locked = not study.is_finished
        stack.enter_context(scratch.of_search(directory, locked))
        # What is finished is published again also where its cluster is gone.
        workers = _started(job, study, connect) if locked else None
        # They make their tuners while this process makes its own.
        tuner, _ = user_code.make_tuner(
            job.entry,
            "driver",
            study.seed,
            may_overwrite=study.found is StudyState.NEW,
        )
        if more := trial_limit.reopened(study, tuner.oracle, job.options):
            stack.enter_context(scratch.swept(directory))
            study = stack.enter_context(more)
            workers = _started(job, study, connect)
        oracle = taking_over.take_over(
            DurableOracle, tuner.oracle, study, job.options, autocommit=False
        )
        end = supervisor.End.COMPLETE
        if workers is not None:
            project_files.begin(tuner, study)
            confirm = job.options.confirm_top
            actions = OracleActions(
                tuner, oracle, study.seed, study.directory, job.logs, confirm
            )
            end = _run(job, link, workers, actions, heart)
            if end is supervisor.End.COMPLETE:
                oracle.finish()
        if study.is_finished:
            Requests(directory, study.id).close(oracle.settle)
        if end is not supervisor.End.INTERRUPTED:
            project_files.write(tuner, oracle, study)
        outcome = SearchResult.of(
            oracle,
            study,
            complete=end is supervisor.End.COMPLETE,
        )
    _check(end, outcome, job)
    return outcome


def _started(job: protocol.Job, study: Study, connect: Callable[[], Engine]) -> Workers:
    workers = Workers(connect(), _Specs(job, study))
    while workers.vacancies:
        workers.start()
    return workers


def _run(
    job: protocol.Job,
    link: LauncherLink,
    workers: Workers,
    actions: OracleActions,
    heart: pulse.Pulse,
) -> supervisor.End:
    oracle, at_once = actions.oracle, job.options.num_workers
    actions.fail_given_up()
    oracle.commit()
    oracle.epochs.listener = lambda *epoch: link(events.EpochEnded(*epoch))
    oracle.listen_to_end(lambda why: link(events.SearchEnding(why)))
    link(announcements.search_started(oracle, job.study_directory, at_once))
    with heart.of_loop():
        end = supervisor.Supervisor(
            job, workers, actions, link.wire, link, heart.advance
        ).run()
    actions.search_ended()
    return end


class _Specs:
    """Describes workers to the engine."""

    def __init__(self, job: protocol.Job, study: Study) -> None:
        self._job = job
        self._study = study
        # The processes of a gang would wait there for each other.
        cluster = job.options.cluster
        each = 1 if cluster is None else cluster.workers_per_trial
        self._beat_s = pulse.worker_beat_s(
            each * job.options.num_workers, job.options.heartbeat_timeout_s
        )
        self._preflight = each == 1 and preflight.is_wanted(job.options, study)

    def __call__(
        self, worker_id: str, slot: int, place: Place, is_first: bool
    ) -> protocol.WorkerSpec:
        return protocol.WorkerSpec(
            worker_id=worker_id,
            slot=slot,
            entry=self._job.entry,
            context=self._job.context,
            environment=place.environment,
            logs=self._job.logs,
            study_directory=self._study.directory,
            seed=self._study.seed,
            asks=self._job.options.stopping is not None,
            preflight=self._preflight and is_first,
            beat_s=self._beat_s,
        )


def _check(end: supervisor.End, outcome: SearchResult, job: protocol.Job) -> None:
    """Raises if there is no result to give."""
    left = (
        f"{outcome.so_far}. All are kept in {job.study_directory}: run the same search "
        "again to go on from there."
    )
    if end is supervisor.End.INTERRUPTED:
        raise SearchStoppedError(
            "Expected the search to run to its end. Received: a request to stop. "
            f"{left}"
        )
    if end is supervisor.End.OUT_OF_TIME and not outcome.completed:
        raise SearchInterruptedError(
            "Expected a trial to complete within the time budget of "
            f"{job.options.time_budget_s:g} seconds. Received: {len(outcome.failed)} "
            f"failed and {outcome.unfinished} unfinished trials. Raise the time "
            f"budget. {left}"
        )
