"""The agent: starts, watches and ends the workers of one node.

It is an actor of Ray, one on each node. It starts a fork server there, as the executor
does on its own machine, so that the heavy modules are imported once; and it hands each
worker a connection of its own to the driver, whose messages it never sees.

It ends when its connection to the driver does, or when the driver has not heard of it for
too long (see `lease`): then the driver gives the trials to others, and nothing here may go
on with them.
"""

import contextlib
import dataclasses
import functools
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import connection
from typing import Any

from tuner_component.search.machine import handles, output, posix
from tuner_component.search.parallel import protocol, pulse
from tuner_component.search.parallel.engine import EngineLost, WorkerExited
from tuner_component.search.parallel.local import messages as local
from tuner_component.search.parallel.local.engine import LocalEngine, pair
from tuner_component.search.parallel.logs import Logs
from tuner_component.search.parallel.ray import meeting
from tuner_component.search.parallel.ray.lease import Lease
from tuner_component.search.parallel.ray.log_stream import LogTail
from tuner_component.search.parallel.ray.messages import (
    Beat,
    Hello,
    LargestWorker,
    NodeReady,
    NodeUnfit,
    Setup,
)
from tuner_component.search.parallel.ray.node import arrival, ports, server
from tuner_component.search.parallel.ray.node.memory_use import MemoryUse


class Agent:
    """The actor's class; `run` is its whole life."""

    def run(
        self, address: tuple[str, int], key: bytes, node_id: str, node: str
    ) -> None:
        """Serves a search until the driver has no more use for this node.

        Args:
            address: Host and port of the driver's reception.
            key: The search's key.
            node_id: This node, as Ray calls it.
            node: The same, as people call it.

        Raises:
            server.ServerLostError: If nothing can run here, or all that ran here has ended.
        """
        hello = Hello(None, node_id, node)
        try:
            with (
                meeting.call(address, key, hello) as link,
                tempfile.TemporaryDirectory(prefix="tuner_component_") as directory,
                contextlib.suppress(EOFError, OSError),  # It is all over.
            ):
                call = functools.partial(meeting.call, address, key)
                _Node(link, call, hello, directory).serve()
        finally:
            arrival.end()


class _Node:
    def __init__(
        self,
        link: connection.Connection,
        call: Callable[[Any], connection.Connection],
        hello: Hello,
        directory: str,
    ) -> None:
        self._link, self._call, self._hello = link, call, hello
        self._code = os.path.join(directory, "code")
        self._logs = os.path.join(directory, "logs")
        os.makedirs(os.path.join(self._logs, "logs"))
        self._tail = LogTail(self._logs)
        self._memory, self._largest = MemoryUse(), ""

    def serve(self) -> None:
        begun = arrival.begin(self._link, self._code, self._call)
        if begun is None:
            return
        setup, path = begun
        self._context = dataclasses.replace(setup.context, path=path)
        self._study = setup.study_directory
        modules = setup.preload
        while True:
            with self._server(setup, path, modules) as started:
                unfit = self._serve(*started, Lease(setup.lease_s))
            if not isinstance(unfit, local.Unfit):
                return
            modules = tuple(name for name in modules if name != unfit.module)

    @contextlib.contextmanager
    def _server(
        self, setup: Setup, path: list[str], modules: tuple[str, ...]
    ) -> Iterator[tuple[int, connection.Connection, LocalEngine]]:
        """A fork server, which ends with the context and takes all workers along.

        Yields:
            Its process, and the two connections to it.
        """
        client, served = pair()
        self._log = f"server@{self._hello.node}"
        log = Logs(self._logs, setup.study_directory).process(self._log)
        try:
            with (
                client,
                served,
                server.started(log, setup.threads, path) as (
                    pid,
                    control,
                ),
            ):
                control.send(local.WorkersOnly(self._context.argv, modules))
                handles.send(control, served)
                served.close()
                yield pid, control, LocalEngine(client)
        finally:
            self._send_logs()

    def _serve(
        self,
        server_pid: int,
        control: connection.Connection,
        engine: LocalEngine,
        lease: Lease,
    ) -> Any:
        """Works until the connection to the driver ends, or the fork server does.

        Returns:
            The fork server's last word.
        """

        def end() -> None:
            print("The driver has not heard of this node for too long.", flush=True)
            posix.kill_session(server_pid)
            meeting.hang_up(self._link)

        with lease.guarded(end):
            return self._serve_under(lease, control, engine)

    def _disk_is_full(self) -> bool:
        """Whether nothing can run here any more, which the driver is told."""
        if not Logs(self._logs, self._study).are_full:
            return False
        place = tempfile.gettempdir()
        self._link.send(NodeUnfit(f"no space is left in its directory {place}"))
        return True

    def _serve_under(
        self, lease: Lease, control: connection.Connection, engine: LocalEngine
    ) -> Any:
        silence = pulse.Silence(server.IMPORTS_S)
        is_ready = False
        next_beat = 0.0
        while not silence.is_too_long:
            began = time.monotonic()
            sources: list[Any] = [self._link, control, engine]
            ready: list[Any] = connection.wait(sources, pulse.BEAT_S)
            silence.waited(time.monotonic() - began)
            if self._link in ready:
                message = self._link.recv()
                if isinstance(message, Beat):
                    lease.renew(message)
                else:
                    self._obey(message, engine)
            if control in ready:
                try:
                    word = control.recv()
                except EOFError as error:
                    raise self._lost("its fork server has ended") from error
                if isinstance(word, local.Unfit):
                    return word
                silence.broken(server.SILENCE_S)
                if not is_ready:
                    is_ready = True
                    self._link.send(NodeReady(ports.free()))
            if engine in ready and not self._pass_on(engine):
                return None
            if time.monotonic() >= next_beat:
                if self._disk_is_full():
                    return None
                next_beat = time.monotonic() + pulse.BEAT_S
                self._link.send(lease.beat())
                self._send_logs()
                self._tell_largest()
        limit = f"{silence.limit_s:g} seconds"
        raise self._lost(f"no sign of life from its fork server for {limit}")

    def _lost(self, what: str) -> server.ServerLostError:
        return server.ServerLostError(f"{what}; its log is {self._log}.log")

    def _obey(self, message: Any, engine: LocalEngine) -> None:
        if isinstance(message, local.StartWorker):
            self._start(message.spec, engine)
        elif isinstance(message, local.KillWorker):
            engine.kill(message.worker_id)

    def _start(self, spec: protocol.WorkerSpec, engine: LocalEngine) -> None:
        logs = Logs(self._logs, spec.study_directory, is_copy=True)
        here = dataclasses.replace(spec, context=self._context, logs=logs)
        try:
            hello = dataclasses.replace(self._hello, worker_id=spec.worker_id)
            with self._call(hello) as channel:
                engine.start_with(here, channel)
        except OSError as error:
            print(f"{spec.worker_id} cannot reach the driver: {error}", flush=True)
            self._link.send(
                WorkerExited(spec.worker_id, -signal.SIGHUP, lost=str(error))
            )

    def _pass_on(self, engine: LocalEngine) -> bool:
        """Passes on what happens to workers; False if it is the node's fault."""
        try:
            happened = engine.events()
        except EngineLost as error:
            raise self._lost("its fork server has ended") from error
        for event in happened:
            self._memory.note(event)
            if isinstance(event, WorkerExited):
                # What it printed last comes before its end, which people ask about.
                self._send_logs()
                if self._disk_is_full():
                    return False
            self._link.send(event)
        return True

    def _tell_largest(self) -> None:
        before, self._largest = self._largest, self._memory.largest()
        if self._largest != before:
            self._link.send(LargestWorker(self._largest))

    def _send_logs(self) -> None:
        output.flush()
        for grown in self._tail.news():
            self._link.send(grown)
