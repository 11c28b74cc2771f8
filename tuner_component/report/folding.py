"""Makes a study's record from its journal and its description."""

import math
from collections.abc import Mapping
from typing import Any

from tuner_component.report import record
from tuner_component.report.prospect import ProspectRecord
from tuner_component.search import events
from tuner_component.search.storage import plain
from tuner_component.search.study.history import (
    History,
    expected_trials,
    node_of,
)
from tuner_component.search.study.trial_history import TrialHistory


def study_record(
    history: History, description: Mapping[str, Any]
) -> record.StudyRecord:
    """Folds a study's history into its record.

    Args:
        history: What happened.
        description: The content of the study's own `study.json`.
    """
    opened = history.opened or {}
    return record.StudyRecord(
        study_id=description["id"],
        status="running" if history.goes_on else description.get("status", "running"),
        objective=_objective(history),
        seed=description.get("seed"),
        max_trials=expected_trials(history.max_trials, len(history.trials)),
        created=description.get("created"),
        finished=description.get("finished"),
        oracle=opened.get("oracle"),
        fingerprint=description.get("fingerprint", {}),
        versions=description.get("versions", {}),
        space=history.space,
        spaces=plain.decode(history.spaces),
        trials=[_trial(trial) for trial in history.trials.values()],
        decisions=history.decisions,
        ended_because=history.ended_because,
        prospect=ProspectRecord(**history.prospect) if history.prospect else None,
        losses=history.losses,
    )


def _objective(history: History) -> record.Objective | None:
    """What is optimized; None if no record tells, or the results leave it open."""
    if history.objective is not None:
        return _objective_of(*history.objective)
    # Results of earlier releases do not name it, but they have it among their metrics.
    scored = [
        ended
        for trial in history.trials.values()
        if (ended := trial.ended) and ended["score"] is not None
    ]
    candidates = [_metrics_that_score(ended) for ended in scored]
    common = set.intersection(*candidates) if candidates else set()
    return _objective_of(*common.pop()) if len(common) == 1 else None


def _objective_of(name: str, direction: str) -> record.Objective | None:
    if direction == "min":
        return record.Objective(name, "min")
    return record.Objective(name, "max") if direction == "max" else None


def _metrics_that_score(ended: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Names and directions of the metrics whose value is a trial's score."""
    metrics = (ended.get("metrics") or {}).get("metrics", {})
    return {
        (name, str(metrics[name].get("direction")))
        for name, value in _at_best(ended).items()
        if math.isclose(value, ended["score"], rel_tol=1e-9)
    }


def _trial(trial: TrialHistory) -> record.TrialRecord:
    ended = trial.ended or {}
    known = ended or trial.pause or {}
    failed = ended.get("status") == record.FAILED
    message = ended.get("message")
    return record.TrialRecord(
        trial_id=trial.trial_id,
        status=ended.get("status", record.PAUSED if known else record.RUNNING),
        hyperparameters=trial.values,
        space=trial.space,
        score=ended.get("score"),
        best_step=ended.get("best_step"),
        metrics=_at_best(ended),
        executions=known.get("curves", []),
        created=trial.created,
        started=ended.get("started", trial.started),
        ended=ended.get("ended"),
        worker=ended.get("worker") or trial.worker,
        seed=known.get("notes", {}).get("seed"),
        attempts=_attempts(trial, ended),
        stopped=_stopped(ended.get("stopped")),
        message=message,
        cause=events.cause_of(message or "it left no message") if failed else None,
    )


def _attempts(
    trial: TrialHistory, ended: Mapping[str, Any]
) -> list[record.AttemptRecord]:
    attempts = [
        record.AttemptRecord(
            worker=lost.get("worker"),
            started=lost.get("started"),
            ended=None if lost.get("interrupted") else lost.get("time"),
            outcome="paused" if lost.get("kind") == "paused" else "lost",
            reason=lost.get("reason"),
            node=node_of(lost.get("worker")),
        )
        for lost in trial.attempts
    ]
    paused = bool(attempts) and attempts[-1].outcome == "paused"
    if ended and ended.get("worker") is None and paused:
        return attempts  # It has ended without another one.
    if ended:
        last = (ended.get("worker"), ended.get("started"), ended.get("ended"))
        node = node_of(ended.get("worker"))
        attempts.append(record.AttemptRecord(*last, ended["status"].lower(), node=node))
    elif trial.runs:
        now, node = (trial.worker, trial.started, None), node_of(trial.worker)
        attempts.append(record.AttemptRecord(*now, "running", node=node))
    return attempts


def _stopped(content: Mapping[str, Any] | None) -> record.StopRecord | None:
    if not content:
        return None
    return record.StopRecord(
        str(content.get("rule")), content.get("fit"), content.get("epoch")
    )


def _at_best(ended: Mapping[str, Any]) -> dict[str, float]:
    """Each metric at the trial's best step, averaged over executions as KerasTuner does."""
    metrics = (ended.get("metrics") or {}).get("metrics", {})
    found = {}
    for name, content in metrics.items():
        seen = [o for o in content.get("observations", ()) if o.get("value")]
        if not seen:
            continue
        at_best = [o for o in seen if o.get("step") == ended.get("best_step")]
        values = [float(v) for v in (at_best or seen)[-1]["value"]]
        found[name] = math.fsum(values) / len(values)
    return found
