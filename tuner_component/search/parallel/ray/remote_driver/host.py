"""Where the driver runs on a node of the cluster: an actor that starts it there.

It starts a fork server, as the executor does where the driver runs beside it. The driver
gets a connection of its own to the executor's machine, where `proxy` stands in for
the fork server. As an agent does, this process ends when its connection does, or when it
was not heard for too long (see `lease`), and takes the driver along: nothing may write to
the study that nobody waits for.
"""

import contextlib
import dataclasses
import functools
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import connection, reduction

import ray

from tuner_component.search.machine import posix
from tuner_component.search.parallel import logs, protocol, pulse
from tuner_component.search.parallel.local.engine import pair
from tuner_component.search.parallel.local.server_process import start_interpreter
from tuner_component.search.parallel.ray import meeting
from tuner_component.search.parallel.ray.engine import joining
from tuner_component.search.parallel.ray.lease import Lease
from tuner_component.search.parallel.ray.log_stream import LogTail
from tuner_component.search.parallel.ray.messages import (
    DRIVER,
    Beat,
    Hello,
    NodeReady,
    Setup,
)
from tuner_component.search.parallel.ray.node import arrival
from tuner_component.search.storage import files

# The fork server imports the heavy modules in this time, or never. Afterwards it hangs if
# it is silent for so long.
_IMPORTS_S = 1800.0
_SILENCE_S = 60.0
_CLEAN_UP_S = 10.0


class DriverHost:
    """The actor's class; `run` is its whole life."""

    def run(self, address: tuple[str, int], key: bytes) -> None:
        """Runs the driver of a search.

        Args:
            address: Host and port of the reception on the executor's machine.
            key: What those who connect there must know.
        """
        context = ray.get_runtime_context()
        node = ray.util.get_node_ip_address()
        os.environ[joining.NODE] = node  # For the driver's broker.
        hello = Hello(None, context.get_node_id(), node)
        with (
            meeting.call(address, key, hello) as link,
            tempfile.TemporaryDirectory(prefix="tuner_component_") as directory,
            contextlib.suppress(EOFError, OSError),  # It is all over.
        ):
            call = functools.partial(meeting.call, address, key)
            begun = arrival.begin(link, directory, call)
            if begun is not None:
                setup, path = begun
                link.send(NodeReady())
                job = _here(link.recv(), path, context.gcs_address)
                wire = dataclasses.replace(hello, worker_id=DRIVER)
                with meeting.call(address, key, wire) as theirs:
                    _Host(link, setup, hello.node).serve(job, theirs)
        arrival.end()


def _here(job: protocol.Job, path: list[str], address: str) -> protocol.Job:
    """A search as it is here.

    Args:
        job: As it was on the executor's machine.
        path: The module search path here.
        address: The cluster's: "auto" might be another one here.
    """
    assert job.options.cluster is not None
    cluster = dataclasses.replace(job.options.cluster, address=address)
    return dataclasses.replace(
        job,
        options=dataclasses.replace(job.options, cluster=cluster),
        context=dataclasses.replace(job.context, path=path),
    )


class _Host:
    def __init__(self, link: connection.Connection, setup: Setup, node: str) -> None:
        self._link, self._setup, self._node = link, setup, node

    def serve(self, job: protocol.Job, wire: connection.Connection) -> None:
        """Runs the driver until it ends, or must.

        Args:
            job: The search.
            wire: The driver's connection.
        """
        with logs.opened(job.study_directory) as here:
            # What is not written to where both machines see it is sent.
            self._tail = (
                LogTail(here.local, "logs") if files.is_remote(here.study) else None
            )
            job = dataclasses.replace(job, logs=here)
            with self._server(job, wire) as (pid, control):
                wire.close()
                lease = Lease(self._setup.lease_s)
                with lease.guarded(lambda: self._end(pid)):
                    self._watch(control, lease)

    def _end(self, server: int) -> None:
        print("The driver's node was not heard for too long.", flush=True)
        posix.kill_session(server)
        meeting.hang_up(self._link)

    @contextlib.contextmanager
    def _server(
        self, job: protocol.Job, wire: connection.Connection
    ) -> Iterator[tuple[int, connection.Connection]]:
        """A fork server, which ends with the context and takes the driver along.

        Yields:
            Its process, and the connection to it.
        """
        control, theirs = pair()
        log = job.logs.process(f"driver_server@{self._node}")
        with theirs:
            server = start_interpreter(theirs, log, self._setup.threads)
            theirs.close()
        try:
            control.send(job.context.path)
            control.recv()  # It will end with this process.
            control.send(job)
            reduction.send_handle(control, wire.fileno(), None)
            yield server.pid, control
        finally:
            control.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(_CLEAN_UP_S)
            posix.kill_session(server.pid)
            server.wait()

    def _watch(self, control: connection.Connection, lease: Lease) -> None:
        """Works until the fork server's last word, which is passed on."""
        server = pulse.Silence(_IMPORTS_S)
        next_beat = 0.0
        while not server.is_too_long:
            began = time.monotonic()
            ready = connection.wait([self._link, control], pulse.BEAT_S)
            server.waited(time.monotonic() - began)
            if self._link in ready and isinstance(beat := self._link.recv(), Beat):
                lease.renew(beat)
            if control in ready:
                word = control.recv()
                if not isinstance(word, protocol.Heartbeat):
                    self._send_logs()
                    self._link.send(word)
                    return
                server.broken(_SILENCE_S)
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + pulse.BEAT_S
                self._link.send(lease.beat())
                self._send_logs()

    def _send_logs(self) -> None:
        for grown in self._tail.news() if self._tail is not None else ():
            self._link.send(grown)
