"""Workers on the nodes of a Ray cluster, as the driver sees them.

The driver itself holds nothing of Ray's: a broker process asks for places, and each node's
agent starts workers there. The connections of agents and workers come in through the
broker, which has made sure who they are, and are the driver's from then on.
"""

import contextlib
import dataclasses
import logging
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from multiprocessing import connection, reduction, spawn
from typing import Any

from tuner_component.search import errors, events
from tuner_component.search.machine import output, resources
from tuner_component.search.parallel import protocol, pulse
from tuner_component.search.parallel.engine import (
    Channel,
    Event,
    Place,
    WorkerExited,
    WorkerStarted,
)
from tuner_component.search.parallel.local import messages as local
from tuner_component.search.parallel.local.engine import (
    limit_stalls,
    pair,
    worker_channel,
)
from tuner_component.search.parallel.ray import (
    links,
    meeting,
    node_check,
    shipping,
)
from tuner_component.search.parallel.ray.log_stream import LogSink
from tuner_component.search.parallel.ray.messages import (
    Arrived,
    Beat,
    ClusterLost,
    Code,
    CodeWanted,
    Connect,
    EndAgent,
    LeaveOut,
    LogGrew,
    NodeLeaves,
    NodeLeftOut,
    NodeLost,
    NodeReady,
    NodeServes,
    NodeUnfit,
    PlaceClosed,
    PlaceOpened,
    Setup,
    StudySeen,
)
from tuner_component.search.parallel.ray.nodes import Node

_logger = logging.getLogger("tuner_component")

# The connection of an agent may end before Ray knows why.
_EXPLANATION_S = 3.0
# A worker's last words come over a connection of their own.
_LAST_WORDS_S = 2.0
# Ray tries for so long to reach a cluster.
_CONNECT_S = 180.0
# An agent looks at files and imports modules before its node is ready.
_SETUP_S = 1800.0
# Shorter limits than this would take a short break of the network for a node's death.
_SHORTEST_S = 15.0
# An agent ends before the driver gives its trials to others.
_AGENT_SHARE, _DRIVER_SHARE = 0.5, 0.8
# What of the environment decides how a model is trained. The rest is each node's own.
_ENVIRONMENT = ("KERAS_", "TF_", "XLA_", "JAX_", "PYTHONHASHSEED")
_DRIVER = "tuner_component.search.parallel.driver.main"
# Ray imports jsonschema, which checks addresses of the web with a library that takes three
# seconds to import, if it is installed; a broker has none to check.
_BOOTSTRAP = (
    "import sys; sys.path[:] = {path!r}; sys.modules['rfc3987_syntax'] = None; "
    "from tuner_component.search.parallel.ray import broker; "
    "broker.serve_descriptor({number})"
)


def connect(job: protocol.Job) -> "RayEngine":
    """Begins to use the cluster of a search; called in its driver."""
    return RayEngine(job)


class RayEngine:
    """Has the agents on a cluster's nodes start the workers.

    Args:
        job: The search.
    """

    def __init__(self, job: protocol.Job) -> None:
        self._job = job
        self._limit_s = max(job.options.heartbeat_timeout_s, _SHORTEST_S)
        self._token = secrets.token_hex(16)
        self._user_path = shipping.user_path(job.context.path)
        self._places: dict[int, PlaceOpened] = {}
        # Those on nodes that are ready, and what is told of them.
        self._opened: dict[int, PlaceOpened] = {}
        self._shown: dict[int, Place] = {}
        self._nodes: dict[str, Node] = {}
        self._left_out: list[str] = []
        # Where each worker runs, and the end of its connection that it will get.
        self._where: dict[str, Node] = {}
        self._expected: dict[str, tuple[Channel, connection.Connection]] = {}
        self._channels: dict[str, Channel] = {}
        self._exits: dict[str, tuple[WorkerExited, float]] = {}
        self._news: list[Event] = []
        self._told = -1
        self._is_connected = False
        self._looked = self._heard = time.monotonic()
        self._ready = select.epoll()
        self._logs = LogSink(job.logs)
        self._log = job.logs.process("cluster")
        self._wire = self._start_broker()
        self._ready.register(self._wire, select.EPOLLIN)

    def _start_broker(self) -> connection.Connection:
        ours, theirs = pair()
        with theirs, open(self._log, "ab") as log:
            code = _BOOTSTRAP.format(path=sys.path, number=theirs.fileno())
            # It ends with this process, whose connection to it ends.
            subprocess.Popen(
                [spawn.get_executable(), "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
            )
        name = os.path.basename(self._job.study_directory.rstrip("/"))
        ours.send(Connect(name, self._job.options))
        return ours

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are events."""
        return self._ready.fileno()

    def places(self) -> Mapping[int, Place]:
        """The places on nodes that are ready."""
        return self._shown

    def _environment(self, place: PlaceOpened) -> dict[str, str]:
        return {**self._threads(), **resources.gpu_environment(place.gpus, {})}

    def _threads(self) -> dict[str, str]:
        cpus = self._job.options.cpus_per_trial or 1
        return resources.thread_environment(1, cpus, {})

    def start(self, spec: protocol.WorkerSpec) -> Channel:
        """Starts a worker, and returns the driver's end of the connection to it."""
        node = self._nodes[self._places[spec.slot].node_id]
        ours, theirs = pair()
        channel = worker_channel(ours, links.WorkerLink)
        # Until the worker's own connection comes, this end of a pair stands for it.
        self._expected[spec.worker_id] = channel, theirs
        self._channels[spec.worker_id] = channel
        self._where[spec.worker_id] = node
        node.workers.add(spec.worker_id)
        node.send(local.StartWorker(spec))
        return channel

    def kill(self, worker_id: str) -> None:
        """Ends a worker at once; if its node does not answer, it ends with that."""
        if node := self._where.get(worker_id):
            node.send(local.KillWorker(worker_id))

    def events(self) -> list[Event]:
        """What has happened since the last call."""
        self._give_time()
        ready = {number for number, _ in self._ready.poll(0)}
        try:
            while self._wire.fileno() in ready and self._wire.poll():
                self._hear_broker(self._wire.recv())
        except (EOFError, OSError) as error:
            raise self._lost("the process that talks to it has ended") from error
        for node in list(self._nodes.values()):
            if node.lost_at is None and node.link.fileno() in ready:
                self._hear_agent(node)
        self._meet_deadlines()
        self._tell_places()
        news, self._news = self._news, []
        return news

    def _give_time(self) -> None:
        """Others are not to blame for the time in which this process did not run."""
        now = time.monotonic()
        late = now - self._looked - 2 * pulse.BEAT_S
        self._looked = now
        if late > 0:
            self._heard += late
            for node in self._nodes.values():
                node.heard += late

    def _hear_broker(self, message: Any) -> None:
        self._heard, self._is_connected = time.monotonic(), True
        if isinstance(message, Arrived):
            self._let_in(message)
        elif isinstance(message, PlaceOpened):
            self._places[message.slot] = message
        elif isinstance(message, PlaceClosed):
            self._places.pop(message.slot, None)
        elif isinstance(message, NodeLost):
            if node := self._nodes.get(message.node_id):
                self._lose(node, message)
        elif isinstance(message, NodeLeaves):
            if node := self._nodes.get(message.node_id):
                node.leaves = message.reason
                for worker_id in node.workers:
                    node.send(local.KillWorker(worker_id))
        elif isinstance(message, NodeLeftOut):
            self._warn_left_out(message.node, message.reason)
        elif isinstance(message, ClusterLost):
            left_out = "".join(f" Left out was {text}." for text in self._left_out)
            raise errors.SearchError(f"{message.reason}{left_out}")

    def _let_in(self, arrived: Arrived) -> None:
        """Takes over a connection."""
        handle, hello = reduction.recv_handle(self._wire), arrived.hello
        os.set_inheritable(handle, False)
        limit_stalls(handle)
        if hello.worker_id is None:
            link = links.Link(handle)
            node = Node(hello.node_id, hello.node, link, time.monotonic())
            if before := self._nodes.get(hello.node_id):
                self._lose(before, NodeLost(hello.node_id, "its agent began anew"))
            self._nodes[hello.node_id] = node
            self._ready.register(link, select.EPOLLIN)
            node.send(self._setup())
            return
        channel, theirs = self._expected.pop(hello.worker_id, (None, None))
        if channel is not None and theirs is not None:
            # The driver waits for this descriptor already; from now on it is the worker's.
            os.dup2(handle, channel.fileno(), inheritable=False)
            theirs.close()
        os.close(handle)

    def _setup(self) -> Setup:
        job = self._job
        return Setup(
            context=job.context,
            user_path=self._user_path,
            directory=os.getcwd(),
            environment={
                name: value
                for name, value in os.environ.items()
                if name.startswith(_ENVIRONMENT) and name != "TF_CONFIG"
            },
            threads={**self._threads(), "PYTORCH_NVML_BASED_CUDA_CHECK": "1"},
            preload=tuple(m for m in job.preload if m != _DRIVER),
            versions=node_check.versions(),
            study_directory=job.study_directory,
            token=self._token,
            reads=job.reads,
            lease_s=self._limit_s * _AGENT_SHARE,
        )

    def _hear_agent(self, node: Node) -> None:
        try:
            # What it says may be why it is not heard any more.
            while node.lost_at is None and node.link.poll():
                message = node.link.recv()
                node.heard = time.monotonic()
                self._see_to(node, message)
        except (EOFError, OSError):
            self._close(node)

    def _close(self, node: Node) -> None:
        if node.lost_at is None:
            self._ready.unregister(node.link)
            node.link.close()
            node.lost_at = time.monotonic()

    def _see_to(self, node: Node, message: Any) -> None:
        """Sees to what an agent has said."""
        if isinstance(message, Beat):
            node.send(message)
        elif isinstance(message, WorkerStarted):
            self._news.append(message)
        elif isinstance(message, WorkerExited):
            self._exited(node, message)
        elif isinstance(message, LogGrew):
            self._logs.take(message)
        elif isinstance(message, CodeWanted):
            wanted = set(message.directories) & set(self._user_path)
            node.send(Code({name: shipping.pack(name) for name in wanted}))
        elif isinstance(message, StudySeen):
            study = self._job.study_directory
            if not node_check.take_token(study, message.name, self._token):
                self._leave_out(node, f"{study} is not the same directory there")
        elif isinstance(message, NodeUnfit):
            self._leave_out(node, message.reason)
        elif isinstance(message, NodeReady):
            node.is_ready = True
            self._tell_broker(NodeServes(node.node_id))

    def _warn_left_out(self, node: str, reason: str) -> None:
        self._left_out.append(f"the node {node}: {reason}")
        _logger.warning(
            "The node %s of the cluster is left out: %s. All nodes need the same "
            "versions, and must see the same files: see docs/cluster.md.",
            node,
            reason,
        )

    def _leave_out(self, node: Node, reason: str) -> None:
        self._warn_left_out(node.name, reason)
        self._tell_broker(LeaveOut(node.node_id))
        self._lose(node, NodeLost(node.node_id, reason))

    def _tell_broker(self, message: Any) -> None:
        with contextlib.suppress(OSError):  # Its end will be noticed.
            self._wire.send(message)

    def _exited(self, node: Node, event: WorkerExited) -> None:
        """A worker has exited; that is told when all that it said has been heard."""
        node.workers.discard(event.worker_id)
        if self._where.pop(event.worker_id, None) is None:
            return
        if node.leaves:
            event = dataclasses.replace(event, lost=node.leaves, excused=True)
        if expected := self._expected.pop(event.worker_id, None):
            expected[1].close()
        self._exits[event.worker_id] = event, time.monotonic() + _LAST_WORDS_S

    def _lose(self, node: Node, lost: NodeLost) -> None:
        """An agent is gone, and its workers with it."""
        self._close(node)
        if self._nodes.get(node.node_id) is node:
            del self._nodes[node.node_id]
        for worker_id in list(node.workers):
            # If it can still hear that, it ends now, before its trial goes on elsewhere.
            meeting.hang_up(self._channels[worker_id], socket.SHUT_WR)
            self._exited(
                node,
                WorkerExited(
                    worker_id,
                    -signal.SIGKILL,
                    out_of_memory=lost.out_of_memory,
                    lost=lost.reason,
                    excused=lost.excused,
                ),
            )

    def _meet_deadlines(self) -> None:
        now = time.monotonic()
        limit = self._limit_s if self._is_connected else _CONNECT_S
        if now > self._heard + limit:
            raise self._lost(f"no sign of life from it for {limit:g} seconds")
        for node in list(self._nodes.values()):
            limit = self._limit_s * _DRIVER_SHARE if node.is_ready else _SETUP_S
            if node.lost_at is not None:
                if now > node.lost_at + _EXPLANATION_S:
                    self._give_up(node, f"its node {node.name} is gone")
            elif now > node.heard + limit:
                reason = f"no sign of life from its node for {limit:g} seconds"
                self._give_up(node, reason)
        for worker_id, (event, until) in list(self._exits.items()):
            if now >= until or _is_at_end(self._channels[worker_id]):
                del self._exits[worker_id], self._channels[worker_id]
                self._news.append(event)

    def _give_up(self, node: Node, reason: str) -> None:
        """Does without a node, of which the broker may think that all is well."""
        self._tell_broker(EndAgent(node.node_id))
        self._lose(node, NodeLost(node.node_id, reason))

    def _tell_places(self) -> None:
        ready = {node.node_id for node in self._nodes.values() if node.takes_workers}
        opened = {s: p for s, p in self._places.items() if p.node_id in ready}
        if opened != self._opened:
            self._opened = opened
            self._shown = {
                slot: Place(self._environment(place), place.node)
                for slot, place in opened.items()
            }
        if len(opened) != self._told:
            self._told = len(opened)
            nodes = len({place.node_id for place in opened.values()})
            wanted = self._job.options.num_workers
            self._news.append(events.PlacesChanged(self._told, wanted, nodes))

    def _lost(self, what: str) -> errors.SearchInterruptedError:
        """The error of a search whose cluster is gone."""
        cluster = self._job.options.cluster
        return errors.SearchInterruptedError(
            "Expected the cluster to be there until the search ends. Received: "
            f"{cluster.address if cluster else ''} is lost, {what}. "
            f"{errors.how_to_go_on(self._job.study_directory)} The log "
            f"{self._job.logs.public(self._log)} ends with:\n"
            f"{output.tail(self._log) or '(nothing)'}"
        )


def _is_at_end(channel: Channel) -> bool:
    """Whether all that a worker has sent was received, and no more can come."""
    try:
        with socket.socket(fileno=os.dup(channel.fileno())) as end:
            return not end.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
