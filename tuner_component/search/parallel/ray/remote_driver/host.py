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
import tempfile
import time
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

import ray

from tuner_component.search.machine import handles, posix, ray_package
from tuner_component.search.parallel import logs, protocol, pulse
from tuner_component.search.parallel.ray import meeting
from tuner_component.search.parallel.ray.lease import Lease
from tuner_component.search.parallel.ray.log_stream import LogTail
from tuner_component.search.parallel.ray.messages import (
    DRIVER,
    Beat,
    Hello,
    NodeReady,
    Setup,
)
from tuner_component.search.parallel.ray.node import arrival, server
from tuner_component.search.storage import files


class DriverHost:
    """The actor's class; `run` is its whole life."""

    def run(self, address: tuple[str, int], key: bytes) -> None:
        """Runs the driver of a search.

        Args:
            address: Host and port of the reception on the executor's machine.
            key: What those who connect there must know.

        Raises:
            server.ServerLostError: If the driver cannot be started here, or is lost.
        """
        context = ray.get_runtime_context()
        node = ray.util.get_node_ip_address()
        os.environ[ray_package.NODE] = node  # For the driver's broker.
        hello = Hello(None, context.get_node_id(), node)
        try:
            with (
                meeting.call(address, key, hello) as link,
                tempfile.TemporaryDirectory(prefix="tuner_component_") as directory,
                contextlib.suppress(EOFError, OSError),  # It is all over.
            ):
                call = functools.partial(meeting.call, address, key)
                begun = arrival.begin(link, directory, call)
                if begun is not None:
                    setup, path = begun
                    _Host(link, call, hello, setup).serve(path, context.gcs_address)
        finally:
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
    def __init__(
        self,
        link: connection.Connection,
        call: Callable[[Any], connection.Connection],
        hello: Hello,
        setup: Setup,
    ) -> None:
        self._link, self._call, self._hello, self._setup = link, call, hello, setup

    def serve(self, path: list[str], address: str) -> None:
        """Runs the driver until it ends, or must.

        Args:
            path: The module search path here.
            address: The cluster's.
        """
        with logs.opened(self._setup.study_directory) as here:
            # What is not written to where both machines see it is sent.
            self._tail = (
                LogTail(here.local, "logs") if files.is_remote(here.study) else None
            )
            log = here.process(f"driver_server@{self._hello.node}")
            with server.started(log, self._setup.threads, path) as (pid, control):
                self._link.send(NodeReady())
                job = _here(self._link.recv(), path, address)
                wire = dataclasses.replace(self._hello, worker_id=DRIVER)
                with self._call(wire) as theirs:
                    control.send(dataclasses.replace(job, logs=here))
                    handles.send(control, theirs)
                lease = Lease(self._setup.lease_s)
                with lease.guarded(lambda: self._end(pid)):
                    self._watch(control, lease)

    def _end(self, pid: int) -> None:
        print("The driver's node was not heard for too long.", flush=True)
        posix.kill_session(pid)
        meeting.hang_up(self._link)

    def _watch(self, control: connection.Connection, lease: Lease) -> None:
        """Works until the fork server's last word, which is passed on."""
        silence = pulse.Silence(server.IMPORTS_S)
        next_beat = 0.0
        while not silence.is_too_long:
            began = time.monotonic()
            ready = connection.wait([self._link, control], pulse.BEAT_S)
            silence.waited(time.monotonic() - began)
            if self._link in ready and isinstance(beat := self._link.recv(), Beat):
                lease.renew(beat)
            if control in ready:
                try:
                    word = control.recv()
                except EOFError as error:
                    ended = "its fork server has ended"
                    raise server.ServerLostError(ended) from error
                if not isinstance(word, protocol.Heartbeat):
                    self._send_logs()
                    self._link.send(word)
                    return
                silence.broken(server.SILENCE_S)
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + pulse.BEAT_S
                self._link.send(lease.beat())
                self._send_logs()
        raise server.ServerLostError(
            f"no sign of life from its fork server for {silence.limit_s:g} seconds"
        )

    def _send_logs(self) -> None:
        for grown in self._tail.news() if self._tail is not None else ():
            self._link.send(grown)
