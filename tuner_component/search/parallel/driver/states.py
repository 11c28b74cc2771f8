"""What the dispatcher knows of each worker, and of what it is at."""

import dataclasses

from tuner_component.search.kerastuner import codec
from tuner_component.search.parallel.driver.instructions import Caller


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A trial on a worker.

    Attributes:
        trial_id: The trial.
        worker_id: The worker.
        number: Counts the attempts at this trial, those of earlier runs included, from 1.
        started: When it started, by the clock that `Dispatcher.handle` is given.
        alone: Whether no other trial may run beside it.
        last: Whether it is the trial's last chance: see `oracle.failures`.
    """

    trial_id: str
    worker_id: str
    number: int
    started: float
    alone: bool
    last: bool


@dataclasses.dataclass
class WorkerState:
    """A worker that has not exited.

    Attributes:
        attempt: What it runs.
        trial: The trial that it was given for that.
        asks: Its request for a trial that was not answered.
        handed_in: The trial that it has handed in last, and may still look at.
        trials: How many it was given.
        retiring: Whether it will be dismissed when it asks for a trial.
        surplus: Whether it will be even if there is none for the one that follows it.
    """

    attempt: Attempt | None = None
    trial: codec.TrialState | None = None
    asks: Caller | None = None
    handed_in: str | None = None
    trials: int = 0
    retiring: bool = False
    surplus: bool = False


def asks_again() -> ValueError:
    """The error of a worker that asks for a trial twice."""
    return ValueError(
        "Expected a worker to wait for the trial that it has asked for. Received: "
        "another request. Call create_trial in one thread."
    )


def not_its_own(attempt: Attempt | None, trial_id: str) -> ValueError:
    """The error of a worker that ends a trial which is not the one that it runs."""
    mine = "none" if attempt is None else attempt.trial_id
    return ValueError(
        f"Expected the worker's own trial ({mine}) to be ended. Received: "
        f"{trial_id}. End a trial once, in the process that runs it."
    )
