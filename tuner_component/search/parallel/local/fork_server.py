"""The fork server: imports the heavy modules once, and forks the driver and workers.

It runs nothing of a framework but its imports, and has one thread, so that what it
forks starts with a sound copy. Its children die with it, and so do theirs; when the
process that started it ends, or the driver, it ends all of them and itself.
"""

import contextlib
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, NoReturn

from tuner_component.search.machine import handles, memory_kills, output, posix
from tuner_component.search.parallel import protocol, pulse
from tuner_component.search.parallel.engine import (
    Engine,
    WorkerExited,
    WorkerStarted,
)
from tuner_component.search.parallel.local import preload
from tuner_component.search.parallel.local.engine import LocalEngine, pair
from tuner_component.search.parallel.local.messages import (
    Alive,
    DriverExited,
    KillWorker,
    StartWorker,
    Unfit,
    WorkersOnly,
)


def main(control: connection.Connection) -> NoReturn:
    """Serves one search, or its workers of one machine, and exits.

    Args:
        control: Connection to the process that wants the search. `Alive` is sent;
            a `Job` and the descriptor of the driver's own connection to that
            process are received; a `Heartbeat` is sent each second once the modules
            are imported, and `DriverExited` or `Unfit` at the end. Instead of a `Job`,
            `WorkersOnly` may come with the descriptor of the connection over which
            workers are asked for.
    """
    # This thread cannot watch `control` while it imports modules.
    posix.die_with_parent()
    try:
        control.send(Alive())
        job = control.recv()
        wire = connection.Connection(handles.receive(control))
        os.set_inheritable(wire.fileno(), False)
    except (EOFError, OSError):
        os._exit(1)
    alone = isinstance(job, WorkersOnly)
    sys.argv[:] = job.argv if alone else job.context.argv
    # What an engine needs to begin takes its time, too.
    connect = (
        None if alone or job.engine is None else protocol.function(job.engine)(job)
    )
    if (unfit := preload.preload(job.preload)) is not None:
        control.send(Unfit(unfit))
        os._exit(1)
    # From here on it has children to end first.
    posix.die_with_parent(signal.SIGTERM)
    if alone:
        ForkServer(control, wire).serve()
    else:
        server, client = pair()
        ForkServer(control, server).serve_search(job, wire, client, connect)
    os._exit(0)


class ForkServer:
    """Forks a driver, then workers as the driver asks for them.

    Args:
        control: Connection to the process that has started it.
        server: Connection over which workers are asked for.
    """

    def __init__(
        self, control: connection.Connection, server: connection.Connection
    ) -> None:
        self._control = control
        self._server = server
        self._parent_pid = os.getppid()
        self._signals: posix.SignalPipe | None = None
        self._driver_pid: int | None = None
        self._driver_status: int | None = None
        self._workers: dict[int, str] = {}
        self._memory_kills = memory_kills.count()
        self._next_beat = 0.0

    def serve_search(
        self,
        job: protocol.Job,
        wire: connection.Connection,
        client: connection.Connection,
        connect: Callable[[], Engine] | None,
    ) -> None:
        """Works until the driver or the process that wants the search is gone.

        Args:
            job: The search.
            wire: The driver's connection to that process.
            client: The driver's connection to this one.
            connect: Makes the driver's engine; None for workers that are forked here.
        """

        def make_engine() -> Engine:
            if connect is not None:
                return connect()
            return LocalEngine(client, job.shares, job.options.num_workers)

        def begin() -> None:
            self._driver_pid = self._fork(
                lambda: self._be_driver(job, wire, client, make_engine)
            )
            wire.close()
            client.close()

        self.serve(begin)
        if self._driver_status is not None:
            try:
                self._control.send(DriverExited(self._driver_status))
            except OSError:
                pass

    def serve(self, begin: Callable[[], None] = lambda: None) -> None:
        """Works until there is no one left who could ask for workers.

        Args:
            begin: Called when all is ready.
        """
        posix.adopt_orphans()
        with posix.caught_signals(signal.SIGCHLD, signal.SIGTERM) as signals:
            self._signals = signals
            begin()
            while self._driver_status is None and self._serve_once(signals):
                pass
        self._end_everything()

    def _serve_once(self, signals: posix.SignalPipe) -> bool:
        """Waits for something to do and does it; False if there is no more to do."""
        sources: list[Any] = [self._control, self._server, signals]
        ready = connection.wait(sources, pulse.BEAT_S)
        self._beat()
        came = signals.read()
        self._reap()
        # Nothing is sent over `control` any more but its end; and that does not come
        # while a forked child of its process is left.
        orphaned = signal.SIGTERM in came and os.getppid() != self._parent_pid
        if self._control in ready or orphaned:
            return False
        if self._server in ready and self._driver_status is None:
            return self._obey()
        return True

    def _beat(self) -> None:
        """Shows that this loop goes round; it does not wait for one who does not look."""
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + pulse.BEAT_S
        _, writable, _ = select.select([], [self._control], [], 0)
        with contextlib.suppress(OSError):  # Its end will be noticed.
            if writable:
                self._control.send(protocol.Heartbeat())

    def _obey(self) -> bool:
        """Does what it is asked for; False if nothing will be asked any more."""
        try:
            request = self._server.recv()
            if isinstance(request, StartWorker):
                handle = handles.receive(self._server)
        except (EOFError, OSError):
            if self._driver_pid is None:
                return False
            # The driver is about to end, or has lost its way.
            posix.kill_group(self._driver_pid)
            return True
        if isinstance(request, StartWorker):
            os.set_inheritable(handle, False)
            pid = self._fork(lambda: self._be_worker(request.spec, handle))
            os.close(handle)
            self._workers[pid] = request.spec.worker_id
            self._tell_driver(WorkerStarted(request.spec.worker_id, pid))
        elif isinstance(request, KillWorker):
            for pid, worker_id in self._workers.items():
                if worker_id == request.worker_id:
                    posix.kill_group(pid)
        return True

    def _fork(self, body: Callable[[], int]) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _run_child(parent, body)
        posix.lead_own_group(pid)
        return pid

    def _be_driver(
        self,
        job: protocol.Job,
        wire: connection.Connection,
        client: connection.Connection,
        make_engine: Callable[[], Engine],
    ) -> int:
        self._forget()
        self._server.close()
        from tuner_component.search.parallel.driver import main as driver_main

        # It stays open where it is not used: its end would be the driver's.
        with client:
            return driver_main.main(job, wire, make_engine)

    def _be_worker(self, spec: protocol.WorkerSpec, handle: int) -> int:
        self._forget()
        self._server.close()
        from tuner_component.search.parallel.worker import hearing
        from tuner_component.search.parallel.worker import main as worker_main

        return worker_main.main(spec, hearing.WorkersEnd(handle))

    def _forget(self) -> None:
        """Lets go of what belongs to the server alone: others wait for its end."""
        self._control.close()
        if self._signals is not None:
            self._signals.close()

    def _reap(self) -> None:
        """Takes note of every child that has ended, and ends what it left behind."""
        while (ended := _ended_child()) is not None:
            if ended in self._workers or ended == self._driver_pid:
                # Until it is waited for, no other process can get its number.
                posix.kill_group(ended)
            _, wait_status, usage = os.wait4(ended, 0)
            status = os.waitstatus_to_exitcode(wait_status)
            if ended == self._driver_pid:
                self._driver_status = status
            elif ended in self._workers:
                self._tell_driver(
                    WorkerExited(
                        self._workers.pop(ended),
                        status,
                        usage.ru_maxrss * 1024,
                        self._memory_ran_out() and status == -signal.SIGKILL,
                    )
                )

    def _memory_ran_out(self) -> bool:
        """Whether the kernel has killed something here since the last call."""
        before, self._memory_kills = self._memory_kills, memory_kills.count()
        return self._memory_kills > before

    def _tell_driver(self, message: Any) -> None:
        try:
            self._server.send(message)
        except OSError:
            pass  # Its own end will be noticed.

    def _end_everything(self) -> None:
        """Kills what is left: driver, workers, and all that they have started."""
        for pid in (self._driver_pid, *self._workers):
            if pid is not None:
                posix.kill_group(pid)
        while sum(_kill_child(pid) for pid in posix.children()):
            pass


def _kill_child(pid: int) -> bool:
    """Kills a child and waits for its end; False if there is none of that id.

    That is so where /proc shows the processes of another namespace.
    """
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def _run_child(parent: int, body: Callable[[], int]) -> NoReturn:
    """The life of a forked child: never returns into the server's code."""
    status = 1
    try:
        posix.begin_as_child(parent)
        _draw_new_random_numbers()
        status = body()
    except SystemExit as stop:
        status = _exit_status(stop)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        # What the server has registered with atexit is not the child's to end.
        output.flush()
        os._exit(status)


def _exit_status(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return (stop.code or 0) & 0xFF
    print(stop.code, file=sys.stderr)
    return 1


def _draw_new_random_numbers() -> None:
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _ended_child() -> int | None:
    """A child that has ended and was not waited for yet."""
    try:
        result = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return result.si_pid if result else None
