"""What the dispatcher knows: of the oracle, of each worker, and of each trial."""

import dataclasses
import enum

from keras_tuner.engine import trial as trial_lib


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


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A trial on a worker.

    Attributes:
        trial_id: The trial.
        worker_id: The worker.
        number: Counts the attempts at this trial in this run, from 1.
        started: When it started, by the clock that `Dispatcher.handle` is given.
        alone: Whether no other trial may run beside it.
    """

    trial_id: str
    worker_id: str
    number: int
    started: float
    alone: bool


@dataclasses.dataclass
class WorkerState:
    """A worker that has not exited.

    Attributes:
        attempt: What it runs.
        handed_in: The trial that it has handed in last, and may still look at.
        trials: How many it was given.
        retiring: Whether it will be dismissed when it asks for a trial.
    """

    attempt: Attempt | None = None
    handed_in: str | None = None
    trials: int = 0
    retiring: bool = False


@dataclasses.dataclass
class Tries:
    """What came of the attempts at a trial in this run.

    Attributes:
        attempts: How many there were.
        lost: How many were lost, other than by want of memory.
        ran_out: Whether one ran out of memory: the next has the machine to itself.
    """

    attempts: int = 0
    lost: int = 0
    ran_out: bool = False

    def start(self, trial_id: str, worker_id: str, now: float) -> Attempt:
        """Counts the next attempt, which starts now."""
        self.attempts += 1
        return Attempt(trial_id, worker_id, self.attempts, now, self.ran_out)
