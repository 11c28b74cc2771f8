"""The report: one HTML file that works offline, from a bucket, and on a phone."""

import collections
import dataclasses
import json
import re
from typing import Any

import jinja2
import plotly.graph_objects as go
import plotly.offline

from tuner_component.report import (
    confirmation,
    curves,
    figures,
    front,
    importance,
    timeline,
)
from tuner_component.report.record import (
    FAILED,
    PAUSED,
    RUNNING,
    StudyRecord,
    TrialRecord,
)
from tuner_component.version import __version__

REPORT_FILE = "report.html"

# Rows of tables, and characters of a traceback and of its last line. What is left out is
# in study.json.
_ROWS, _CAUSES, _MESSAGE, _CAUSE = 50, 30, 20_000, 300


@dataclasses.dataclass(frozen=True)
class Failures:
    """The trials that failed for the same reason."""

    cause: str
    trials: list[TrialRecord]

    @property
    def message(self) -> str:
        """The message of the first one; only the end of a long one."""
        text = self.trials[0].message or ""
        return text if len(text) <= _MESSAGE else f"[...]\n{text[-_MESSAGE:]}"


def render(study: StudyRecord) -> str:
    """The report of a study, whether it is finished or not, as the text of a file.

    All of it can be encoded, also where a message has what no text should have: half of
    a surrogate pair stands for each byte of a file name that is not UTF-8.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tuner_component.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, duration=_duration)
    shares = importance.importances(study)
    text = environment.get_template("report.html").render(
        study=study,
        best=study.best,
        completed=study.completed,
        goals=study.goals,
        failed=study.with_status(FAILED),
        running=study.with_status(RUNNING),
        paused=study.with_status(PAUSED),
        failures=_grouped(study),
        sure=_sure(study),
        space=study.spaces.get(study.space or "", []),
        **_totals(study),
        **_plots(study, shares),
        shares=shares,
        least_trials=importance.LEAST_TRIALS,
        curves_shown=figures.CURVES,
        lines_shown=figures.LINES,
        rows=_ROWS,
        plotly_js=plotly.offline.get_plotlyjs(),
        version=__version__,
    )
    return text.encode(errors="backslashreplace").decode()


def _sure(study: StudyRecord) -> dict[str, list[str]]:
    """What there is to say about the re-runs of the best trials."""
    found, objective = study.confirmation, study.objective
    if found is None:
        return {"sentences": [], "warnings": []}
    name = objective.name if objective else "score"
    return {
        "sentences": list(confirmation.sentences(found, name)),
        "warnings": list(confirmation.warnings(found)),
    }


def _totals(study: StudyRecord) -> dict[str, Any]:
    """What the report says in numbers."""
    spans = timeline.spans(study)
    trials = (*study.trials, *study.reruns)
    return {
        "stopped": [trial for trial in study.trials if trial.stopped],
        "attempts": sum(len(trial.attempts) for trial in trials),
        "epochs": sum(trial.epochs for trial in trials),
        "seconds": sum(span.ended - span.started for span in spans),
        "busy": timeline.busy_share(spans),
        "workers": len({span.worker for span in spans}),
        "nodes": timeline.by_node(spans),
    }


def _plots(study: StudyRecord, shares: dict[str, float]) -> dict[str, Any]:
    """The report's plots, None in place of those with nothing to show."""
    return {
        "figures": {
            "front": _plot(front.front(study)),
            "history": _plot(figures.history(study)),
            "importance": _plot(figures.parameter_importance(shares)),
            "parallel": _plot(figures.parallel_coordinates(study, shares)),
            "curves": _plot(curves.learning_curves(study)),
            "timeline": _plot(timeline.timeline(study)),
        },
        "slices": [_plot(figure) for figure in figures.slices(study, shares)],
    }


def _plot(figure: go.Figure | None) -> dict[str, Any] | None:
    """A figure's height, and its description as JSON that is safe inside a script."""
    if figure is None:
        return None
    # Plotly's template is as long as all the rest. The page has one for all plots.
    # Not by orjson, where that is installed: it refuses half of a surrogate pair.
    content = figure.update_layout(template=None).to_json(engine="json")
    for character in "<>&\u2028\u2029":
        content = content.replace(character, f"\\u{ord(character):04x}")
    return {"height": figure.layout.height, "json": content}


def _grouped(study: StudyRecord) -> list[Failures]:
    """Failed trials by their cause, the most frequent first."""
    groups: dict[str, list[TrialRecord]] = collections.defaultdict(list)
    again = (trial for trial in study.reruns if trial.status == FAILED)
    for trial in (*study.with_status(FAILED), *again):
        cause = trial.cause or "it left no message"
        groups[_alike(cause)].append(trial)
    ordered = sorted(groups.values(), key=lambda trials: -len(trials))
    return [
        Failures((trials[0].cause or "no message")[:_CAUSE], trials)
        for trials in ordered[:_CAUSES]
    ]


def _alike(cause: str) -> str:
    """A cause without the numbers in it, which differ from trial to trial."""
    return re.sub(r"\d+", "0", cause)


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, float):
        return value if isinstance(value, str) else json.dumps(value, default=str)
    return f"{value:.6g}"


def _duration(seconds: float | None) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
