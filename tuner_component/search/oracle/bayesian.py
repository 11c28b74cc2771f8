"""Bayesian optimisation that goes on with trials in flight, and where it was."""

from typing import Any

from keras_tuner.oracles import BayesianOptimizationOracle

# Of a point in the unit cube. One last bit in a score moves the eighth digit, or the
# seventh where there are many trials. KerasTuner's optimiser itself stops near the sixth.
_DIGITS = 5


class ResumableBayesian(BayesianOptimizationOracle):  # type: ignore[misc]
    """`BayesianOptimizationOracle` that suggests the same again after a resume.

    It guesses scores only once it has seen some, and rounds what it suggests.

    While trials run, KerasTuner asks its model for their likely scores. A model that was
    never fitted (the first time, or after a resume, which fits none) answers 0 whatever
    the scale of the objective: below the best loss there is, and the search would go
    where it has just been. Here it is fitted to the completed trials first.

    The same trials do not lead KerasTuner to quite the same suggestion: its optimiser
    takes differences over steps of 1e-8, which turn the last bit of a matrix product into
    the eighth digit of a hyperparameter. That bit depends on the CPU and on the build of
    numpy and scipy, and on the number of threads. The next suggestions build on this one,
    so the searches part.
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

    def _vector_to_values(self, vector: Any) -> Any:
        # On the grid of rounded points, such noise is lost before it is acted upon.
        return super()._vector_to_values([round(float(x), _DIGITS) for x in vector])
