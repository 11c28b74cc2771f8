"""What the dispatcher knows of each worker, and of what it is at."""

import dataclasses

from tuner_component.search.oracle import codec


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
        asks: Whether it has asked for a trial and was not answered.
        handed_in: The trial that it has handed in last, and may still look at.
        trials: How many it was given.
        retiring: Whether it will be dismissed when it asks for a trial.
    """

    attempt: Attempt | None = None
    trial: codec.TrialState | None = None
    asks: bool = False
    handed_in: str | None = None
    trials: int = 0
    retiring: bool = False
