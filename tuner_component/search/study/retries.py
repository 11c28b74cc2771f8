"""Failed trials that are run again because somebody wants it.

The wish is a record in the journal: from then on the trial has not ended, and whoever goes
on with the search hands it out first, with the same id and values. What it had failed with
is one of its attempts.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from tuner_component.search import events
from tuner_component.search.options import RetryOptions
from tuner_component.search.study.history import History
from tuner_component.search.study.trial_history import TrialHistory

_log = logging.getLogger(__name__)


def chosen(history: History, retry: RetryOptions | None) -> list[str]:
    """Ids of the failed trials that are to be run again, in the order of their creation.

    Args:
        history: What happened in the study.
        retry: Which are; None for none.
    """
    if retry is None:
        return []
    return [
        trial_id
        for trial_id, trial in history.trials.items()
        if trial.has_failed
        and (retry.times is None or trial.retried < retry.times)
        and _is_meant(trial, retry)
    ]


def warn_of_unknown(history: History, retry: RetryOptions) -> None:
    """Says in a warning which ids are none of the study's trials."""
    if unknown := [i for i in retry.trials if i not in history.trials]:
        _log.warning(
            "There is no trial %s that could be run again. Look for the ids of failed "
            "trials in `tuner-component status --json` or in the report.",
            ", ".join(unknown),
        )


def records(history: History, trial_ids: Iterable[str]) -> list[dict[str, Any]]:
    """What the journal takes for failed trials to be run again.

    Args:
        history: What happened in the study.
        trial_ids: Trials that have failed.
    """
    now = time.time()
    return [_record(history.trials[trial_id], now) for trial_id in trial_ids]


def _record(trial: TrialHistory, now: float) -> dict[str, Any]:
    # It begins anew, and with another seed than before.
    reached = [trial.failures + 1, 0, 0]
    return {"kind": "retried", "trial": trial.trial_id, "time": now, "reached": reached}


def _is_meant(trial: TrialHistory, retry: RetryOptions) -> bool:
    if not retry.trials and not retry.causes:
        return True
    cause = events.alike(failure(trial.ended or {}))
    return trial.trial_id in retry.trials or any(
        events.alike(part) in cause for part in retry.causes
    )


def failure(ended: Mapping[str, Any]) -> str:
    """The line that names what a trial failed with."""
    return events.cause_of(ended.get("message") or "it left no message")
