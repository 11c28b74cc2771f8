"""What is told of a study, whoever hears it: MLflow, or Weights & Biases."""

import dataclasses
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from tuner_component.report.record import (
    COMPLETED,
    FAILED,
    StudyRecord,
    TrialRecord,
)

# The figures of the trials that were run again.
MEAN, SPREAD, SEEDS = "confirmed/mean", "confirmed/spread", "confirmed/seeds"
_LONGEST_CAUSE = 500

# A step of a training, and its metrics.
Step = tuple[int, Mapping[str, float]]


@dataclasses.dataclass(frozen=True)
class Subject:
    """What a run is of.

    Attributes:
        trial_id: The trial, or the re-run of one.
        confirms: The trial that it runs again, if it does.
        number: Which of its re-runs this is, from 1; 0 if that is not known.
    """

    trial_id: str
    confirms: str | None = None
    number: int = 0

    def __str__(self) -> str:
        """Its name, for people."""
        if self.confirms is None:
            return f"trial {self.trial_id}"
        which = f" {self.number}" if self.number else ""
        return f"trial {self.confirms}, re-run{which}"


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a trial has ended.

    Attributes:
        completed: Whether it did.
        figures: What it is compared by, by name.
        cause: What it failed with.
        ended: When that was; None for now.
    """

    completed: bool
    figures: Mapping[str, float]
    cause: str | None = None
    ended: float | None = None

    @property
    def status(self) -> str:
        """What `Runs.status` says of it."""
        return COMPLETED if self.completed else FAILED


@dataclasses.dataclass(frozen=True)
class Standing:
    """How a study stands.

    Attributes:
        finished: Whether its search is over.
        best: Id of its best trial; None while there is none.
        figures: What it has come to, by name.
    """

    finished: bool
    best: str | None
    figures: Mapping[str, float]


class Runs(Protocol):
    """The runs of one study where people look at them: one for each trial.

    What is asked of it may raise anything: it may be a server that does not answer.
    """

    def status(self, trial_id: str) -> str | None:
        """How a trial's run stands, in a record's words; None if it has none."""

    def begin(
        self, subject: Subject, values: Mapping[str, Any], started: float | None
    ) -> None:
        """Makes the run of a trial.

        Args:
            subject: The trial.
            values: Its hyperparameters.
            started: When it started; None for now.
        """

    def drop(self, trial_id: str) -> None:
        """Removes the run of a trial: it came to nothing, and begins anew."""

    def log(self, trial_id: str, steps: Collection[Step]) -> None:
        """Logs metrics of a run that has begun, by step."""

    def end(self, trial_id: str, ending: Ending) -> None:
        """Ends a run that has begun."""

    def add(
        self, trial_id: str, values: Mapping[str, Any], figures: Mapping[str, float]
    ) -> bool:
        """Adds what a run that has ended does not have yet.

        Returns:
            False if that cannot be: it has to be written anew.
        """

    def stand(self, standing: Standing) -> None:
        """Tells how the study stands."""

    def close(self) -> None:
        """Leaves what has not ended as it is: nothing more is told."""

    def abandon(self) -> None:
        """Has whoever waits for an answer wait no longer. From any thread."""


def score(objective: str) -> str:
    """The figure that trials are compared by: the objective at the best epoch.

    The objective's own metric ends with its value at the last epoch.
    """
    return f"best/{objective}"


def metrics(values: Mapping[str, Any], fit: int = 0) -> dict[str, float]:
    """The finite numbers of an epoch.

    Args:
        values: By the names of metrics.
        fit: Number of the training within the trial, from 0.
    """
    prefix = f"training-{fit}/" if fit else ""
    return {
        f"{prefix}{key}": float(value)
        for key, value in values.items()
        if value is not None and math.isfinite(value)
    }


def epochs(trial: TrialRecord) -> Iterator[tuple[tuple[int, int], dict[str, float]]]:
    """The metrics of a trial by training and epoch, where there are any."""
    for fit, training in enumerate(trial.executions):
        for epoch in range(max(map(len, training.values()), default=0)):
            there = {
                k: curve[epoch] for k, curve in training.items() if epoch < len(curve)
            }
            if found := metrics(there, fit):
                yield (fit, epoch), found


def subjects(study: StudyRecord) -> dict[str, Subject]:
    """The trials of a study, and after them its re-runs, by their ids."""
    found = {trial.trial_id: Subject(trial.trial_id) for trial in study.trials}
    numbers: dict[str, int] = {}
    for rerun in study.reruns:
        confirms = rerun.confirms or ""
        # They are created in this order.
        numbers[confirms] = number = numbers.get(confirms, 0) + 1
        found[rerun.trial_id] = Subject(rerun.trial_id, confirms, number)
    return found


def cause(text: str | None) -> str | None:
    """What a trial failed with, at a length that people read."""
    return text[:_LONGEST_CAUSE] if text else None


def complete(
    runs: Runs, study: StudyRecord, again: Collection[str] = frozenset()
) -> int:
    """Brings what is missing: the trials that have ended, and how the study stands.

    Args:
        runs: Where to.
        study: What there is.
        again: Ids of trials that were told in part, and are written anew.

    Returns:
        How many trials and re-runs were not there, or not as they are now.
    """
    name, known = _objective(study), subjects(study)
    confirmed = _confirmed(study)
    count = 0
    for trial in (*study.trials, *study.reruns):
        if trial.status not in (COMPLETED, FAILED):
            continue
        figures = confirmed.get(trial.trial_id, {})
        if trial.score is not None and math.isfinite(trial.score):
            figures = {score(name): trial.score, **figures}
        told = runs.status(trial.trial_id) == trial.status
        # The first trial of a search finds out what hyperparameters there are.
        if (
            told
            and trial.trial_id not in again
            and runs.add(trial.trial_id, trial.hyperparameters, figures)
        ):
            continue
        _bring(runs, known[trial.trial_id], trial, figures)
        count += 1
    runs.stand(_standing(study, name, confirmed))
    return count


def _bring(
    runs: Runs, subject: Subject, trial: TrialRecord, figures: Mapping[str, float]
) -> None:
    if runs.status(trial.trial_id) is not None:
        # It was left behind, or failed before it was run again: of some of its epochs
        # nobody knows from which attempt they are.
        runs.drop(trial.trial_id)
    runs.begin(subject, trial.hyperparameters, trial.started)
    runs.log(trial.trial_id, [(epoch, found) for (_, epoch), found in epochs(trial)])
    completed = trial.status == COMPLETED
    ending = Ending(completed, figures, cause(trial.cause), trial.ended)
    runs.end(trial.trial_id, ending)


def _objective(study: StudyRecord) -> str:
    return study.objective.name if study.objective else "score"


def _confirmed(study: StudyRecord) -> dict[str, dict[str, float]]:
    """The figures of the trials that were run again, by their ids."""
    found = {}
    for trial in study.confirmation.confirmed if study.confirmation else ():
        told = {MEAN: trial.mean, SPREAD: trial.spread, SEEDS: trial.seeds}
        found[trial.trial_id] = metrics(told)
    return found


def _standing(
    study: StudyRecord, name: str, confirmed: Mapping[str, Mapping[str, float]]
) -> Standing:
    finished = study.status == "finished"
    if (best := study.best) is None:
        return Standing(finished, None, {})
    figures = {**metrics({score(name): best.score}), **confirmed.get(best.trial_id, {})}
    return Standing(finished, best.trial_id, figures)
