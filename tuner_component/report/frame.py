"""The trials of a study as a pandas frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from tuner_component.report.record import StudyRecord, TrialRecord

_TIMES = ("created", "started", "ended")
_PLAIN = ("trial_id", "status", "score", "best_step", "worker", "seed", "cause")


def of(study: StudyRecord) -> pd.DataFrame:
    """See `StudyRecord.to_frame`."""
    columns = [*_PLAIN, *_TIMES, "duration_s", "epochs", "attempts", "stopped"]
    frame = pd.DataFrame([_row(trial) for trial in study.trials])
    if frame.empty:
        frame = pd.DataFrame(columns=columns)
    for name in _TIMES:
        frame[name] = pd.to_datetime(frame[name], unit="s", utc=True)
    return frame


def _row(trial: TrialRecord) -> dict[str, Any]:
    row = {name: getattr(trial, name) for name in (*_PLAIN, *_TIMES)}
    row["duration_s"] = trial.duration_s
    row["epochs"] = trial.epochs
    row["attempts"] = len(trial.attempts)
    row["stopped"] = trial.stopped.rule if trial.stopped else None
    row.update({f"hp.{k}": value for k, value in trial.hyperparameters.items()})
    row.update({f"metric.{k}": value for k, value in trial.metrics.items()})
    return row
