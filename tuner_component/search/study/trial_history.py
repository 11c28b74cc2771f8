"""What a study's journal tells of one trial."""

from collections.abc import Mapping
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
            pause, which are of the `kind` "paused" and have `curves` and `stopped`. And
            those with which it had failed, until somebody had it run again: they are of the
            `kind` "retried", and have what it failed with as their `reason`.
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
    def has_failed(self) -> bool:
        """Whether it has ended without a score."""
        return self.ended is not None and self.ended["status"] == "FAILED"

    @property
    def retried(self) -> int:
        """How often it was run again after it had failed, because somebody wanted it."""
        return sum(attempt.get("kind") == "retried" for attempt in self.attempts)

    @property
    def since_retry(self) -> list[dict[str, Any]]:
        """Its attempts since that was wanted last; all if it never was."""
        kinds = [attempt.get("kind") for attempt in self.attempts]
        first = len(kinds) - kinds[::-1].index("retried") if "retried" in kinds else 0
        return self.attempts[first:]

    @property
    def failures(self) -> int:
        """How often it was run to a failure of its own, and then again."""
        kept = (a.get("failed") or a.get("kind") == "retried" for a in self.attempts)
        return sum(map(bool, kept))

    def retry(self, record: Mapping[str, Any]) -> None:
        """Has a trial that has failed run again; its failure becomes one of its attempts.

        Args:
            record: That somebody wanted it.
        """
        ended = self.ended or {}
        told = {name: ended.get(name) for name in ("worker", "started")}
        told |= {"reason": ended.get("message"), "time": ended.get("ended")}
        self.attempts.append({**record, **told})
        self.ended = self.started = self.worker = None
        self.last = self.excused = False

    @property
    def last_pause(self) -> dict[str, Any] | None:
        """The record of its latest pause; None if it has had none."""
        every = reversed(self.since_retry)
        return next((a for a in every if a.get("kind") == "paused"), None)

    @property
    def pause(self) -> dict[str, Any] | None:
        """The record of the pause that it is in; None if it is not paused."""
        if self.ended is not None or self.runs or not self.attempts:
            return None
        return self.last_pause if self.last_pause is self.attempts[-1] else None
