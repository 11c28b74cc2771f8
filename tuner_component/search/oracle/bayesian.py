"""Bayesian optimisation that goes on with trials in flight."""

from typing import Any

from keras_tuner.oracles import BayesianOptimizationOracle


class ResumableBayesian(BayesianOptimizationOracle):  # type: ignore[misc]
    """`BayesianOptimizationOracle` that guesses scores only once it has seen some.

    While trials run, KerasTuner asks its model for their likely scores. A model that was
    never fitted (the first time, or after a resume, which fits none) answers 0 whatever
    the scale of the objective: below the best loss there is, and the search would go
    where it has just been. Here it is fitted to the completed trials first.
    """

    trials: dict[str, Any]
    ongoing_trials: dict[str, Any]

    def _vectorize_trials(self) -> Any:
        if self.ongoing_trials and not hasattr(self.gpr, "X_train_"):
            self._fit_to_completed()
        return super()._vectorize_trials()

    def _fit_to_completed(self) -> None:
        trials, ongoing = self.trials, self.ongoing_trials
        self.trials = {i: t for i, t in trials.items() if t.status == "COMPLETED"}
        self.ongoing_trials = {}
        try:
            self.gpr.fit(*super()._vectorize_trials())
        finally:
            self.trials, self.ongoing_trials = trials, ongoing
