"""The record of a study: everything that happened in it, as typed, plain data.

`record_file` has it as a file.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from tuner_component.report import frames, notebook, record_file
from tuner_component.report.asked import RequestRecord
from tuner_component.report.attempts import AttemptRecord, StopRecord
from tuner_component.report.confirmation import ConfirmationRecord
from tuner_component.report.extension import ExtensionRecord
from tuner_component.report.prospect import ProspectRecord
from tuner_component.search.constraint import Constraint
from tuner_component.search.goals.goals import Goals, shortfall
from tuner_component.search.spelling import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

RECORD_FILE = "study.json"

COMPLETED, FAILED, RUNNING = "COMPLETED", "FAILED", "RUNNING"
PAUSED = "PAUSED"

# As `plain.encode` writes a number that JSON has no word for.
_SPECIAL = {
    "type": ["number", "object"],
    "required": ["$float"],
    "properties": {"$float": {"enum": ["nan", "inf", "-inf"]}},
}
Value = Annotated[float, msgspec.Meta(extra_json_schema=_SPECIAL)]
Curves = Mapping[str, Sequence[Value | None]]


@dataclasses.dataclass(frozen=True)
class Objective:
    """What the search optimizes.

    Attributes:
        name: The metric.
        direction: "min" or "max".
    """

    name: str
    direction: Literal["min", "max"]


@dataclasses.dataclass(frozen=True)
class TrialRecord:
    """One trial.

    Attributes:
        trial_id: Its id.
        status: "COMPLETED", "FAILED", "RUNNING" (it has not ended; if the search was
            interrupted, it will be run again) or "PAUSED" (its training is saved, and goes
            on if it is worth more than another trial).
        hyperparameters: Their values by name.
        space: Key of its search space in `StudyRecord.spaces`.
        score: Value of the objective; None if it did not complete.
        best_step: The epoch of the score, as KerasTuner counts.
        metrics: All metrics at the best epoch.
        executions: Curves of each training (executions, folds, phases): by the name of a
            metric, its values by epoch.
        created: When it was suggested.
        started: When its last attempt started.
        ended: When it ended.
        worker: The worker that ran its last attempt.
        seed: What its weights and data order were seeded with.
        attempts: All times that it was run.
        stopped: Set if it was ended early.
        message: Traceback of its failure, or another explanation.
        cause: The line of the message that names the failure.
        confirms: The trial that it runs again, with another seed; None for one of the search.
        retried: How often it was run again after it had failed, because somebody wanted it.
            What it had failed with is in its `attempts`.
    """

    trial_id: str
    status: Literal["COMPLETED", "FAILED", "RUNNING", "PAUSED"]
    hyperparameters: Mapping[str, Any]
    space: str = ""
    score: float | None = None
    best_step: int | None = None
    metrics: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    executions: Sequence[Curves] = ()
    created: float | None = None
    started: float | None = None
    ended: float | None = None
    worker: str | None = None
    seed: int | None = None
    attempts: Sequence[AttemptRecord] = ()
    stopped: StopRecord | None = None
    message: str | None = None
    cause: str | None = None
    confirms: str | None = None
    retried: int = 0

    @property
    def duration_s(self) -> float | None:
        """Seconds that it took: its last attempt, and those after which it was paused.

        None as long as it has not ended, or if it is not known.
        """
        if self.ended is None:
            return None
        kept: list[AttemptRecord] = []
        for attempt in self.attempts:
            if kept and kept[-1].outcome == "failed":
                kept = []  # It was run again from its beginning.
            kept += [attempt] if attempt.outcome != "lost" else []
        times = [
            attempt.ended - attempt.started
            for attempt in kept
            if attempt.started is not None and attempt.ended is not None
        ]
        return sum(times) if times and len(times) == len(kept) else None

    @property
    def node(self) -> str | None:
        """The node that its last attempt ran on; None if all ran on one machine."""
        return self.attempts[-1].node if self.attempts else None

    @property
    def epochs(self) -> int:
        """How many epochs were trained, over all executions."""
        return sum(
            max(
                (
                    sum(value is not None for value in curve)
                    for curve in curves.values()
                ),
                default=0,
            )  # Where a training went on from another one, earlier epochs are None.
            for curves in self.executions
        )


@dataclasses.dataclass(frozen=True, repr=False)
class StudyRecord:
    """A study.

    Attributes:
        study_id: Its id, made from the fingerprint.
        status: "running" or "finished"; a search that was interrupted, or ended by its
            time budget, stays "running": the same search goes on with it.
        objective: What is optimized; None if the search has not started.
        seed: The study's seed.
        max_trials: How many trials there will be, if that is known.
        created: When it started, ISO 8601.
        finished: When it was finished, ISO 8601.
        oracle: Class of the oracle that suggested the trials.
        fingerprint: What the study depends on, by name.
        versions: Of the libraries that it was started with.
        space: Key of the search space in `spaces`.
        spaces: The distinct search spaces by key, each a list of hyperparameters as
            KerasTuner configures them: `{"class_name": ..., "config": {...}}`.
        trials: In the order of their creation.
        decisions: How the search decided, in sentences, in order; a search whose points
            the tuner's own oracle chooses has none.
        objectives: Those that a front is looked for of; empty if `objective` alone counts.
        constraints: What the result must meet, such as "size <= 5e+06".
        front: Ids of the trials that meet the constraints, and that no other one beats in
            all objectives; the best one first.
        ended_because: Why the search ended before all trials were run, in a sentence; None
            if it did not, or has gone on since.
        prospect: What the search expected of going on; None if it did not say.
        losses: What is known to be missing of the study, a sentence for each loss. A study
            that was finished and has lost something since is "running" again: the same
            search goes on with it.
        reruns: The re-runs of the best trials, to confirm them, in the order of their
            creation. None of them is among `trials`, nor ever the best.
        confirmation: What came of these; None if there are none to be.
        extensions: When the search was given more trials than it was to have, in order.
        requests: What people asked of it while it ran, in order.
    """

    study_id: str
    status: Literal["running", "finished"]
    objective: Objective | None = None
    seed: int | None = None
    max_trials: int | None = None
    created: str | None = None
    finished: str | None = None
    oracle: str | None = None
    fingerprint: Mapping[str, str] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    space: str | None = None
    spaces: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)
    trials: Sequence[TrialRecord] = ()
    decisions: Sequence[str] = ()
    objectives: Sequence[Objective] = ()
    constraints: Sequence[str] = ()
    front: Sequence[str] = ()
    ended_because: str | None = None
    prospect: ProspectRecord | None = None
    losses: Sequence[str] = ()
    reruns: Sequence[TrialRecord] = ()
    confirmation: ConfirmationRecord | None = None
    extensions: Sequence[ExtensionRecord] = ()
    requests: Sequence[RequestRecord] = ()

    def __repr__(self) -> str:
        total = f" of {self.max_trials}" if self.max_trials else ""
        told = f"{self.status}, {len(self.completed)}{total} trials completed"
        if failed := len(self.with_status(FAILED)):
            told += f", {failed} failed"
        if self.best is not None and self.objective is not None:
            score = f"{self.objective.name} {self.best.score:.6g}"
            told += f", best {score} by trial {self.best.trial_id}"
        return f"<Study {self.study_id}: {told}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return notebook.html_of(self)

    def __len__(self) -> int:
        return len(self.trials)

    def __bool__(self) -> bool:
        """A study is there, whether it has trials or not."""
        return True

    def __iter__(self) -> Iterator[TrialRecord]:
        return iter(self.trials)

    def __getitem__(self, trial_id: str) -> TrialRecord:
        for trial in (*self.trials, *self.reruns):
            if trial.trial_id == trial_id:
                return trial
        known = [trial.trial_id for trial in self.trials]
        meant = did_you_mean(str(trial_id), known)
        raise KeyError(
            f"Expected the id of a trial, a text such as {known[-1] if known else '00'!r}. "
            f"Received: {trial_id!r}.{meant}"
        )

    @property
    def plot(self) -> Any:
        """The report's figures, by their names, as Plotly figures: see `plots.Plots`."""
        # Not an import: figures are drawn of records, and import this module.
        plots = importlib.import_module("tuner_component.report.page.plots")
        return plots.Plots(self)

    def with_status(self, status: str) -> list[TrialRecord]:
        """The trials of one status, in the order of their creation."""
        return [trial for trial in self.trials if trial.status == status]

    @property
    def goals(self) -> Goals | None:
        """What trials are compared by; None if no objective is known."""
        if self.objective is None:
            return None
        several = [(one.name, one.direction) for one in self.objectives]
        alone = (self.objective.name, self.objective.direction)
        constraints = tuple(map(Constraint.parse, self.constraints))
        return Goals(tuple(several or [alone]), constraints, bool(several))

    @property
    def completed(self) -> list[TrialRecord]:
        """The trials that completed, best first; as created if no objective is known.

        Those that are confirmed come first, by the means of their re-runs.
        """
        scored = [
            t for t in self.with_status(COMPLETED) if record_file.is_finite(t.score)
        ]
        if (goals := self.goals) is None:
            return scored
        place = {trial_id: place for place, trial_id in enumerate(self._first)}
        sign = -1.0 if self.objective and self.objective.direction == "max" else 1.0
        return sorted(
            scored,
            key=lambda t: (
                place.get(t.trial_id, len(place)),
                goals.violation(t.metrics),
                sign * (t.score or 0.0),
            ),
        )

    @property
    def _first(self) -> list[str]:
        """Ids of the trials that are better than their scores say, the best one first."""
        confirmed = self.confirmation.confirmed if self.confirmation else []
        return [*self.front, *(trial.trial_id for trial in confirmed)]

    @property
    def on_front(self) -> list[TrialRecord]:
        """The trials of the front, the best one first."""
        known = {trial.trial_id: trial for trial in self.trials}
        return [known[trial_id] for trial_id in self.front]

    @property
    def shortfall(self) -> str | None:
        """What the best trial falls short of, for people; None if it is as wanted."""
        if self.goals is None or self.best is None:
            return None
        return shortfall(
            self.goals, len(self.front), self.best.trial_id, self.best.metrics
        )

    @property
    def best(self) -> TrialRecord | None:
        """The best trial; None while none has completed, or if no objective is known."""
        return next(iter(self.completed), None) if self.objective else None

    @property
    def outlook(self) -> str | None:
        """What to expect of going on, in a sentence; None if that is not known."""
        if self.prospect is None or self.objective is None:
            return None
        return self.prospect.told(self.objective.name, self.objective.direction)

    def to_frame(self) -> pd.DataFrame:
        """The trials as rows of a pandas frame: see `frames.frame_of`."""
        return frames.frame_of(self.trials)

    def to_json(self) -> str:
        """The record as the text of a `study.json`."""
        return record_file.text_of(self)

    @classmethod
    def from_json(cls, text: str | bytes, source: str) -> StudyRecord:
        """Reads the text of a `study.json`.

        Args:
            text: The file's content.
            source: Where it comes from, for messages.

        Raises:
            ValueError: If it is no record, or one of a newer version.
        """
        return record_file.parsed(text, source, cls)
