"""A place for the driver in a cluster, as the executor's machine sees it."""

import collections
import contextlib
import logging
import math
import os
import secrets
import select
import socket
import time
from multiprocessing import connection
from typing import Any

import ray
from ray._private.state import state as cluster_state
from ray.exceptions import RayError

from tuner_component.search import errors
from tuner_component.search.machine import handles, output
from tuner_component.search.parallel import protocol, pulse
from tuner_component.search.parallel.local.engine import limit_stalls, pair
from tuner_component.search.parallel.local.messages import DriverExited, Unfit
from tuner_component.search.parallel.ray import (
    lease,
    links,
    log_stream,
    meeting,
    shipping,
)
from tuner_component.search.parallel.ray.engine import (
    introduction,
    joining,
    places,
    refusals,
)
from tuner_component.search.parallel.ray.engine.nodes import Node
from tuner_component.search.parallel.ray.messages import (
    Arrived,
    Beat,
    CodeWanted,
    LogGrew,
    NodeReady,
    NodeUnfit,
    StudySeen,
)
from tuner_component.search.parallel.ray.remote_driver.host import DriverHost
from tuner_component.search.parallel.ray.remote_driver.wire import DriverWire

# What the driver and its oracle need.
_CPUS = 1
# A node looks at files in this time, or never.
_SETUP_S = 1800.0
# The connection may end before Ray knows why, and the other way round.
_EXPLANATION_S = 3.0
# A node where its actor ends so often before there is a driver is left out.
_MOST_DEATHS = 3
# Until what runs on the node has ended, after it was told to.
_CLEAN_UP_S = 8.0


class DriverPlace:
    """Has the driver run on a node of the cluster.

    Args:
        job: The search.
        control: Connection to the executor, where the fork server's words are expected.
        wire: What executor and driver say to each other.
    """

    def __init__(
        self, job: protocol.Job, control: connection.Connection, wire: DriverWire
    ) -> None:
        self._job, self._control, self._wire = job, control, wire
        assert job.options.cluster is not None
        self._cluster = job.options.cluster
        limits = lease.Limits.of(job.options)
        self._patience_s = limits.patience_s
        self._introduction = introduction.Introduction(job, limits.lease_s)
        self._code = shipping.Archives(shipping.user_path(job.context.path))
        self._logs = log_stream.LogSink(job.logs)
        self._arrivals, self._reception_end = pair()
        self._key = secrets.token_bytes(32)
        self._host: Any = None
        self._node: Node | None = None
        self._silence = pulse.Silence(math.inf)
        self._ended_at: float | None = None
        self._left_out: dict[str, str] = {}
        self._deaths: collections.Counter[str] = collections.Counter()
        self._has_begun = False
        self._next_look = 0.0

    def serve(self) -> Unfit | DriverExited | None:
        """Works until the fork server's last word, or until the executor is gone.

        Returns:
            That word; None if the executor is gone.

        Raises:
            SearchError: If the driver cannot be started.
            SearchInterruptedError: If it is lost.
        """
        try:
            joining.join(self._cluster.address)
        except joining.Unreachable as error:
            # The executor could not import that class without Ray.
            raise errors.SearchError(str(error)) from error
        reception = meeting.Reception(
            ray.util.get_node_ip_address(), self._key, self._hand_over
        )
        self._address = reception.address
        try:
            return self._serve()
        except RayError as error:
            raise self._lost(
                f"the cluster {self._cluster.address} is lost, "
                f"{refusals.first_line(error)}"
            ) from error

    def _serve(self) -> Unfit | DriverExited | None:
        self._ask()
        while True:
            began = time.monotonic()
            ready = connection.wait(self._sources(), pulse.BEAT_S)
            self._silence.waited(time.monotonic() - began)
            if self._control in ready:
                return None  # All that comes there is its end.
            if self._arrivals in ready:
                self._let_in()
            if (word := self._hear()) is not None:
                return word
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + pulse.BEAT_S
                self._beat()
                self._look()

    def close(self) -> None:
        """Has what runs on the node end, and waits for that."""
        node = self._node
        if node is not None and node.lost_at is None:
            meeting.hang_up(node.link, socket.SHUT_WR)
            until = time.monotonic() + _CLEAN_UP_S
            with contextlib.suppress(EOFError, OSError):
                while connection.wait([node.link], until - time.monotonic()):
                    if isinstance(grown := node.link.recv(), LogGrew):
                        self._logs.take(grown)
        if self._host is not None:
            with contextlib.suppress(RayError):
                ray.kill(self._host)

    def _sources(self) -> list[Any]:
        sources: list[Any] = [self._control, self._arrivals]
        if self._node is not None and self._node.lost_at is None:
            sources.append(self._node.link)
        return sources

    def _ask(self) -> None:
        """Asks for a place on a node that is not left out."""
        study = os.path.basename(self._job.study_directory.rstrip("/"))
        self._host = _RemoteHost.options(
            name=f"tuner_component/{study}/{secrets.token_hex(3)}/driver",
            label_selector=places.elsewhere(self._left_out),
        ).remote()
        self._run = self._host.run.remote(self._address, self._key)
        self._asked = time.monotonic()
        self._tell(logging.INFO, f"The driver waits for a node with {_CPUS} CPU free.")

    def _hand_over(self, word: Any, channel: connection.Connection) -> None:
        """Takes a connection from the reception's threads; no two come at a time."""
        if isinstance(word, CodeWanted):
            try:
                self._code.answer(word, channel)
            except errors.SearchError as error:
                self._reception_end.send(error)
            return
        self._reception_end.send(Arrived(word))
        handles.send(self._reception_end, channel)

    def _let_in(self) -> None:
        arrived: Arrived | errors.SearchError = self._arrivals.recv()
        if isinstance(arrived, errors.SearchError):
            raise arrived
        hello = arrived.hello
        handle = handles.receive(self._arrivals)
        if hello.worker_id is not None:
            self._wire.connect(connection.Connection(handle))
            return
        limit_stalls(handle)
        link = links.Link(handle)
        self._node = Node(hello.node_id, hello.node, link, time.monotonic())
        self._silence.broken(_SETUP_S)
        self._node.send(self._introduction.setup())

    def _hear(self) -> Unfit | DriverExited | None:
        """Hears what has come from the node; returns the fork server's last word."""
        node = self._node
        if node is None:
            return None
        try:
            while node.lost_at is None and node.link.poll():
                message = node.link.recv()
                if isinstance(message, (Unfit, DriverExited)):
                    return message
                self._see_to(node, message)
        except (EOFError, OSError):
            _close(node)
        return None

    def _see_to(self, node: Node, message: Any) -> None:
        if isinstance(message, Beat):
            self._silence.broken(self._patience_s)
            node.send(message)
        elif isinstance(message, LogGrew):
            self._logs.take(message)
        elif isinstance(message, (StudySeen, NodeUnfit)):
            if reason := self._introduction.why_unfit(message):
                self._leave_out(node.node_id, node.name, reason)
        elif isinstance(message, NodeReady):
            self._tell(logging.INFO, f"The driver runs on the node {node.name}.")
            node.send(self._job)
            self._has_begun = True

    def _leave_out(self, node_id: str, name: str, reason: str) -> None:
        self._tell(logging.WARNING, refusals.left_out(name, reason))
        self._left_out[node_id] = f"the node {name}: {reason}"
        able = {n["NodeID"] for n in _alive() if n["Resources"].get("CPU", 0) >= _CPUS}
        if able <= self._left_out.keys():
            raise errors.SearchError(
                "Expected a node of the cluster that can run the search's driver. "
                "Received: none. Left out was "
                f"{'; '.join(self._left_out.values())}. {refusals.REMEDY}"
            )
        self._ask_again()

    def _ask_again(self) -> None:
        """Asks for another place: there is no driver on the node that was found."""
        if self._node is not None:
            _close(self._node)
        self._node, self._ended_at = None, None
        self._silence.broken(math.inf)
        ray.kill(self._host)
        self._ask()

    def _lost_too_soon(self) -> None:
        """The actor has ended before there was a driver: its node may be dying."""
        where = cluster_state.actor_table(self._host._actor_id.hex())["Address"]
        node_id, name = str(where["NodeID"]), str(where["IPAddress"])
        reason = self._said()
        self._deaths[node_id] += 1
        if self._deaths[node_id] >= _MOST_DEATHS:
            self._leave_out(node_id, name, reason)
        else:
            self._tell(logging.INFO, f"No driver on the node {name}: {reason}.")
            self._ask_again()

    def _beat(self) -> None:
        """Shows the executor that this process is alive, unless it does not look."""
        _, writable, _ = select.select([], [self._control], [], 0)
        if writable:
            with contextlib.suppress(OSError):  # Its end will be noticed.
                self._control.send(protocol.Heartbeat())

    def _look(self) -> None:
        """Makes sure that there is a driver, or can still be one."""
        now, node = time.monotonic(), self._node
        if node is not None and self._silence.is_too_long:
            limit = self._silence.limit_s
            raise self._lost(
                f"no sign of life from {_name(node)} for {limit:g} seconds"
            )
        ended, _ = ray.wait([self._run], timeout=0)
        if ended and self._ended_at is None:
            self._ended_at = now
        signs = (self._ended_at, node.lost_at if node is not None else None)
        gone = [since for since in signs if since is not None]
        if len(gone) > 1 or (gone and now > gone[0] + _EXPLANATION_S):
            if self._has_begun:
                raise self._why()
            self._lost_too_soon()
        elif node is None and now > self._asked + self._cluster.wait_s:
            raise errors.SearchError(
                "Expected a place for the search's driver in the cluster within "
                f"{self._cluster.wait_s:g} seconds: a node with {_CPUS} CPU free. "
                "Received: none. Add nodes, wait until other jobs give theirs back "
                "(wait_seconds), or have the driver run here: leave driver_on_cluster "
                "out."
            )

    def _said(self) -> str:
        """Why the actor has ended, as far as Ray can tell."""
        try:
            if self._ended_at is not None:
                ray.get(self._run)
        except RayError as error:
            return refusals.first_line(error)
        return "it has ended"

    def _why(self) -> errors.SearchError:
        """The error of a search whose driver has gone."""
        said, node = self._said(), self._node
        assert node is not None
        if node.node_id not in {n["NodeID"] for n in _alive()}:
            return self._lost(f"{_name(node)} has died")
        return self._lost(f"{_name(node)} has no process of it any more: {said}")

    def _lost(self, what: str) -> errors.SearchInterruptedError:
        log = self._job.logs.process("driver")
        return errors.SearchInterruptedError(
            f"Expected the search to run to its end. Received: {what}. "
            f"{errors.how_to_go_on(self._job.study_directory)} The log "
            f"{self._job.logs.public(log)} ends with:\n{output.tail(log) or '(nothing)'}"
        )

    def _tell(self, level: int, text: str) -> None:
        self._wire.send(protocol.Logged("tuner_component", level, text))


_RemoteHost = ray.remote(num_cpus=_CPUS, max_restarts=0)(DriverHost)


def _alive() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def _name(node: Node) -> str:
    return f"the driver's node {node.name}"


def _close(node: Node) -> None:
    if node.lost_at is None:
        node.link.close()
        node.lost_at = time.monotonic()
