"""What `tune` returns."""

import functools
import html
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.publishing import best_model
from tuner_component.report import notebook, page
from tuner_component.report.record import StudyRecord
from tuner_component.results.loading import (
    TrialResult,
    load_best_hyperparameters,
)
from tuner_component.search.kerastuner import codec
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.storage import files


class TuneResult:
    """What a search found.

    Attributes:
        study: All that is known of the search; `to_frame()` gives a table of its trials.
        directory: Path or URI of what the search wrote.
    """

    def __init__(
        self,
        study: StudyRecord,
        directory: str,
        found: SearchResult,
        make: Callable[[], Any],
    ) -> None:
        """Internal: `tune` makes it."""
        self.study = study
        self.directory = directory
        self._found = found
        self._make = make

    def __repr__(self) -> str:
        best, objective = self.trials[0], self._found.objective
        return (
            f"<TuneResult: best {objective} {best.score:.6g}, by trial {best.trial_id} of "
            f"{len(self.trials)} completed; report: {self.report}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        where = html.escape(f"Report: {self.report}")
        return f"{notebook.html_of(self.study)}<small>{where}</small>"

    @property
    def report(self) -> str:
        """Path or URI of the report, an HTML file."""
        return files.join(self.directory, "results", page.REPORT_FILE)

    @property
    def best_hyperparameters(self) -> keras_tuner.HyperParameters:
        """The search space with the best values: `build_model(...)` takes it."""
        return load_best_hyperparameters(self._found.best_hyperparameters)

    @property
    def trials(self) -> list[TrialResult]:
        """The completed trials, the best one first.

        Of this search: what is published in the directory may be of another one by now.
        """
        states = map(codec.decode, self._found.completed)
        return [
            TrialResult(
                state["trial_id"], state["score"], state["hyperparameters"]["values"]
            )
            for state in states
        ]

    @functools.cached_property
    def tuner(self) -> Any:
        """A tuner of `make_tuner` that knows all trials.

        `get_best_models`, `get_best_hyperparameters` and `results_summary` work with it,
        as after a search of its own.
        """
        found = self._found
        completed, failed = (
            [trial_lib.Trial.from_state(codec.decode(state)) for state in states]
            for states in (found.completed, found.failed)
        )
        return best_model.knowing(self._make().tuner, completed, failed)

    def best_model(self) -> Any:
        """Loads the model of the best trial, with the weights of its best epoch.

        Raises:
            NoModelError: If the tuner kept no model: it trains in a way of its own.
        """
        return best_model.load(self.tuner)
