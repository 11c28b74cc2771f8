"""A cluster that is simulated in one process: places, agents, and workers.

The driver cannot tell: its engine is the real one, and all connections are made with the
search's key over TCP, one for each worker. But a worker is a thread that runs the tuner
with the driver's oracle, so that hundreds of them cost next to nothing.
"""

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable
from multiprocessing import connection, reduction
from typing import Any

from tuner_component.search.parallel import protocol, pulse
from tuner_component.search.parallel.engine import WorkerExited, WorkerStarted
from tuner_component.search.parallel.local import messages as local
from tuner_component.search.parallel.ray import meeting
from tuner_component.search.parallel.ray.engine import broker_process, engine
from tuner_component.search.parallel.ray.messages import (
    Arrived,
    Beat,
    Connect,
    Hello,
    NodeReady,
    PlaceOpened,
    Share,
)
from tuner_component.search.parallel.worker.link import DriverLink
from tuner_component.search.parallel.worker.proxy_oracle import ProxyOracle
from tuner_component.search.training import stock_loop

NODES = 4
# As `broker_process` starts a broker.
_BOOTSTRAP = (
    "import sys; sys.path[:] = {path!r}; "
    "from benchmarks import simulated_cluster; "
    "simulated_cluster.serve({number})"
)


def connect(job: protocol.Job) -> Callable[[], engine.RayEngine]:
    """Begins; see `RayEngine`'s own."""
    broker_process._BOOTSTRAP = _BOOTSTRAP
    return engine.connect(job)


def serve(number: int) -> None:
    """Plays the broker and all nodes until the driver is gone."""
    wire = connection.Connection(number)
    wanted: Connect = wire.recv()
    sending = threading.Lock()
    key = secrets.token_bytes(32)

    def hand_over(hello: Hello, channel: connection.Connection) -> None:
        with sending:
            wire.send(Arrived(hello))
            reduction.send_handle(wire, channel.fileno(), None)

    reception = meeting.Reception("127.0.0.1", key, hand_over)
    for slot in range(wanted.options.num_workers):
        node = f"node-{slot % NODES}"
        with sending:
            wire.send(PlaceOpened(slot, (Share(node, node),)))
    for node in (f"node-{n}" for n in range(NODES)):
        agent = _Agent(reception.address, key, node)
        threading.Thread(target=agent.serve, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            if wire.poll(pulse.BEAT_S):
                wire.recv()  # What a broker has to know, and nothing here depends on.
            with sending:
                wire.send(protocol.Heartbeat())
    os._exit(0)


class _Agent:
    def __init__(self, address: tuple[str, int], key: bytes, node: str) -> None:
        self._address, self._key, self._node = address, key, node
        self._link = meeting.call(address, key, Hello(None, node, node))
        self._sending = threading.Lock()

    def serve(self) -> None:
        self._link.recv()  # The setup.
        self._send(NodeReady())
        while True:
            while not self._link.poll(pulse.BEAT_S):
                self._send(Beat(time.monotonic()))
            message = self._link.recv()
            if isinstance(message, local.StartWorker):
                threading.Thread(target=self._work, args=(message.spec,)).start()

    def _send(self, message: Any) -> None:
        with self._sending:
            self._link.send(message)

    def _work(self, spec: protocol.WorkerSpec) -> None:
        hello = Hello(spec.worker_id, self._node, self._node)
        with meeting.call(self._address, self._key, hello) as channel:
            self._send(WorkerStarted(spec.worker_id, os.getpid()))
            link = DriverLink(channel, spec.beat_s)
            link.start()
            made = spec.entry.load()(spec.entry.argument, "worker")
            ahead = link if stock_loop.asks_at_once(made.tuner) else None
            made.tuner.oracle = ProxyOracle(
                made.tuner.oracle, link.call, alone=True, ahead=ahead
            )
            made.tuner.tuner_id = spec.worker_id
            made.tuner.search(**made.fit_kwargs)
            link.close()
        self._send(WorkerExited(spec.worker_id, 0))
