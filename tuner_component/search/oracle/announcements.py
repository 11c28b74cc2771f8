"""What an in-process search prints for each trial: KerasTuner's own words, at constant cost."""

from typing import Any

import keras_tuner
from keras_tuner.src.engine import oracle as oracle_module


class SearchDisplay:
    """KerasTuner's display of a search, without the sort of all trials it does each time."""

    def __init__(self, oracle: keras_tuner.Oracle, verbose: int) -> None:
        """Prepares the display.

        Args:
            oracle: The oracle whose trials are shown.
            verbose: 0 for silence, as in `Tuner.search`.
        """
        self._board = _Board(oracle)
        self._display = oracle_module.Display(oracle=self._board, verbose=verbose)

    @property
    def verbose(self) -> int | str:
        """0 for silence."""
        verbose: int | str = self._display.verbose
        return verbose

    @verbose.setter
    def verbose(self, value: int | str) -> None:
        self._display.verbose = 1 if value == "auto" else value

    def trial_begins(self, trial: Any) -> None:
        """Prints a trial's values beside the best."""
        self._display.on_trial_begin(trial)

    def trial_ended(self, trial: Any) -> None:
        """Prints a trial's score, and the best so far."""
        self.note(trial)
        if trial.trial_id in self._display.trial_start:
            self._display.on_trial_end(trial)

    def note(self, trial: Any) -> None:
        """Takes a trial into account without printing."""
        self._board.note(trial)


class _Board:
    """As much of an oracle as KerasTuner's display looks at."""

    def __init__(self, oracle: keras_tuner.Oracle) -> None:
        self._oracle = oracle
        self._best: Any = None

    @property
    def trials(self) -> dict[str, Any]:
        trials: dict[str, Any] = self._oracle.trials
        return trials

    @property
    def objective(self) -> Any:
        return self._oracle.objective

    def note(self, trial: Any) -> None:
        if trial.status != "COMPLETED" or trial.score is None:
            return
        if self._best is None or self.objective.better_than(
            trial.score, self._best.score
        ):
            self._best = trial

    def get_best_trials(self) -> list[Any]:
        return [] if self._best is None else [self._best]
