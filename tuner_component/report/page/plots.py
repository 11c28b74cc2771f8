"""The report's figures by their names, for notebooks: `study.plot.history()`."""

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go

from tuner_component.report import importance
from tuner_component.report.page import combinations, curves, figures, front, workers
from tuner_component.report.record import StudyRecord


class Plots:
    """Plotly figures of a study.

    Each method raises a `ValueError` where there is nothing to show yet.
    """

    def __init__(self, study: StudyRecord) -> None:
        """Internal: `StudyRecord.plot` makes it."""
        self._study = study

    def __repr__(self) -> str:
        names = (name for name in dir(self) if not name.startswith("_"))
        return f"<figures of study {self._study.study_id}: {', '.join(names)}>"

    def history(self) -> go.Figure:
        """Scores in the order in which trials ended, and the best so far."""
        return self._shown("a completed trial", figures.history)

    def importance(self) -> go.Figure:
        """How much each hyperparameter matters."""
        enough = f"{importance.LEAST_TRIALS} completed trials with different values"
        return self._shown(
            enough,
            lambda study: figures.parameter_importance(importance.weights(study)),
        )

    def combinations(self) -> go.Figure:
        """The values of the best trials, on parallel axes."""
        return self._shown(
            "two completed trials with different values",
            lambda study: combinations.parallel_coordinates(
                study, importance.importances(study)
            ),
        )

    def slices(self) -> list[go.Figure]:
        """Scores by the values of each hyperparameter, the important ones first."""
        return figures.slices(self._study, importance.weights(self._study).told)

    def curves(self) -> go.Figure:
        """The objective after each epoch."""
        return self._shown("trials with epochs", curves.learning_curves)

    def workers(self) -> go.Figure:
        """What ran when, and on which worker."""
        return self._shown("trials that have begun", workers.timeline_of)

    def front(self) -> go.Figure:
        """The front of several objectives."""
        return self._shown("several objectives (pareto)", front.front)

    def _shown(self, expected: str, draw: Callable[[StudyRecord], Any]) -> go.Figure:
        figure = draw(self._study)
        if figure is None:
            raise ValueError(
                f"Expected {expected} in the study. Received: "
                f"{len(self._study.completed)} completed trials of "
                f"{len(self._study.trials)}. Load the study again when there are more."
            )
        return figure
