"""Running a search in processes of its own, from the process that wants the result.

This process only starts the fork server, passes signals on, and waits. Nothing of the
user's code runs in it, and whatever becomes of it, the processes it started end.
"""

import contextlib
import dataclasses
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing import connection
from typing import Any, NoReturn

from tuner_component.search import events, watching
from tuner_component.search.errors import (
    PortableError,
    SearchError,
    SearchInterruptedError,
    SearchStoppedError,
    how_to_go_on,
    rebuild,
)
from tuner_component.search.machine import handles, output, posix, resources
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel import process_context, protocol, pulse
from tuner_component.search.parallel.local import engine, messages, where
from tuner_component.search.parallel.local.server_process import (
    StartServer,
    start_interpreter,
)
from tuner_component.search.parallel.logs import opened

_log = logging.getLogger("tuner_component")

# Each forked process needs these, whatever the user's code imports.
_PRELOAD = (
    "tuner_component.search.parallel.driver.main",
    "tuner_component.search.parallel.worker.main",
)
# From the driver's end until the fork server has cleaned up.
_CLEAN_UP_S = 10.0
# Without a sign of life for so long, the driver or the fork server hangs.
_SILENCE_S = 300.0
# The fork server gives none while it imports modules, nor the driver before that is done.
_SETUP_S = 1800.0
# Stands for a message that has not come.
_NOTHING = object()


def run_parallel(
    entry: protocol.EntryPoint,
    study_directory: str,
    fingerprint: Mapping[str, str],
    options: SearchOptions,
    preload: Sequence[str] = (),
    start_server: StartServer = start_interpreter,
    observer: events.Observer | None = None,
    reads: Sequence[str] = (),
) -> SearchResult:
    """Runs a search with its trials in worker processes.

    SIGTERM and SIGINT stop the search: running trials get the grace period; a second
    signal ends them at once, a third does not even wait for that. (In Python only the
    main thread can handle signals. In another thread they have their usual effect, and
    the search ends with this process.)

    Args:
        entry: Where each process gets the user's tuner from.
        study_directory: Path or URI of the study; what has been found is kept there.
        fingerprint: What the study depends on, by name.
        options: How to run the search.
        preload: Modules that all processes need, to be imported once. They must not run
            anything of a framework when they are imported.
        start_server: Starts the fork server.
        observer: Told in this process what happens; by default, lines are logged.
        reads: Paths or URIs of the files that trials read: on a cluster, a node that
            does not see them gets no trials.

    Returns:
        What was found: at least one completed trial.

    Raises:
        SearchFailedError: If the trials, or the user's code around them, fail.
        SearchInterruptedError: If the search was stopped, or one of its processes was
            killed; running it again goes on.
        ValueError: If there are not enough GPUs for the options.
        SearchError: Of the other kinds in `errors`, if the study cannot be used.
        Exception: Exceptions of `entry` that are built-in ones, KerasTuner's or this
            package's come out as what they are.
    """
    _check_platform()
    watch = events.Audience([observer or watching.Lines()])
    with opened(study_directory) as logs, _caught_signals() as signals:
        job = protocol.Job(
            entry=entry,
            study_directory=study_directory,
            fingerprint=dict(fingerprint),
            options=options,
            machine=where.machine(options),
            context=process_context.ProcessContext.capture(),
            logs=logs,
            preload=(*preload, *_PRELOAD),
            engine=where.engine(options),
            reads=tuple(reads),
        )
        outcome = _search(job, start_server, signals, watch)
    if isinstance(outcome, SearchResult):
        return outcome
    raise rebuild(outcome)


def _check_platform() -> None:
    if sys.platform != "linux":
        raise SearchError(
            "Expected Linux for trials in parallel. Received: "
            f"{sys.platform}. Run the search in this process: leave out "
            "num_parallel_trials."
        )


def _caught_signals() -> contextlib.AbstractContextManager[posix.SignalPipe | None]:
    """Catches the signals that stop the search; None in a thread that cannot."""
    if threading.current_thread() is not threading.main_thread():
        return contextlib.nullcontext()
    return posix.caught_signals(signal.SIGTERM, signal.SIGINT)


def _search(
    job: protocol.Job,
    start_server: StartServer,
    signals: posix.SignalPipe | None,
    observer: events.Observer,
) -> SearchResult | PortableError:
    """Runs the search with as many of its modules preloaded as can be."""
    is_here = where.is_driver_here(job)
    start = start_server if is_here else where.start_on_cluster()
    while True:
        with contextlib.closing(_Launcher(job, start, is_here)) as launcher:
            outcome = launcher.wait(signals, observer)
        if not isinstance(outcome, messages.Unfit):
            return outcome
        _log.warning(
            "The module %s computes something when it is imported: each worker "
            "will import it for itself.",
            outcome.module,
        )
        others = tuple(name for name in job.preload if name != outcome.module)
        job = dataclasses.replace(job, preload=others)


class _Launcher:
    """The processes of a search, as the one that started them sees them.

    Args:
        job: The search.
        start_server: Starts the fork server, or what stands in for it.
        is_here: Whether it is the fork server, which starts the driver here.
    """

    def __init__(
        self, job: protocol.Job, start_server: StartServer, is_here: bool
    ) -> None:
        self._job = job
        options = job.options
        self._server_name = "fork server" if is_here else "connection to the cluster"
        wait_s = 0.0 if is_here or not options.cluster else options.cluster.wait_s
        # Numeric libraries read it when they are loaded, which happens there.
        workers_here = 1 if options.cluster else options.num_workers
        environment = resources.thread_environment(
            workers_here, options.cpus_per_trial, os.environ
        )
        # Without it PyTorch initializes CUDA to see if there is a GPU, and then no
        # forked process can use one.
        environment["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
        self._server_log = job.logs.process("server")
        self._control, theirs = engine.pair()
        self._wire, driver_end = engine.pair()
        with theirs, driver_end:
            self._server = start_server(theirs, self._server_log, environment)
            theirs.close()
            try:
                self._control.send(list(sys.path))
                if self._control.poll(_SETUP_S):
                    self._control.recv()  # It will end with this process.
                    self._control.send(job)
                    handles.send(self._control, driver_end)
            except (EOFError, OSError):
                pass  # `wait` sees that it is gone.
        self._started = False
        self._stops = 0
        self._hangs = False
        self._silences = {
            "driver": pulse.Silence(_SETUP_S + wait_s),
            self._server_name: pulse.Silence(_SETUP_S),
        }

    def close(self) -> None:
        """Ends whatever is left: a closed connection ends the fork server."""
        self._control.close()
        self._wire.close()
        try:
            self._server.wait(0 if self._hangs else _CLEAN_UP_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            posix.kill_session(self._server.pid)
            self._server.wait()

    def wait(
        self, signals: posix.SignalPipe | None, observer: events.Observer
    ) -> SearchResult | PortableError | messages.Unfit:
        """Waits for the driver's result, or until it is known that there can be none.

        Args:
            signals: Those that stop the search.
            observer: Told what happens.

        Raises:
            SearchInterruptedError: If the processes end without either.
        """
        sources: list[Any] = [self._wire, self._control]
        if signals is not None:
            sources.append(signals)
        while True:
            began = time.monotonic()
            ready: list[Any] = connection.wait(sources, pulse.BEAT_S)
            for silence in self._silences.values():
                silence.waited(time.monotonic() - began)
            if signals is not None and signals in ready:
                self._stop(signals.read())
            if self._wire in ready:
                message = _receive(self._wire)
                if message is None:
                    return self._last_word()
                # What stands in for the fork server logs before there is a driver.
                if not isinstance(message, protocol.Logged):
                    self._silences["driver"].broken(_SILENCE_S)
                if isinstance(message, (SearchResult, PortableError)):
                    return message
                self._pass_on(message, observer)
            elif self._control in ready:
                message = _receive(self._control)
                if not isinstance(message, protocol.Heartbeat):
                    return self._last_word(message)
                self._silences[self._server_name].broken(_SILENCE_S)
            for what, silence in self._silences.items():
                if silence.is_too_long:
                    self._give_up(what, silence.limit_s)

    def _pass_on(self, message: Any, observer: events.Observer) -> None:
        """Passes on what the driver says on its way."""
        if isinstance(message, protocol.Logged):
            log = logging.getLogger(message.logger)
            log.log(message.level, "%s", message.text)
        elif isinstance(message, protocol.Progress):
            self._started = True
            observer(message.event)

    def _give_up(self, what: str, seconds: float) -> NoReturn:
        """Ends a search of which a process hangs."""
        self._hangs = True
        log = self._job.logs.process("driver")
        if what != "driver" or not output.tail(log):
            log = self._server_log
        raise SearchInterruptedError(
            "Expected the search to run to its end. Received: no sign of life from its "
            f"{what} for {seconds:g} seconds: it is stopped, or waits for itself. All "
            f"processes of the search were ended. {self._how_to_go_on(log)}"
        )

    def _how_to_go_on(self, log: str) -> str:
        return (
            f"{how_to_go_on(self._job.study_directory)} The log "
            f"{self._job.logs.public(log)} ends with:\n{output.tail(log) or '(nothing)'}"
        )

    def _stop(self, numbers: list[int]) -> None:
        for number in numbers:
            self._stops += 1
            name = posix.signal_name(number)
            if not self._started or self._stops > 2:
                raise SearchStoppedError(
                    f"Expected the search to run to its end. Received: {name}. "
                    f"{how_to_go_on(self._job.study_directory)}"
                )
            if self._stops == 1:
                _log.warning(
                    "%s: running trials have %g seconds to finish; a second signal "
                    "ends them at once.",
                    name,
                    self._job.options.grace_period_s,
                )
            with contextlib.suppress(OSError):
                self._wire.send(protocol.Stop(name, at_once=self._stops > 1))

    def _last_word(self, message: Any = _NOTHING) -> messages.Unfit:
        """What the fork server says when there is no driver any more.

        Args:
            message: What it has said already; None if it is gone.
        """
        until = time.monotonic() + _CLEAN_UP_S
        while message is _NOTHING or isinstance(message, protocol.Heartbeat):
            if not self._control.poll(max(0, until - time.monotonic())):
                self._give_up(self._server_name, _CLEAN_UP_S)
            message = _receive(self._control)
        if isinstance(message, messages.Unfit):
            return message
        if message is None:
            what, log = self._server_name, self._server_log
            status = self._server.wait()
        else:
            what, log = "driver", self._job.logs.process("driver")
            status = message.status
            if not output.tail(log):  # It ended before it had opened its own.
                log = self._server_log
        how = (
            f"was killed by signal {-status} ({posix.signal_name(-status)})"
            if status < 0
            else f"exited with status {status}"
        )
        raise SearchInterruptedError(
            f"Expected the search to run to its end. Received: its {what} {how}. "
            f"{self._how_to_go_on(log)}"
        )


def _receive(channel: connection.Connection) -> Any:
    """The next message; None at the end of the connection."""
    try:
        return channel.recv()
    except (EOFError, OSError):
        return None
