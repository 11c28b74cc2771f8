"""Which worker runs which trial, and which trials need the machine to themselves."""

import collections
import dataclasses


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A trial on a worker.

    Attributes:
        trial_id: The trial.
        worker_id: The worker.
        number: Counts the attempts at this trial in this run, from 1.
        started: When it began, by the monotonic clock.
        alone: Whether no other trial may run beside it.
    """

    trial_id: str
    worker_id: str
    number: int
    started: float
    alone: bool


class Attempts:
    """Keeps the attempts of a search.

    Args:
        max_retries: How often a trial is repeated whose worker was lost. A trial that
            ran out of memory is repeated once, with the machine to itself.
    """

    def __init__(self, max_retries: int) -> None:
        self._max_retries = max_retries
        self._running: dict[str, Attempt] = {}
        self._begun: collections.Counter[str] = collections.Counter()
        self._lost: collections.Counter[str] = collections.Counter()
        self._hungry: set[str] = set()
        self._waiting_alone: set[str] = set()

    @property
    def running(self) -> list[Attempt]:
        """The attempts that are under way."""
        return list(self._running.values())

    @property
    def one_at_a_time(self) -> bool:
        """Whether a trial runs alone, or waits to."""
        alone = any(attempt.alone for attempt in self._running.values())
        return alone or bool(self._waiting_alone)

    def of_worker(self, worker_id: str) -> Attempt | None:
        """The attempt that a worker is at."""
        for attempt in self._running.values():
            if attempt.worker_id == worker_id:
                return attempt
        return None

    def begin(self, trial_id: str, worker_id: str, now: float) -> Attempt:
        """A worker begins with a trial."""
        self._begun[trial_id] += 1
        self._waiting_alone.discard(trial_id)
        attempt = self._running[trial_id] = Attempt(
            trial_id, worker_id, self._begun[trial_id], now, trial_id in self._hungry
        )
        return attempt

    def end(self, trial_id: str) -> None:
        """The attempt is over, whatever came of it."""
        del self._running[trial_id]

    def lose(self, trial_id: str, out_of_memory: bool) -> bool:
        """The attempt is over and came to nothing.

        Returns:
            Whether there should be another one.
        """
        self.end(trial_id)
        if out_of_memory:
            again = trial_id not in self._hungry
            self._hungry.add(trial_id)
        else:
            self._lost[trial_id] += 1
            again = self._lost[trial_id] <= self._max_retries
        if again and trial_id in self._hungry:
            self._waiting_alone.add(trial_id)
        return again
