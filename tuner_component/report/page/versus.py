"""Several studies side by side: what each found, and at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tuner_component.report import improvement, timeline
from tuner_component.report.page import axes, figures
from tuner_component.report.page.axes import ScoreAxis
from tuner_component.report.page.palette import ACCENT, AMBER, GREEN, INK, PURPLE, RED
from tuner_component.report.record import FAILED, StudyRecord

_LINES = (ACCENT, INK, GREEN, AMBER, PURPLE, RED)


def versus(studies: Sequence[StudyRecord]) -> dict[str, Any] | None:
    """A table of studies, None for a single one.

    Returns:
        `studies`, their ids; `rows`, each a label and a value for each study;
        `hyperparameters`, the same for the best configurations.
    """
    if len(studies) < 2:
        return None
    names = dict.fromkeys(
        name for study in studies if study.best for name in study.best.hyperparameters
    )
    return {
        "studies": [study.study_id for study in studies],
        "rows": [list(row) for row in zip(*map(_facts, studies), strict=True)],
        "labels": ["objective", "best score", "best trial", "completed", "failed"]
        + ["epochs trained", "seconds in trials", "oracle"],
        "hyperparameters": [
            [name, *(_value(study, name) for study in studies)] for name in names
        ],
    }


def _facts(study: StudyRecord) -> list[Any]:
    objective, best = study.objective, study.best
    spans = timeline.spans(study)
    return [
        f"{objective.name} ({objective.direction})" if objective else None,
        best.score if best else None,
        best.trial_id if best else None,
        len(study.completed),
        len(study.with_status(FAILED)),
        sum(trial.epochs for trial in (*study.trials, *study.reruns)),
        sum(span.ended - span.started for span in spans),
        study.oracle,
    ]


def _value(study: StudyRecord, name: str) -> Any:
    return study.best.hyperparameters.get(name) if study.best else None


def best_so_far(studies: Sequence[StudyRecord]) -> go.Figure | None:
    """A line for each study; None if they look for different things."""
    goals = {study.objective for study in studies if study.completed}
    if len(studies) < 2 or len(goals) != 1 or (objective := goals.pop()) is None:
        return None
    name = figures.escaped(objective.name)
    figure = figures.blank(
        xaxis_title="trials completed", yaxis_title=f"best {name} so far"
    )
    every: list[float] = []
    longest = 0
    for number, study in enumerate(studies):
        best = [trial.score or 0.0 for _, trial in improvement.best_so_far(study)]
        every += best
        longest = max(longest, len(best))
        colour = _LINES[number % len(_LINES)]
        figure.add_scatter(
            x=list(range(1, len(best) + 1)),
            y=best,
            mode="lines" if len(best) > 1 else "markers",
            name=figures.escaped(study.study_id),
            line={"color": colour, "width": 3 if number == 0 else 2, "shape": "hv"},
        )
    axis = ScoreAxis.of(every, objective.direction)
    figure.update_yaxes(**axis.settings)
    figure.update_xaxes(**axes.whole_ticks(0, longest))
    out = sum(not axis.holds(score) for score in every)
    return figures.described(
        figure,
        f"The best {name} so far of {len(studies)} studies, by completed trials.",
        f"{out} values are out of view." if out else "",
    )
