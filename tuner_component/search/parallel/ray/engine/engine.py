"""Workers on the nodes of a Ray cluster, as the driver sees them.

The driver itself holds nothing of Ray's: a broker process asks for places, and each node's
agent starts workers there. The connections of agents and workers come in through the
broker, which has made sure who they are, and are the driver's from then on.
"""

import dataclasses
import itertools
import logging
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from tuner_component.search import errors, events
from tuner_component.search.machine import handles, resources
from tuner_component.search.parallel import protocol, pulse
from tuner_component.search.parallel.engine import (
    Channel,
    Event,
    Place,
    WorkerEnds,
    WorkerExited,
    WorkerStarted,
)
from tuner_component.search.parallel.local import messages as local
from tuner_component.search.parallel.local.engine import WorkerChannel, limit_stalls
from tuner_component.search.parallel.ray import lease, links
from tuner_component.search.parallel.ray.engine import gang, refusals
from tuner_component.search.parallel.ray.engine.broker_process import BrokerProcess
from tuner_component.search.parallel.ray.engine.introduction import Introduction
from tuner_component.search.parallel.ray.engine.nodes import Node
from tuner_component.search.parallel.ray.log_stream import LogSink
from tuner_component.search.parallel.ray.messages import (
    Arrived,
    Beat,
    ClusterLost,
    EndAgent,
    GiveBack,
    LargestWorker,
    LeaveOut,
    LogGrew,
    NodeDrains,
    NodeLeaves,
    NodeLeftOut,
    NodeLost,
    NodeReady,
    NodeRests,
    NodeServes,
    NodeUnfit,
    PlaceClosed,
    PlaceOpened,
    Resize,
    Share,
    StudySeen,
)
from tuner_component.search.training.gang import Gang

_logger = logging.getLogger("tuner_component")

# The connection of an agent may end before Ray knows why.
_EXPLANATION_S = 3.0
# An agent looks at files and imports modules before its node is ready.
_SETUP_S = 1800.0
# How often to look whether it is too late for something that has not come.
_LOOK_S = 0.2


def connect(job: protocol.Job) -> Callable[[], "RayEngine"]:
    """Begins to connect to the cluster of a search, and returns what makes its engine.

    To import Ray and to join a cluster takes seconds, in which others may import what they
    need. No place is asked for before there is the engine.
    """
    broker = BrokerProcess(job, lease.Limits.of(job.options).silence_s)
    return lambda: RayEngine(job, broker)


class RayEngine:
    """Has the agents on a cluster's nodes start the workers.

    Args:
        job: The search.
        broker: The broker, which has not been told yet that the search begins.
    """

    def __init__(self, job: protocol.Job, broker: BrokerProcess) -> None:
        self._job = job
        limits = lease.Limits.of(job.options)
        self._limit_s = limits.silence_s
        self._patience_s = limits.patience_s
        self._introduction = Introduction(job, limits.lease_s)
        self._places: dict[int, PlaceOpened] = {}
        # Those on nodes that are ready, and what is told of them.
        self._opened: dict[int, PlaceOpened] = {}
        self._shown: dict[int, Place] = {}
        self._told = (-1, -1)
        # How many places are wanted, which of those beyond are to be given back, and
        # which are taken by whom.
        self._wanted = job.options.num_workers
        self._surplus: set[int] = set()
        self._in: dict[str, int] = {}
        self._nodes: dict[str, Node] = {}
        self._left_out: list[str] = []
        self._where: dict[str, Node] = {}
        self._links = links.WorkerLinks()
        self._gangs = gang.Gangs(self._kill)
        self._news: list[Event] = []
        self._looked = time.monotonic()
        self._next_look = 0.0
        self._logs = LogSink(job.logs)
        self._broker = broker
        self._broker.begin()
        self._ready = select.epoll()
        self._ready.register(self._broker.wire, select.EPOLLIN)

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are events."""
        return self._ready.fileno()

    def places(self) -> Mapping[int, Place]:
        """The places on nodes that are ready."""
        return self._shown

    def resize(self, workers: int) -> None:
        """Asks the cluster for more places, or gives back those beyond so many."""
        self._surplus |= set(range(workers, self._wanted))
        self._surplus -= set(range(workers))
        self._wanted = workers
        self._broker.tell(Resize(workers))
        self._tell_places()

    def start(self, spec: protocol.WorkerSpec) -> Channel:
        """Starts a worker, and returns the driver's end of the connection to it."""
        shares = self._places[spec.slot].shares
        if len(shares) == 1:
            return self._start(spec, shares[0])
        addresses = [self._nodes[share.node_id].next_address() for share in shares]
        channels = {}
        for rank, share in enumerate(shares):
            finds = gang.environment(rank, addresses)
            member = dataclasses.replace(
                spec,
                worker_id=gang.member_id(spec.worker_id, rank),
                environment={**spec.environment, **self._share(share), **finds},
                gang=Gang(rank, len(shares)),
            )
            channels[member.worker_id] = self._start(member, share)
        return self._gangs.add(spec.worker_id, channels)

    def _start(self, spec: protocol.WorkerSpec, share: Share) -> WorkerChannel:
        node = self._nodes[share.node_id]
        self._where[spec.worker_id] = node
        self._in[spec.worker_id] = spec.slot
        node.workers.add(spec.worker_id)
        node.send(local.StartWorker(spec))
        return self._links.expect(spec.worker_id)

    def kill(self, worker_id: str) -> None:
        """Ends a worker at once; if its node does not answer, it ends with that."""
        if not self._gangs.end(worker_id):
            self._kill(worker_id)

    def _kill(self, worker_id: str) -> None:
        if node := self._where.get(worker_id):
            node.send(local.KillWorker(worker_id))

    def events(self) -> list[Event]:
        """What has happened since the last call."""
        self._give_time()
        found = self._ready.poll(0)
        # Workers speak hundreds of times a second, of which nothing here is changed.
        if not (found or self._links.some_end) and self._looked < self._next_look:
            return []
        self._next_look = self._looked + _LOOK_S
        self._hear({number for number, _ in found})
        self._meet_deadlines()
        self._tell_places()
        news, self._news = self._news, []
        return news

    def _hear(self, ready: set[int]) -> None:
        if self._broker.wire.fileno() in ready:
            while (message := self._broker.news()) is not None:
                self._hear_broker(message)
        for node in list(self._nodes.values()):
            if node.lost_at is None and node.link.fileno() in ready:
                self._hear_agent(node)

    def _give_time(self) -> None:
        """Others are not to blame for the time in which this process did not run."""
        now = time.monotonic()
        late = now - self._looked - 2 * pulse.BEAT_S
        self._looked = now
        if late > 0:
            self._broker.heard += late
            for node in self._nodes.values():
                node.heard += late

    def _hear_broker(self, message: Any) -> None:
        if isinstance(message, Arrived):
            self._let_in(message)
        elif isinstance(message, PlaceOpened):
            self._places[message.slot] = message
        elif isinstance(message, PlaceClosed):
            self._places.pop(message.slot, None)
        elif isinstance(message, NodeLost):
            if node := self._nodes.get(message.node_id):
                self._lose(node, message)
        elif isinstance(message, NodeDrains):
            if node := self._nodes.get(message.node_id):
                print(f"The node {node.name} will be taken away.", flush=True)
                node.drains = True
                self._tell_of_ends()
        elif isinstance(message, NodeLeaves):
            if node := self._nodes.get(message.node_id):
                node.leaves = message.reason
                for worker_id in node.workers:
                    node.send(local.KillWorker(worker_id))
        elif isinstance(message, NodeLeftOut):
            self._warn_left_out(message.node, message.reason)
        elif isinstance(message, NodeRests):
            _logger.warning(
                refusals.rests(message.node, message.reason, message.seconds)
            )
        elif isinstance(message, ClusterLost):
            left_out = "".join(f" Left out was {text}." for text in self._left_out)
            raise errors.SearchError(f"{message.reason}{left_out}")

    def _let_in(self, arrived: Arrived) -> None:
        """Takes over a connection."""
        handle, hello = handles.receive(self._broker.wire), arrived.hello
        os.set_inheritable(handle, False)
        limit_stalls(handle)
        if hello.worker_id is None:
            link = links.Link(handle)
            node = Node(hello.node_id, hello.node, link, time.monotonic())
            if before := self._nodes.get(hello.node_id):
                self._lose(before, NodeLost(hello.node_id, "its agent began anew"))
            self._nodes[hello.node_id] = node
            self._ready.register(link, select.EPOLLIN)
            node.send(self._introduction.setup())
            return
        if self._links.let_in(hello.worker_id, handle):
            self._gangs.connected(hello.worker_id)
            # What was said before to one that had no connection, it has not heard.
            self._tell_of_ends()

    def _tell_of_ends(self) -> None:
        ending = [WorkerEnds(w) for w, node in self._where.items() if node.drains]
        self._news += self._gangs.told(ending)

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
            self._news += self._gangs.told([message])
        elif isinstance(message, WorkerExited):
            self._exited(node, message)
        elif isinstance(message, LargestWorker):
            node.largest = message.worker_id
        elif isinstance(message, LogGrew):
            self._logs.take(message)
        elif isinstance(message, (StudySeen, NodeUnfit)):
            if reason := self._introduction.why_unfit(message):
                self._leave_out(node, reason)
        elif isinstance(message, NodeReady):
            node.is_ready = True
            node.ports = itertools.cycle(message.ports)
            self._broker.tell(NodeServes(node.node_id))

    def _warn_left_out(self, node: str, reason: str) -> None:
        self._left_out.append(f"the node {node}: {reason}")
        _logger.warning(refusals.left_out(node, reason))

    def _leave_out(self, node: Node, reason: str) -> None:
        self._warn_left_out(node.name, reason)
        self._broker.tell(LeaveOut(node.node_id))
        self._lose(node, NodeLost(node.node_id, reason))

    def _exited(self, node: Node, event: WorkerExited) -> None:
        """A worker has exited; that is told when all that it said has been heard."""
        node.workers.discard(event.worker_id)
        self._in.pop(event.worker_id, None)
        if self._where.pop(event.worker_id, None) is None:
            return
        if node.leaves:
            event = dataclasses.replace(event, lost=node.leaves, excused=True)
        self._links.ended(event)

    def _lose(self, node: Node, lost: NodeLost) -> None:
        """An agent is gone, and its workers with it."""
        self._close(node)
        if self._nodes.get(node.node_id) is node:
            del self._nodes[node.node_id]
        to_blame = {w for w in node.workers if node.is_to_blame(w)}
        for worker_id in list(node.workers):
            # If it can still hear that, it ends now, before its trial goes on elsewhere.
            self._links.hang_up(worker_id)
            self._exited(
                node,
                WorkerExited(
                    worker_id,
                    -signal.SIGKILL,
                    out_of_memory=lost.out_of_memory and worker_id in to_blame,
                    lost=lost.reason,
                    excused=lost.excused,
                ),
            )

    def _meet_deadlines(self) -> None:
        self._broker.require_life()
        now = time.monotonic()
        for node in list(self._nodes.values()):
            limit = self._patience_s if node.is_ready else _SETUP_S
            if node.lost_at is not None:
                if now > node.lost_at + _EXPLANATION_S:
                    self._give_up(node, f"its node {node.name} is gone")
            elif now > node.heard + limit:
                reason = f"no sign of life from its node for {limit:g} seconds"
                self._give_up(node, reason)
        self._gangs.meet_deadlines()
        self._news += self._gangs.told(self._links.exits())

    def _give_up(self, node: Node, reason: str) -> None:
        """Does without a node, of which the broker may think that all is well."""
        self._broker.tell(EndAgent(node.node_id))
        self._lose(node, NodeLost(node.node_id, reason))

    def _tell_places(self) -> None:
        for slot in self._surplus.difference(self._in.values()):
            self._surplus.discard(slot)
            self._places.pop(slot, None)
            self._broker.tell(GiveBack(slot))
        ready = {node.node_id for node in self._nodes.values() if node.takes_workers}
        opened = {
            slot: place
            for slot, place in self._places.items()
            if place.node_ids <= ready and slot < self._wanted
        }
        if opened != self._opened:
            self._opened = opened
            self._shown = {
                slot: Place(self._share(place.shares[0]), place.shares[0].node)
                for slot, place in opened.items()
            }
        if (told := (len(opened), self._wanted)) != self._told:
            self._told = told
            nodes = len({n for place in opened.values() for n in place.node_ids})
            self._news.append(events.PlacesChanged(*told, nodes))

    def _share(self, share: Share) -> dict[str, str]:
        """The variables that give a process what belongs to its place."""
        gpus = resources.gpu_environment(share.gpus, {})
        return {**self._introduction.threads(), **gpus}
