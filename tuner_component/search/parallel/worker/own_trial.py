"""What a worker knows of the trial that it runs without asking the driver.

KerasTuner's loop looks its trial up when it has run it, reports what it measured, and hands
it in. With an oracle of KerasTuner's own nobody else changes the trial meanwhile: so the
first of these needs no answer, and the second can come with the third. To be asked three
times is most of what a trial costs the driver, and the next trial waits for it.
"""

from typing import Any

import keras_tuner

from tuner_component.search.kerastuner import codec
from tuner_component.search.kerastuner.repairs import (
    RepairedOracle,
    lock_released_on_error,
)
from tuner_component.search.parallel import protocol

_KNOWN = ("keras_tuner", "tuner_component")


class OwnTrial:
    """A worker's trial, as the driver has it.

    Once more than one report has been made of it, it is not known here any more: who
    reports many times may have others look at them.

    Args:
        local: The oracle that the worker's tuner was made with.
        alone: Whether no other process trains the worker's trials with it.
    """

    def __init__(self, local: keras_tuner.Oracle, alone: bool) -> None:
        package = type(local).__module__.partition(".")[0]
        self._is_kept = alone and package in _KNOWN
        self._state: codec.TrialState | None = None
        # Takes reports, and refuses wrong ones, as the driver's does.
        self._oracle = RepairedOracle(seed=0)
        self._local = local
        self._report: tuple[dict[str, float], int | float] | None = None

    def begin(self, state: codec.TrialState) -> None:
        """The driver has told the state of a trial that is to be run."""
        self.forget()
        self._state = state if self._is_kept else None

    def runs(self, trial_id: str) -> bool:
        """Whether all is known of a trial that the driver knows."""
        return self._state is not None and self._state.state["trial_id"] == trial_id

    def look(self) -> Any:
        """The trial."""
        if not self._oracle.trials:
            trial = codec.decode(self._state)
            self._oracle.trials[trial.trial_id] = trial
        return next(iter(self._oracle.trials.values()))

    def takes(self, trial_id: str, step: Any) -> bool:
        """Whether a report can be made here."""
        return (
            self.runs(trial_id)
            and self._report is None
            and type(step) in (int, float)
            and abs(step) <= protocol.LAST_STEP
        )

    def report(self, metrics: dict[str, float], step: float) -> Any:
        """Makes a report; it is to be handed in with the trial.

        Raises:
            ValueError: If the objective is not among the metrics.
        """
        self._oracle.objective = self._local.objective
        trial = self.look()
        with lock_released_on_error(self._oracle):
            self._oracle.update_trial(trial.trial_id, metrics, step)
        self._report = metrics, step
        return trial

    def forget(self) -> tuple[str, dict[str, float], int | float] | None:
        """Knows nothing any more; returns the report that the driver has not heard."""
        report, state, self._report, self._state = self._report, self._state, None, None
        self._oracle.trials.clear()
        if report is None or state is None:
            return None
        return state.state["trial_id"], *report
