"""The workers of a search: started in their slots, watched, replaced."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.driver import words
from tuner_component.search.parallel.driver.instructions import Caller
from tuner_component.search.parallel.engine import (
    BadMessageError,
    Channel,
    Engine,
    Place,
)

SpecFor = Callable[[str, int, Place, bool], protocol.WorkerSpec]


@dataclasses.dataclass(eq=False)
class Worker:
    """A worker, as the driver sees it.

    Attributes:
        worker_id: Unique within the search.
        slot: The place it fills.
        channel: Connection to it.
        heard: When it last gave a sign of life, by the monotonic clock.
        checks: Whether it checks the search first.
        pid: Its process, once it has started.
        doom: Why it was killed, if it was on purpose.
        open: Whether something may still come from it.
    """

    worker_id: str
    slot: int
    channel: Channel
    heard: float
    checks: bool = False
    pid: int | None = None
    doom: str | None = None
    open: bool = True

    def fileno(self) -> int:
        """The descriptor that becomes readable when it has sent something."""
        return self.channel.fileno()

    def receive(self, at_most: int | None = None) -> Iterator[Any]:
        """The messages that have come; clears `open` at the end of the connection.

        Args:
            at_most: How many: a worker may send faster than they are dealt with. None
                for all of one that has exited.

        Raises:
            BadMessageError: If something else has come.
        """
        received = itertools.count() if at_most is None else range(at_most)
        try:
            for _ in received:
                if not (self.open and self.channel.poll()):
                    return
                message = self.channel.recv()
                words.check(message)
                self.heard = time.monotonic()
                yield message
        except (EOFError, OSError):
            self.open = False
        except BadMessageError:
            self.open = False
            raise


class Workers:
    """Keeps as many workers running as there are places.

    Args:
        engine: Where workers come from.
        spec_for: Describes the worker of an id, a slot and a place, and whether it is
            the first.
    """

    def __init__(self, engine: Engine, spec_for: SpecFor) -> None:
        self.engine = engine
        self._spec_for = spec_for
        self._workers: dict[str, Worker] = {}
        self._taken: set[int] = set()
        self._started = 0

    @property
    def workers(self) -> list[Worker]:
        """Those that have not exited."""
        return list(self._workers.values())

    @property
    def vacancies(self) -> list[int]:
        """The slots of places that are free."""
        places = self.engine.places()
        if places.keys() <= self._taken:  # As nearly always.
            return []
        return [slot for slot in places if slot not in self._taken]

    @property
    def surplus(self) -> frozenset[str]:
        """The workers whose places are no more."""
        places = self.engine.places()
        known = self._workers.items()
        return frozenset(i for i, worker in known if worker.slot not in places)

    def start(self) -> Worker:
        """Starts a worker in a free place."""
        slot = self.vacancies[0]
        place = self.engine.places()[slot]
        at = f"@{place.node}" if place.node else ""
        worker_id = f"worker-{self._started}{at}"
        spec = self._spec_for(worker_id, slot, place, self._started == 0)
        channel = self.engine.start(spec)
        self._started += 1
        worker = Worker(worker_id, slot, channel, time.monotonic(), spec.preflight)
        self._workers[worker_id] = worker
        self._taken.add(slot)
        return worker

    def get(self, worker_id: str) -> Worker | None:
        """The worker of that id, if it has not exited."""
        return self._workers.get(worker_id)

    def give_time(self, seconds: float) -> None:
        """For so long no sign of life of a worker could have been heard."""
        for worker in self._workers.values():
            worker.heard += seconds

    def kill(self, worker: Worker, reason: str) -> None:
        """Ends a worker at once; its exit will be among the engine's events."""
        if worker.doom is None:
            worker.doom = reason
            self.engine.kill(worker.worker_id)

    def send(self, worker: Worker, message: Any) -> None:
        """Sends a message; a worker that does not take it is killed."""
        if not worker.open:
            return
        try:
            worker.channel.send(message)
        except OSError:
            worker.open = False
            self.kill(worker, "hung: it did not take the driver's answer")

    def answer(
        self, caller: Caller, value: Any = None, error: BaseException | None = None
    ) -> None:
        """Answers a worker's request, with a value or an error, unless it is gone."""
        worker = self._workers.get(caller.worker_id)
        if worker is not None:
            remote = None if error is None else protocol.remote_error(error)
            self.send(worker, protocol.Reply(caller.request_id, value, remote))

    def remove(self, worker_id: str) -> Worker | None:
        """Forgets a worker that has exited and frees its place."""
        worker = self._workers.pop(worker_id, None)
        if worker is not None:
            self._taken.discard(worker.slot)
            worker.channel.close()
        return worker
