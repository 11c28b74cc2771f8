"""The trials of a record as a table of pandas."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tuner_component.search.study import times

if TYPE_CHECKING:
    import pandas as pd

# Columns that are a trial's own attributes.
_TIMES = ("created", "started", "ended")
_PLAIN = (
    *("trial_id", "status", "score", "best_step"),
    *("worker", "node", "seed", "cause"),
)


def frame_of(trials: Sequence[Any]) -> pd.DataFrame:
    """The trials as rows of a pandas frame.

    Columns are the trial's own (times as UTC timestamps), then `hp.<name>` for each
    hyperparameter and `metric.<name>` for each metric.

    Args:
        trials: Each a `TrialRecord`.
    """
    import pandas as pd  # Takes half a second, which reading a study should not.

    columns = [*_PLAIN, *_TIMES, "duration_s", "epochs", "attempts", "stopped"]
    frame = pd.DataFrame([_row(trial) for trial in trials])
    if frame.empty:
        frame = pd.DataFrame(columns=columns)
    for name in _TIMES:
        # Of what pandas has no time for, nothing is known.
        frame[name] = pd.to_datetime(frame[name], utc=True, errors="coerce")
    return frame


def _row(trial: Any) -> dict[str, Any]:
    row = {name: getattr(trial, name) for name in _PLAIN}
    row.update({name: _time(getattr(trial, name)) for name in _TIMES})
    row["duration_s"] = trial.duration_s
    row["epochs"] = trial.epochs
    row["attempts"] = len(trial.attempts)
    row["stopped"] = trial.stopped.rule if trial.stopped else None
    row.update({f"hp.{k}": value for k, value in trial.hyperparameters.items()})
    row.update({f"metric.{k}": value for k, value in trial.metrics.items()})
    return row


def _time(seconds: float | None) -> datetime.datetime | None:
    if seconds is None:
        return None
    moment = times.in_calendar(seconds)
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
