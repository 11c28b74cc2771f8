"""The broker: the driver's go-between with Ray.

A process of its own, since Ray ends a process that has lost its cluster, and the driver
owns the study. It asks the cluster for places, keeps an agent on each node that has one,
lets in those who know the search's key, and tells the driver what happens.
"""

import contextlib
import logging
import math
import os
import secrets
import sys
import threading
import time
from collections.abc import Mapping
from multiprocessing import connection
from typing import Any, NoReturn

import ray
from ray._private.state import state as cluster_state
from ray.exceptions import OutOfMemoryError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tuner_component.search.errors import SearchError
from tuner_component.search.machine import handles, posix
from tuner_component.search.parallel import protocol, pulse
from tuner_component.search.parallel.ray import meeting, shipping
from tuner_component.search.parallel.ray.engine import (
    deaths,
    joining,
    places,
    refusals,
)
from tuner_component.search.parallel.ray.messages import (
    Arrived,
    ClusterLost,
    CodeWanted,
    Connect,
    EndAgent,
    GiveBack,
    Hello,
    LeaveOut,
    NodeDrains,
    NodeLeaves,
    NodeLeftOut,
    NodeLost,
    NodeRests,
    NodeServes,
    PlaceOpened,
    Resize,
)
from tuner_component.search.parallel.ray.node.agent import Agent

# How often to look at the cluster while places are wanted, and when all are there.
_EAGER_S = 0.2
_CALM_S = 1.0
# What runs on a node that is taken away ends so long before it is.
_BEFORE_THE_END_S = 5.0


def main(wire: connection.Connection) -> NoReturn:
    """Serves a driver until it is gone.

    Args:
        wire: Connection to the driver: `Connect` and `AskForPlaces` come first.
    """
    posix.die_with_parent()
    logging.basicConfig(level=logging.INFO)
    driver = _Driver(wire)
    try:
        Broker(driver, wire.recv()).serve()
    except (EOFError, OSError):
        pass  # The driver is gone.
    except joining.Unreachable as error:
        driver.send(ClusterLost(str(error)))
    # Not by way of Ray's own end, which waits for a cluster that may be gone.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class _Driver:
    """Sends to the driver, from any thread."""

    def __init__(self, wire: connection.Connection) -> None:
        self.wire = wire
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        with self._lock:
            self.wire.send(message)

    def hand_over(self, hello: Hello, channel: connection.Connection) -> None:
        """Gives the driver a connection that has been made."""
        with self._lock:
            self.wire.send(Arrived(hello))
            handles.send(self.wire, channel)


class Broker:
    """Keeps places and agents in a cluster.

    Args:
        driver: Told what happens.
        connect: Which cluster, and what for.

    Raises:
        EOFError: If the driver is gone, or needs no workers.
        joining.Unreachable: If there is no such cluster.
    """

    def __init__(self, driver: _Driver, connect: Connect) -> None:
        self._driver = driver
        assert connect.options.cluster is not None
        joining.join(connect.options.cluster.address)
        driver.wire.recv()  # The driver is there, and asks for places.
        self._options = connect.options
        self._wait_s = connect.options.cluster.wait_s
        self._name = f"tuner_component/{connect.study}/{secrets.token_hex(3)}"
        self._key = secrets.token_bytes(32)
        host = ray.util.get_node_ip_address()
        self._code = shipping.Archives(connect.user_path)
        self._reception = meeting.Reception(host, self._key, self._let_in)
        self._places = places.Places(connect.options, self._name)
        self._agents: dict[str, Any] = {}
        self._runs: dict[Any, str] = {}
        self._deaths = deaths.Deaths()
        self._leaving: dict[str, float] = {}
        self._unfit: set[str] = set()
        self._has_served = False
        self._had_place = time.monotonic()

    def _let_in(self, word: Any, channel: connection.Connection) -> None:
        """Sees to one who has come; called in a thread for each."""
        if not isinstance(word, CodeWanted):
            self._driver.hand_over(word, channel)
            return
        try:
            self._code.answer(word, channel)
        except SearchError as error:
            self._driver.send(ClusterLost(str(error)))

    def serve(self) -> None:
        """Works until the driver is gone.

        Raises:
            EOFError: If it is.
            joining.Unreachable: If there is no place in the cluster.
        """
        next_look = next_beat = 0.0
        while True:
            wait = max(0.0, min(next_look, next_beat) - time.monotonic())
            if self._driver.wire.poll(wait):
                self._obey(self._driver.wire.recv())
            now = time.monotonic()
            if now >= next_beat:
                next_beat = now + pulse.BEAT_S
                self._driver.send(protocol.Heartbeat())
            if now >= next_look:
                self._look()
                leaving = any(map(math.isfinite, self._leaving.values()))
                eager = self._places.waiting or leaving
                next_look = time.monotonic() + (_EAGER_S if eager else _CALM_S)

    def _obey(self, message: Any) -> None:
        if isinstance(message, LeaveOut):
            self._unfit.add(message.node_id)
            self._leave_out(message.node_id)
        elif isinstance(message, Resize):
            self._places.resize(message.workers)
        elif isinstance(message, GiveBack):
            self._places.give_back(message.slot)
        elif isinstance(message, NodeServes):
            self._has_served = True
            self._deaths.serves(message.node_id)
        elif isinstance(message, EndAgent) and message.node_id in self._agents:
            ray.kill(self._agents[message.node_id])

    def _look(self) -> None:
        """Looks at the cluster, and tells what has changed."""
        alive = [node for node in ray.nodes() if node["Alive"]]
        nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in alive}
        self._look_at_draining()
        self._look_at_agents(nodes)
        for node_id in self._deaths.rested():
            self._places.take_back(node_id)
        for change in self._places.look(nodes):
            if isinstance(change, PlaceOpened):
                for share in change.shares:
                    self._need_agent(share.node_id, share.node)
            self._driver.send(change)
        if self._places.node_ids:
            self._had_place = time.monotonic()
        elif not self._has_served and self._all_unfit(alive):
            raise joining.Unreachable(
                "Expected a node of the cluster that can run this search. Received: "
                "none; all that have room for a trial are left out. Mend what is said "
                "of them here, and run the search again; docs/cluster.md says what "
                "nodes need."
            )
        elif time.monotonic() - self._had_place > self._wait_s:
            raise joining.Unreachable(self._no_place(alive))

    def _need_agent(self, node_id: str, node: str) -> None:
        if node_id in self._agents:
            return
        strategy = NodeAffinitySchedulingStrategy(node_id, soft=False)
        agent = _RemoteAgent.options(
            name=f"{self._name}/agent@{node}/{len(self._runs)}",
            scheduling_strategy=strategy,
        ).remote()
        run = agent.run.remote(self._reception.address, self._key, node_id, node)
        self._agents[node_id], self._runs[run] = agent, node_id

    def _look_at_agents(self, nodes: Mapping[str, str]) -> None:
        """Tells of agents that have ended; where a place still is, another one starts."""
        if not self._runs:
            return
        ended, _ = ray.wait(list(self._runs), num_returns=len(self._runs), timeout=0)
        for run in ended:
            node_id = self._runs.pop(run)
            self._agents.pop(node_id, None)
            lost = self._why(run, node_id, nodes)
            self._driver.send(lost)
            if not lost.excused and node_id in nodes:
                self._count(lost, nodes[node_id])

    def _count(self, lost: NodeLost, node: str) -> None:
        """Does without a node for a while, or for good, if its agents die."""
        rest_s = self._deaths.count(lost.node_id, lost.out_of_memory)
        if not rest_s:
            self._driver_places(self._places.leave(lost.node_id, for_good=False))
            return
        if math.isinf(rest_s):
            self._driver.send(NodeLeftOut(node, lost.reason))
            self._unfit.add(lost.node_id)
        else:
            self._driver.send(NodeRests(node, lost.reason, rest_s))
        self._leave_out(lost.node_id)

    def _why(self, run: Any, node_id: str, nodes: Mapping[str, str]) -> NodeLost:
        left = node_id in self._leaving
        try:
            ray.get(run)
        except OutOfMemoryError as error:
            what = refusals.first_line(error)
            reason = (
                f"Ray has ended all that ran on its node, for want of memory: {what}"
            )
            return NodeLost(node_id, reason, out_of_memory=True)
        except RayError as error:
            if left:
                return NodeLost(node_id, "its node was taken away", excused=True)
            if node_id not in nodes:
                return NodeLost(node_id, "its node has died")
            return NodeLost(
                node_id, f"its node's agent has died: {refusals.first_line(error)}"
            )
        return NodeLost(node_id, "its node's agent has ended", excused=left)

    def _look_at_draining(self) -> None:
        """Has what runs on a node that is taken away end shortly before that."""
        now = time.time()
        for node_id, until_ms in cluster_state.get_draining_nodes().items():
            if node_id not in self._leaving:
                self._leaving[node_id] = until_ms / 1000 if until_ms else math.inf
                self._driver.send(NodeDrains(node_id))
                self._driver_places(self._places.leave(node_id, for_good=True))
        for node_id, until in list(self._leaving.items()):
            if now >= until - _BEFORE_THE_END_S:
                self._leaving[node_id] = math.inf
                self._driver.send(NodeLeaves(node_id, "its node is taken away"))

    def _leave_out(self, node_id: str) -> None:
        self._driver_places(self._places.leave(node_id, for_good=True))

    def _driver_places(self, changes: list[Any]) -> None:
        for change in changes:
            self._driver.send(change)

    def _all_unfit(self, alive: list[dict[str, Any]]) -> bool:
        """Whether all nodes that could ever have a place are unfit, and some are."""
        needs = places.needs(self._options).items()
        able = {
            node["NodeID"]
            for node in alive
            if all(node["Resources"].get(name, 0) >= least for name, least in needs)
        }
        return bool(able) and able <= self._unfit

    def _no_place(self, alive: list[dict[str, Any]]) -> str:
        assert self._options.cluster is not None
        wanted = ", ".join(
            refusals.amount(*need) for need in places.needs(self._options).items()
        )
        size = self._options.cluster.workers_per_trial
        each = f" for each of its {size} processes" if size > 1 else ""
        have = [
            f"{node['NodeManagerAddress']} ("
            + ", ".join(refusals.amount(k, v) for k, v in sorted(_own(node).items()))
            + ")"
            for node in alive
        ]
        return (
            f"Expected a place for a trial in the cluster within {self._wait_s:g} "
            f"seconds: a node with {wanted} free{each}. Received: none; the nodes have "
            f"{'; '.join(have)}. Ask for less for each trial, add nodes, or wait until "
            "other jobs give theirs back (wait_seconds)."
        )


def _own(node: Mapping[str, Any]) -> dict[str, float]:
    """The resources of a node that people know."""
    hidden = ("node:", "object_store_memory", "bundle_group", "CPU_group", "GPU_group")
    return {k: v for k, v in node["Resources"].items() if not k.startswith(hidden)}


_RemoteAgent = ray.remote(num_cpus=0, max_restarts=0)(Agent)


def serve_descriptor(number: int) -> NoReturn:
    """Begins with the connection of that descriptor."""
    with contextlib.suppress(KeyboardInterrupt):
        main(connection.Connection(number))
    os._exit(1)
