"""What a study's journal tells of one trial."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class TrialHistory:
    """What happened to one trial.

    Attributes:
        trial_id: Its id.
        values: Hyperparameter values by name.
        space: Key of its search space in `History.spaces`.
        created: When it was created, in seconds since the epoch; None if that was lost.
        started: When its latest attempt started, in seconds since the epoch; None if
            none has.
        worker: The worker that ran that attempt (`history.node_of` tells where); None if none
            has yet.
        attempts: Attempts that came to nothing, each with at least a `reason`; those
            that ended with the search, at a time that is not known, with `interrupted`;
            those that do not count against the trial with `excused`; those of a trial
            whose training is saved with what they `reached`. And those that ended in a
            pause, which are of the `kind` "paused" and have `curves` and `stopped`.
        last: Whether its latest attempt was its last chance: see `oracle.failures`.
        excused: Whether the search was asked to stop during its latest attempt.
        ended: How it ended: `status`, `score`, `best_step`, `metrics`, `message`,
            `started` and `ended` (seconds since the epoch), `worker`, `attempts`,
            `notes`, `curves`, `stopped`, `objective` (its name and direction); None while
            it has not. `curves` has a dict for
            each training of the trial (executions, folds, phases): by the name of a
            metric its values after each epoch, by the epoch's number, None where there
            was none. Studies of earlier versions lack it. `stopped` is there only if a
            rule ended the trial early: the `rule`, the training (`fit`) and the `epoch`
            after which.
        confirms: The trial that it runs again, with another seed; None for a trial of the
            search.
        rerun: Which of the runs of that trial it is; they count from 1.
    """

    trial_id: str
    values: dict[str, Any]
    space: str
    created: float | None = None
    started: float | None = None
    worker: str | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    last: bool = False
    excused: bool = False
    ended: dict[str, Any] | None = None
    confirms: str | None = None
    rerun: int = 0

    @property
    def runs(self) -> bool:
        """Whether it has started, and nothing tells that this attempt is over."""
        if self.ended is not None or self.worker is None:
            return False
        return all(lost.get("started") != self.started for lost in self.attempts)

    @property
    def last_pause(self) -> dict[str, Any] | None:
        """The record of its latest pause; None if it has had none."""
        every = reversed(self.attempts)
        return next((a for a in every if a.get("kind") == "paused"), None)

    @property
    def pause(self) -> dict[str, Any] | None:
        """The record of the pause that it is in; None if it is not paused."""
        if self.ended is not None or self.runs or not self.attempts:
            return None
        return self.last_pause if self.last_pause is self.attempts[-1] else None
