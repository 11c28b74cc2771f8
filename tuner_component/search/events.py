"""What happens in a search, for those who watch it.

Observers run in the process that wants the result: the driver sends it events over its
connection. Events are for people to see. One may be left out if the receiver is too slow;
what must not be lost is in the journal.
"""

import dataclasses
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_log = logging.getLogger("tuner_component")


@dataclasses.dataclass(frozen=True)
class SearchStarted:
    """The search starts, or continues.

    Attributes:
        study_directory: Path or URI of the study.
        objective: Name of the objective.
        direction: "min" or "max".
        workers: How many trials run at a time; 0 for a search in process.
        max_trials: How many trials there will be, where that is known.
        completed: How many completed in earlier runs.
        failed: How many failed in earlier runs.
        best: Score and id of the best trial of earlier runs.
        space: The search space, as KerasTuner configures each hyperparameter.
        paused: Ids of the trials that were paused in earlier runs, and still are.
        reruns: How many re-runs of its best trials there are at its end, at most.
        rerun_scores: What those came to that ended in earlier runs, by the trial that was
            run again; None for one that failed.
        standing: How the search stands, where the best score does not say it.
    """

    study_directory: str
    objective: str
    direction: str
    workers: int
    max_trials: int | None = None
    completed: int = 0
    failed: int = 0
    best: tuple[float, str] | None = None
    space: Sequence[Mapping[str, Any]] = ()
    paused: Sequence[str] = ()
    reruns: int = 0
    rerun_scores: Mapping[str, Sequence[float | None]] = dataclasses.field(
        default_factory=dict
    )
    standing: str | None = None


@dataclasses.dataclass(frozen=True)
class TrialStarted:
    """A worker has a trial.

    Attributes:
        trial_id: The trial.
        worker: Who runs it.
        values: Its hyperparameters by name.
        confirms: The trial of the search that it runs again, if it does.
    """

    trial_id: str
    worker: str
    values: Mapping[str, Any]
    confirms: str | None = None


@dataclasses.dataclass(frozen=True)
class EpochEnded:
    """A training of a running trial has got through an epoch.

    Attributes:
        trial_id: The trial.
        fit: Number of the training within the trial, from 0.
        epoch: Number of the epoch, from 0.
        metrics: The metrics after it.
    """

    trial_id: str
    fit: int
    epoch: int
    metrics: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class AttemptLost:
    """A trial came to nothing, and will be run again.

    Attributes:
        trial_id: The trial.
        reason: Why.
    """

    trial_id: str
    reason: str


@dataclasses.dataclass(frozen=True)
class TrialPaused:
    """A trial waits, with its training saved, until it is worth going on with.

    Attributes:
        trial_id: The trial.
        epochs: How many it has.
    """

    trial_id: str
    epochs: int


@dataclasses.dataclass(frozen=True)
class TrialEnded:
    """A trial has ended for good.

    Attributes:
        trial_id: The trial.
        completed: Whether it did; otherwise it failed.
        score: Value of the objective.
        message: What there is to say about its failure.
        confirms: The trial of the search that it ran again, if it did.
        standing: How the search stands now, where the best score does not say it.
    """

    trial_id: str
    completed: bool
    score: float | None = None
    message: str | None = None
    confirms: str | None = None
    standing: str | None = None


@dataclasses.dataclass(frozen=True)
class SearchEnding:
    """The oracle has decided that no more trials start, before all were run.

    Attributes:
        reason: Why, in a sentence.
    """

    reason: str


@dataclasses.dataclass(frozen=True)
class PlacesChanged:
    """A cluster has other places for workers than before.

    Attributes:
        open: How many there are.
        wanted: How many the search asks for.
        nodes: On how many nodes they are.
    """

    open: int
    wanted: int
    nodes: int

    def __str__(self) -> str:
        """What to say of it."""
        on = f"on {self.nodes} node{'' if self.nodes == 1 else 's'}"
        if missing := max(0, self.wanted - self.open):
            verb = "is" if self.open == 1 else "are"
            have = f"; {self.open} {verb} {on}" if self.open else ""
            return f"waiting for {missing} of {self.wanted} places{have}"
        return f"{self.open} of {self.wanted} places {on}"


# What TensorFlow says before it says what went wrong in a graph.
_GRAPH_ERROR = "Graph execution error:"
_NOT_THE_CAUSE = ("Detected at node", "<stack traces unavailable>")


def cause_of(message: str) -> str:
    """The line of a message that names what went wrong: of a traceback, the exception."""
    _, marker, last = message.rpartition("Traceback (most recent call last):")
    text = last if marker else message
    lines = [line for line in text.splitlines() if line and not line[0].isspace()]
    cause = lines[0] if lines else ""
    if cause.endswith(_GRAPH_ERROR):
        told = (line for line in lines[1:] if not line.startswith(_NOT_THE_CAUSE))
        cause = f"{cause.removesuffix(_GRAPH_ERROR)}{next(told, _GRAPH_ERROR)}"
    return cause


def alike(cause: str) -> str:
    """A cause without the numbers in it, which differ from trial to trial."""
    return re.sub(r"\d+", "0", cause)


Event = (
    SearchStarted
    | TrialStarted
    | EpochEnded
    | AttemptLost
    | TrialPaused
    | TrialEnded
    | SearchEnding
    | PlacesChanged
)
Observer = Callable[[Event], None]


class Audience:
    """Several observers as one. One that raises is dropped: watching must not stop a search."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = list(observers)

    def __call__(self, event: Event) -> None:
        """Tells all observers."""
        for observer in list(self._observers):
            try:
                observer(event)
            except Exception:  # noqa: BLE001
                self._observers.remove(observer)
                _log.warning("Going on without %r:", observer, exc_info=True)
