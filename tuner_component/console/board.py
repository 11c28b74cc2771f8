"""The leaderboard: the best trials with their metrics and their hyperparameters."""

from typing import Any

from tuner_component.console import text
from tuner_component.report import leaderboard
from tuner_component.report.record import StudyRecord

# Trials that are shown.
TOP = 10


def lines(study: StudyRecord, line: int | None, top: int = TOP) -> list[str]:
    """The best trials as a table: nothing if none has completed.

    Args:
        study: The search.
        line: How many characters a line has; None for as many as it needs.
        top: How many trials.
    """
    best = study.completed[:top]
    if not best:
        return []
    metrics = leaderboard.metric_names(study, best)
    values = leaderboard.hyperparameter_names(study, best)
    header = ["trial", *metrics, *values]
    rows = [
        [
            text.printable(trial.trial_id),
            *(_cell(leaderboard.metric(study, trial, name)) for name in metrics),
            *(_cell(trial.hyperparameters.get(name)) for name in values),
        ]
        for trial in best
    ]
    shown, columns = text.table(list(map(text.printable, header)), rows, line)
    if missing := header[columns:]:
        told = ", ".join(map(text.printable, missing))
        shown.append(text.shortened(f"Too wide for this terminal: {told}", line or 80))
    return shown


def facts(study: StudyRecord, top: int = TOP) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "trial": trial.trial_id,
            "score": trial.score,
            "metrics": dict(trial.metrics),
            "hyperparameters": dict(trial.hyperparameters),
        }
        for trial in study.completed[:top]
    ]


def _cell(value: Any) -> str:
    return "" if value is None else text.value(value)
