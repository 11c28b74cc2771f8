"""Several processes that train one trial, as one worker of the driver's.

The first process speaks for the trial; what the others say is heard here. What the first
is told about trials and epochs, all are told, so that they do the same. The end of one of
them is the end of all.
"""

import collections
import dataclasses
import itertools
import json
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tuner_component.search import events
from tuner_component.search.machine import posix
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.engine import (
    BadMessageError,
    WorkerEnds,
    WorkerExited,
    WorkerStarted,
)
from tuner_component.search.parallel.local.engine import WorkerChannel

# When one has ended well, the others have no more trials either, and end as well.
_END_TOGETHER_S = 10.0

_Event = WorkerStarted | WorkerEnds | WorkerExited


def environment(rank: int, addresses: Sequence[str]) -> dict[str, str]:
    """The variables that let frameworks find the other processes of a trial.

    `TF_CONFIG` is read by TensorFlow's `MultiWorkerMirroredStrategy`, `JAX_*` by
    `jax.distributed.initialize` (the address) and by people, `KERAS_DISTRIBUTION_*` by
    `keras.distribution.initialize`.

    Args:
        rank: The process.
        addresses: Host and port of each process, on which nothing listens yet.
    """
    task = {"type": "worker", "index": rank}
    number, size = str(rank), str(len(addresses))
    return {
        "TF_CONFIG": json.dumps({"cluster": {"worker": [*addresses]}, "task": task}),
        "JAX_COORDINATOR_ADDRESS": addresses[0],
        "JAX_NUM_PROCESSES": size,
        "JAX_PROCESS_ID": number,
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": addresses[0],
        "KERAS_DISTRIBUTION_NUM_PROCESSES": size,
        "KERAS_DISTRIBUTION_PROCESS_ID": number,
    }


def member_id(worker_id: str, rank: int) -> str:
    """What a process of a worker is called; the first like the worker itself."""
    name, at, node = worker_id.partition("@")
    return f"{name}-rank-{rank}{at}{node}" if rank else worker_id


class GangChannel:
    """The driver's end of the connections to all processes of a trial.

    Args:
        channels: Those to the processes, in the order of their ranks.
        end: Ends all of them.
    """

    def __init__(
        self, channels: Sequence[WorkerChannel], end: Callable[[], object]
    ) -> None:
        self._channels = channels
        self._end = end
        self._ready = select.epoll()
        self._ranks: dict[int, int] = {}
        self._heard: collections.deque[Any] = collections.deque()
        self._mute = set(range(len(channels)))
        self._shared: dict[int, str] = {}
        # The request that hands in a trial after which they may not be in step.
        self._last: int | None = None
        for rank in range(len(channels)):
            self.connected(rank)

    def connected(self, rank: int) -> None:
        """A process has made its connection, behind the descriptor that is known."""
        number = self._channels[rank].fileno()
        self._ranks[number] = rank
        self._ready.register(number, select.EPOLLIN)

    def fileno(self) -> int:
        """The descriptor that becomes readable when a message has come."""
        return self._ready.fileno()

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether a message (or the end) has come."""
        while not self._heard:
            found = self._ready.poll(timeout)
            if not found:
                return False
            for number, _ in found:
                self._listen(self._ranks[number])
        return True

    def recv(self) -> Any:
        """Receives a message.

        Raises:
            EOFError: If there will be no more.
            BadMessageError: If something else has come.
        """
        self.poll(None)
        message = self._heard.popleft()
        if isinstance(message, Exception):
            raise message
        return message

    def send(self, message: Any) -> None:
        """Sends an answer to the process that has asked, and to those that follow it.

        What else the driver says is for the one that speaks for the trial.

        Raises:
            OSError: If that process cannot take it.
        """
        if not isinstance(message, protocol.Reply):
            self._channels[0].send(message)  # The others write nothing, and always ask.
            return
        number, rank = divmod(message.request_id, len(self._channels))
        method = self._shared.pop(message.request_id, None)
        answer = dataclasses.replace(message, request_id=number)
        self._channels[rank].send(answer)
        if method is not None:
            told = protocol.Told(method, message.value, message.error)
            for channel in self._channels[1:]:
                try:
                    channel.send(told)
                except OSError:
                    pass  # Its end is the end of all.
        if message.request_id == self._last:
            self._end()

    def close(self) -> None:
        """Ends the connections."""
        self._ready.close()
        for channel in self._channels:
            channel.close()

    def _listen(self, rank: int) -> None:
        channel = self._channels[rank]
        try:
            if channel.poll():
                self._take(rank, channel.recv())
        except BadMessageError as error:
            self._heard.append(error)
            self._ready.unregister(channel)
        except (EOFError, OSError):
            # Of the others' ends the engine hears.
            if rank == 0:
                self._heard.append(EOFError())
            self._ready.unregister(channel)

    def _take(self, rank: int, message: Any) -> None:
        try:
            heard = list(self._of_worker(rank, message))
        except Exception as error:
            # Its class is a worker's word; nothing is known of what is in it.
            name = type(message).__name__
            raise BadMessageError(f"sent a {name} that is none ({error!r})") from error
        self._heard += heard

    def _of_worker(self, rank: int, message: Any) -> Iterator[Any]:
        """What the driver hears of a process' message."""
        if self._last is not None:
            return
        if isinstance(message, protocol.Heartbeat):
            # The worker is alive if all of its processes are.
            self._mute.discard(rank)
            if not self._mute:
                self._mute = set(range(len(self._channels)))
                yield message
        elif isinstance(message, protocol.Request):
            yield from self._of_asker(rank, message)
        elif rank == 0 or not isinstance(message, events.EpochEnded):
            yield message

    def _of_asker(self, rank: int, asked: protocol.Request) -> Iterator[Any]:
        number = asked.request_id * len(self._channels) + rank
        request = dataclasses.replace(asked, request_id=number)
        if asked.method in protocol.SHARED:
            if rank:
                return  # It is told what the first is told.
            self._shared[number] = asked.method
            # Another process may wait for ever for one whose trial has failed.
            if protocol.hands_in_failure(asked.method, asked.args):
                self._last = number
        yield request


@dataclasses.dataclass
class _Gang:
    """A worker of several processes.

    Attributes:
        channel: Connection to them.
        running: The processes that have not exited.
        exits: Those that have, the first of them first.
        until: When those that are left are ended.
    """

    channel: GangChannel
    running: list[str]
    exits: list[WorkerExited]
    until: float = float("inf")


class Gangs:
    """The workers of several processes: one event for what happens to all of them.

    Args:
        kill: Ends a process.
    """

    def __init__(self, kill: Callable[[str], None]) -> None:
        self._kill = kill
        self._gangs: dict[str, _Gang] = {}
        self._worker_of: dict[str, tuple[str, int]] = {}

    def add(self, worker_id: str, channels: Mapping[str, WorkerChannel]) -> GangChannel:
        """A worker's processes are being started.

        Args:
            worker_id: The worker.
            channels: The connections to its processes, by their ids, in the order of ranks.
        """
        channel = GangChannel([*channels.values()], lambda: self.end(worker_id))
        self._gangs[worker_id] = _Gang(channel, [*channels], [])
        for rank, member in enumerate(channels):
            self._worker_of[member] = worker_id, rank
        return channel

    def connected(self, member: str) -> None:
        """A process has made its connection."""
        if found := self._worker_of.get(member):
            worker_id, rank = found
            self._gangs[worker_id].channel.connected(rank)

    def end(self, worker_id: str) -> bool:
        """Ends all processes of a worker; False if it is none of these."""
        gang = self._gangs.get(worker_id)
        if gang is not None:
            for member in gang.running:
                self._kill(member)
        return gang is not None

    def told(self, happened: Sequence[_Event]) -> list[_Event]:
        """What the driver is told of what has happened to processes."""
        told = itertools.chain.from_iterable(map(self._told, happened))
        return [*told]

    def meet_deadlines(self) -> None:
        """Ends what is left of workers of which a process has ended."""
        now = time.monotonic()
        for worker_id, gang in self._gangs.items():
            if now >= gang.until:
                gang.until = float("inf")
                self.end(worker_id)

    def _told(self, event: _Event) -> Iterator[_Event]:
        worker_id, rank = self._worker_of.get(event.worker_id, (event.worker_id, 0))
        gang = self._gangs.get(worker_id)
        if gang is None or (isinstance(event, WorkerStarted) and rank == 0):
            yield event
        elif isinstance(event, WorkerEnds):
            yield WorkerEnds(worker_id)
        elif isinstance(event, WorkerExited):
            del self._worker_of[event.worker_id]
            gang.running.remove(event.worker_id)
            gang.exits.append(_explained(event, rank))
            if not gang.running:
                del self._gangs[worker_id]
                yield _as_one(worker_id, gang.exits)
            elif event.status:
                self.end(worker_id)
            elif len(gang.exits) == 1:
                gang.until = time.monotonic() + _END_TOGETHER_S


def _explained(event: WorkerExited, rank: int) -> WorkerExited:
    """Says which of a worker's processes it was, if that is not the first."""
    if not (rank and event.status) or event.lost or event.out_of_memory:
        return event
    how = (
        f"was killed by {posix.signal_name(-event.status)}"
        if event.status < 0
        else f"exited with status {event.status}"
    )
    lost = f"its process of rank {rank} {how}; its log is {event.worker_id}.log"
    return dataclasses.replace(event, lost=lost)


def _as_one(worker_id: str, exits: Sequence[WorkerExited]) -> WorkerExited:
    """The end of a worker: that of its process which ended first, and not well."""
    cause = next((event for event in exits if event.status), exits[0])
    return dataclasses.replace(
        cause,
        worker_id=worker_id,
        peak_memory=max(event.peak_memory for event in exits),
        out_of_memory=any(event.out_of_memory for event in exits),
        excused=any(event.excused for event in exits),
    )
