"""The times that a trial was run, as its record has them."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class AttemptRecord:
    """One time that a trial was run. Times are seconds since the epoch.

    Attributes:
        worker: The worker that ran it.
        started: When it started; None if unknown.
        ended: When it ended; None while it runs, or if unknown.
        outcome: "completed", "failed", "running", "paused": the trial went on later, or
            may; or "lost": it came to nothing, and the trial was run again. After "failed"
            the trial has ended, unless somebody wanted it to be run again.
        reason: Why it was lost; or what it failed with, if it was run again after that.
        node: The node of a cluster that it ran on; None if all ran on one machine.
    """

    worker: str | None
    started: float | None
    ended: float | None
    outcome: Literal["completed", "failed", "running", "paused", "lost"]
    reason: str | None = None
    node: str | None = None


@dataclasses.dataclass(frozen=True)
class StopRecord:
    """A trial was ended early because it was not promising.

    Attributes:
        rule: Name of the rule that ended it; "oracle" if the oracle did, and "request" if
            somebody had asked for it.
        fit: Number of the training, from 0.
        epoch: Number of its last epoch, from 0.
    """

    rule: str
    fit: int | None = None
    epoch: int | None = None
