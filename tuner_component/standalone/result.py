"""What `tune` returns."""

import functools
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.report import page
from tuner_component.report.record import StudyRecord
from tuner_component.results.loading import (
    TrialResult,
    load_best_hyperparameters,
    load_tuner_results,
)
from tuner_component.search.oracle import codec
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

    @property
    def report(self) -> str:
        """Path or URI of the report, an HTML file."""
        return files.join(self.directory, "results", page.REPORT_FILE)

    @property
    def best_hyperparameters(self) -> keras_tuner.HyperParameters:
        """The search space with the best values: `build_model(...)` takes it."""
        return load_best_hyperparameters(
            files.join(self.directory, "best_hyperparameters")
        )

    @property
    def trials(self) -> list[TrialResult]:
        """The completed trials, the best one first."""
        return load_tuner_results(files.join(self.directory, "results"))

    @functools.cached_property
    def tuner(self) -> Any:
        """A tuner of `make_tuner` that knows all trials.

        `get_best_models`, `get_best_hyperparameters` and `results_summary` work with it,
        as after a search of its own.
        """
        tuner = self._make().tuner
        states = [*self._found.completed, *self._found.failed]
        trials = [trial_lib.Trial.from_state(codec.decode(state)) for state in states]
        best = trials[: len(self._found.completed)]
        oracle = tuner.oracle
        oracle.trials = {trial.trial_id: trial for trial in trials}
        oracle.start_order = sorted(oracle.trials)
        oracle.end_order = sorted(oracle.trials)
        oracle.get_best_trials = lambda num_trials=1: best[:num_trials]
        return tuner

    def best_model(self) -> Any:
        """Loads the model of the best trial, with the weights of its best epoch.

        Raises:
            ValueError: If the tuner kept no model: it trains in a way of its own.
        """
        kept = self._kept_weights()
        if kept is not None and not files.exists(kept):
            raise ValueError(
                "Expected a tuner that trains Keras models by KerasTuner's build and fit. "
                f"Received: {type(self.tuner).__name__}, which left no weights at {kept}. "
                "Train a model with best_hyperparameters, or load what your tuner saved."
            )
        models: list[Any] = self.tuner.get_best_models(1)
        return models[0]

    def _kept_weights(self) -> str | None:
        """Where the weights of the best trial are; None if only the tuner knows."""
        name = getattr(self.tuner, "_get_checkpoint_fname", None)
        return None if name is None else str(name(self.trials[0].trial_id))
