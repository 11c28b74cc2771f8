"""Makes a study's record from its journal and its description."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from tuner_component.report import record
from tuner_component.report.asked import request_records
from tuner_component.report.attempts import AttemptRecord, StopRecord
from tuner_component.report.confirmation import ConfirmationRecord, confirmation_record
from tuner_component.report.extension import ExtensionRecord
from tuner_component.report.prospect import ProspectRecord
from tuner_component.search import events
from tuner_component.search.goals.goals import Candidate, Goals, metrics_of
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
    opened, goals = history.opened or {}, history.goals
    pareto = goals is not None and goals.pareto
    objective = _objective(history)
    return record.StudyRecord(
        study_id=description["id"],
        status="running" if history.goes_on else description.get("status", "running"),
        objective=objective,
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
        objectives=list(_objectives(goals.objectives)) if goals and pareto else [],
        constraints=[str(one) for one in goals.constraints] if goals else [],
        front=_front(history, goals) if goals else [],
        ended_because=history.ended_because,
        prospect=ProspectRecord(**history.prospect) if history.prospect else None,
        losses=history.losses,
        reruns=[_trial(trial) for trial in history.reruns.values()],
        confirmation=_confirmation(history, objective),
        extensions=[ExtensionRecord(**told) for told in history.extensions],
        requests=request_records(history),
    )


def _confirmation(
    history: History, objective: record.Objective | None
) -> ConfirmationRecord | None:
    if history.plan is None or objective is None:
        return None
    scored = [(name, ended["score"]) for name, ended in _completed(history).items()]
    scored.sort(key=lambda pair: pair[1], reverse=objective.direction == "max")
    told = history.of_reruns()
    return confirmation_record(history.plan, told, dict(scored), objective.direction)


def _completed(history: History) -> dict[str, Mapping[str, Any]]:
    """The ends of the trials that completed, by their ids."""
    return {
        trial_id: ended
        for trial_id, trial in history.trials.items()
        if (ended := trial.ended) and ended["status"] == record.COMPLETED
    }


def _objectives(known: Iterable[tuple[str, str]]) -> Iterator[record.Objective]:
    return filter(None, (_objective_of(*one) for one in known))


def _front(history: History, goals: Goals) -> list[str]:
    """Ids of the trials of the front, the best one first."""
    scored = _completed(history)
    order = goals.order(
        [Candidate(ended["score"], *_metrics(ended)) for ended in scored.values()]
    )
    ids = list(scored)
    return [ids[place] for place in order.places[: order.front]]


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
    attempts = _attempts(trial, ended)
    started = ended.get("started", trial.started)
    if ended and started is None and attempts:
        started = attempts[-1].started  # It has ended while it was paused.
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
        started=started,
        ended=ended.get("ended"),
        worker=ended.get("worker") or trial.worker,
        seed=known.get("notes", {}).get("seed"),
        attempts=attempts,
        stopped=_stopped(ended.get("stopped")),
        message=message,
        cause=events.cause_of(message or "it left no message") if failed else None,
        confirms=trial.confirms,
        retried=trial.retried,
    )


_OUTCOMES: Mapping[str, Literal["paused", "failed"]] = {
    "paused": "paused",
    "retried": "failed",
}


def _attempts(trial: TrialHistory, ended: Mapping[str, Any]) -> list[AttemptRecord]:
    attempts = [
        AttemptRecord(
            worker=lost.get("worker"),
            started=lost.get("started"),
            ended=None if lost.get("interrupted") else lost.get("time"),
            outcome=_OUTCOMES.get(lost.get("kind", ""), "lost"),
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
        attempts.append(AttemptRecord(*last, ended["status"].lower(), node=node))
    elif trial.runs:
        now, node = (trial.worker, trial.started, None), node_of(trial.worker)
        attempts.append(AttemptRecord(*now, "running", node=node))
    return attempts


def _stopped(content: Mapping[str, Any] | None) -> StopRecord | None:
    if not content:
        return None
    return StopRecord(
        str(content.get("rule")), content.get("fit"), content.get("epoch")
    )


def _at_best(ended: Mapping[str, Any]) -> dict[str, float]:
    """Each metric at the trial's best step, averaged over executions as KerasTuner does."""
    return _metrics(ended)[0]


def _metrics(ended: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """See `metrics_of`."""
    histories = (ended.get("metrics") or {}).get("metrics", {})
    return metrics_of(histories, ended.get("best_step"))
