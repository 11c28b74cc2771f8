"""All that the report's page shows, as plain data: the page is drawn from it alone.

A page that is open can so be shown newer data of the same study, without being loaded again.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tuner_component.report import confirmation, importance, log_tails, timeline
from tuner_component.report.judgement import space
from tuner_component.report.judgement.finding import Finding
from tuner_component.report.judgement.judge import judge
from tuner_component.report.page import (
    combinations,
    curves,
    figures,
    front,
    palette,
    trial_rows,
    versus,
    workers,
)
from tuner_component.report.record import (
    FAILED,
    PAUSED,
    RUNNING,
    StudyRecord,
    TrialRecord,
)
from tuner_component.search import events
from tuner_component.version import __version__

# Groups of failures, characters of a cause, trials that a group names, rows of a front.
_CAUSES, _CAUSE, _NAMED, _FRONT = 30, 300, 50, 100


def content(
    study: StudyRecord,
    others: Sequence[StudyRecord] = (),
    directory: str | None = None,
) -> dict[str, Any]:
    """What a page shows of a study; all of it can be written as JSON.

    Args:
        study: The study.
        others: Studies to compare it with.
        directory: Path or URI of the directory that its search works in, where logs are;
            None if only its results are here.
    """
    weights = importance.weights(study)
    found = judge(study, weights)
    shares = dict(weights.shares)
    drawn = {
        "front": front.front(study),
        "history": figures.history(study),
        "importance": figures.parameter_importance(weights),
        "curves": curves.learning_curves(study),
        "combinations": combinations.parallel_coordinates(study, shares),
        "versus": versus.best_so_far([study, *others]),
        "timeline": workers.timeline_of(study),
    }
    parts = {
        "version": __version__,
        "palette": palette.DARK,
        "title": title(study),
        "study": _head(study),
        "findings": [_told(one) for one in found.findings],
        "advice": [_told(one) for one in found.advice],
        "best": _best(study, found.findings),
        "confirmation": _confirmation(study),
        "facts": _facts(study),
        "figures": {name: _figure(one) for name, one in drawn.items() if one},
        "slices": [_figure(one) for one in figures.slices(study, weights.told)],
        "least": importance.LEAST_TRIALS,
        "front": _front(study),
        "versus": versus.versus([study, *others]),
        "trials": trial_rows.rows(study, log_tails.tails(study, directory)),
        "nodes": [dataclasses.asdict(one) for one in timeline.by_node(_spans(study))],
        "failures": _failures(study),
        "about": _about(study),
    }
    plain: dict[str, Any] = trial_rows.plain(parts)
    return plain


def title(study: StudyRecord) -> str:
    """What the search is for, in a few words."""
    if (goals := study.goals) is None or study.objective is None:
        return "Search"
    if not goals.is_plain:
        return str(goals)
    verb = "Minimize" if study.objective.direction == "min" else "Maximize"
    return f"{verb} {study.objective.name}"


def _head(study: StudyRecord) -> dict[str, Any]:
    told = [one.told for one in study.extensions]
    told += [one.told for one in study.requests]
    return {
        "id": study.study_id,
        "status": study.status,
        "created": study.created,
        "finished": study.finished,
        "objective": study.objective.name if study.objective else None,
        "direction": study.objective.direction if study.objective else None,
        "told": [*told, *filter(None, [study.ended_because])],
        "losses": list(study.losses),
    }


def _told(one: Finding) -> dict[str, Any]:
    return {"topic": one.topic, "text": one.text, "mood": one.mood}


def _best(study: StudyRecord, findings: Sequence[Finding]) -> dict[str, Any] | None:
    best = study.best
    if best is None:
        return None
    ranges = space.ranges(study)
    means = study.confirmation.confirmed if study.confirmation else []
    mean = next((t for t in means if t.trial_id == best.trial_id), None)
    return {
        "id": best.trial_id,
        "values": [
            {"name": one.name, "value": best.metrics[one.name]}
            for one in study.objectives
            if study.front
        ]
        or [
            {
                "name": study.objective.name if study.objective else "score",
                "value": best.score if mean is None else mean.mean,
            }
        ],
        "seeds": mean.seeds if mean else None,
        "briefs": [one.brief for one in findings if one.brief],
        "epoch": best.best_step + 1 if best.best_step else None,
        "shortfall": study.shortfall,
        "constraints": list(study.constraints),
        "configuration": [
            _placed(name, value, ranges.get(name))
            for name, value in best.hyperparameters.items()
        ],
    }


def _placed(name: str, value: Any, one: space.Range | None) -> dict[str, Any]:
    """A hyperparameter's value, and where in its range it lies."""
    place = one.position(value) if one else None
    if one is None or place is None:
        return {"name": name, "value": value}
    return {
        "name": name,
        "value": value,
        "place": place,
        "low": one.low,
        "high": one.high,
        "logarithmic": one.logarithmic,
    }


def _confirmation(study: StudyRecord) -> dict[str, Any] | None:
    if study.confirmation is None:
        return None
    name = study.objective.name if study.objective else "score"
    return {
        "told": list(confirmation.sentences(study.confirmation, name)),
        "seeds": study.confirmation.seeds,
        "trials": [dataclasses.asdict(trial) for trial in study.confirmation.trials],
    }


def _spans(study: StudyRecord) -> list[timeline.Span]:
    return timeline.spans(study)


def _facts(study: StudyRecord) -> dict[str, Any]:
    """What the search took, in numbers."""
    spans = _spans(study)
    trials = (*study.trials, *study.reruns)
    began = min((span.started for span in spans), default=None)
    return {
        "completed": len(study.completed),
        "of": study.max_trials,
        "stopped": sum(bool(trial.stopped) for trial in study.completed),
        "failed": len(study.with_status(FAILED)),
        "paused": len(study.with_status(PAUSED)),
        "running": len(study.with_status(RUNNING)),
        "attempts": sum(len(trial.attempts) for trial in trials),
        "epochs": sum(trial.epochs for trial in trials),
        "seconds": sum(span.ended - span.started for span in spans),
        "elapsed": None if began is None else max(s.ended for s in spans) - began,
        "workers": len({span.worker for span in spans}),
        "nodes": len({span.node for span in spans if span.node}),
        "busy": timeline.busy_share(spans),
    }


def _figure(figure: go.Figure) -> dict[str, Any]:
    """A figure as Plotly's JSON, and the words for it."""
    # Plotly's template is as long as all the rest. The page has one for all plots.
    told: dict[str, Any] = figure.update_layout(template=None).to_plotly_json()
    layout = dict(told["layout"])
    meta = layout.pop("meta", None) or {}
    return {
        "data": [dict(trace) for trace in told["data"]],
        "layout": layout,
        "alt": meta.get("alt", ""),
        "note": meta.get("note", ""),
    }


def _front(study: StudyRecord) -> dict[str, Any] | None:
    if not study.objectives:
        return None
    return {
        "objectives": [dataclasses.asdict(one) for one in study.objectives],
        "count": len(study.front),
        "constraints": list(study.constraints),
        "trials": [
            {
                "id": trial.trial_id,
                "values": [trial.metrics[one.name] for one in study.objectives],
            }
            for trial in study.on_front[:_FRONT]
        ],
    }


def _failures(study: StudyRecord) -> list[dict[str, Any]]:
    """Failed trials by their cause, the most frequent first."""
    groups: dict[str, list[TrialRecord]] = collections.defaultdict(list)
    again = (trial for trial in study.reruns if trial.status == FAILED)
    for trial in (*study.with_status(FAILED), *again):
        groups[events.alike(trial.cause or "it left no message")].append(trial)
    ordered = sorted(groups.values(), key=lambda trials: -len(trials))
    return [_group(trials) for trials in ordered[:_CAUSES]]


def _group(trials: Sequence[TrialRecord]) -> dict[str, Any]:
    return {
        "cause": (trials[0].cause or "no message")[:_CAUSE],
        "count": len(trials),
        "trials": [trial.trial_id for trial in trials[:_NAMED]],
    }


def _about(study: StudyRecord) -> dict[str, Any]:
    return {
        "oracle": study.oracle,
        "seed": study.seed,
        "decisions": list(study.decisions),
        "versions": dict(study.versions),
        "fingerprint": dict(study.fingerprint),
        "space": [
            entry
            for entry in study.spaces.get(study.space or "", [])
            if isinstance(entry, dict)
        ],
    }
