"""The workers that wait for a trial, and what is known of the trials to come."""

import collections
import enum

from keras_tuner.engine import trial as trial_lib

from tuner_component.search.parallel.driver.instructions import Caller

# An oracle that has nothing to give although nothing is running is asked again.
ASK_AGAIN_S = 1.0


class Supply(enum.Enum):
    """What is known of the oracle's trials."""

    OPEN = "its last answer was a trial"
    # One suggestion at a time: another answer of "none" would hold up all the others.
    UNSURE = "it had none, but something has happened since"
    IDLE = "it has none until a trial ends, or some time has passed"
    STOPPED = "it has none any more, unless one that runs is lost"

    @classmethod
    def none(cls, status: str) -> "Supply":
        """What it means that the oracle had none and said this status."""
        return cls.STOPPED if status == trial_lib.TrialStatus.STOPPED else cls.IDLE

    @property
    def is_dry(self) -> bool:
        """Whether there is no use in asking for a trial now."""
        return self in (Supply.IDLE, Supply.STOPPED)


class WaitingLine:
    """Workers in the order in which they asked, in front of an oracle.

    Attributes:
        supply: What is known of the oracle's trials.
    """

    def __init__(self) -> None:
        self.supply = Supply.OPEN
        self._callers: collections.deque[Caller] = collections.deque()
        self._ask_again = 0.0

    def __len__(self) -> int:
        return len(self._callers)

    @property
    def first(self) -> Caller:
        """Who has waited longest."""
        return self._callers[0]

    def join(self, caller: Caller) -> None:
        """A worker waits from now on."""
        self._callers.append(caller)

    def serve(self) -> Caller:
        """Takes the one that has waited longest."""
        return self._callers.popleft()

    def waits(self, worker_id: str) -> bool:
        """Whether a worker waits here."""
        return any(caller.worker_id == worker_id for caller in self._callers)

    def leave(self, worker_id: str) -> None:
        """A worker is gone."""
        rest = (caller for caller in self._callers if caller.worker_id != worker_id)
        self._callers = collections.deque(rest)

    def found_one(self) -> None:
        """The oracle had a trial for one of them."""
        self.supply = Supply.OPEN

    def found_none(self, status: str, now: float, caller: Caller | None) -> None:
        """The oracle had no trial.

        Args:
            status: What it said instead.
            now: The time.
            caller: For whom; it keeps its place, if it is still there.
        """
        self.supply = Supply.none(status)
        self._ask_again = now + ASK_AGAIN_S
        if caller is not None:
            self._callers.appendleft(caller)

    def reopen(self) -> None:
        """Something has happened after which the oracle may have a trial."""
        if self.supply.is_dry:
            self.supply = Supply.UNSURE

    def deadline(self, running: bool) -> float | None:
        """When the oracle is to be asked again although nothing has happened.

        Args:
            running: Whether a trial runs.
        """
        if self.supply is not Supply.IDLE:
            return None
        # While trials run, one that ends will change the answer. With nothing running
        # no worker may be waiting either: the last one may just have died.
        return self._ask_again if self._callers or not running else None
