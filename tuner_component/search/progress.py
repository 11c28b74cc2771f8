"""Telling the process that wants the result how the search is going."""

import select
from multiprocessing import connection
from typing import Any

from keras_tuner.engine import trial as trial_lib

from tuner_component.search import protocol


class Reporter:
    """Sends a line about every trial that ends.

    Args:
        wire: Connection to the process that wants the result. A line is left out
            where that process is not listening: the search does not wait for it.
        objective: The search's objective.
        max_trials: How many trials there will be, where that is known.
    """

    def __init__(
        self, wire: connection.Connection, objective: Any, max_trials: int | None
    ) -> None:
        self._wire = wire
        self._objective = objective
        self._max_trials = max_trials
        self._counts = {"completed": 0, "failed": 0}
        self._best: tuple[float, str] | None = None

    def restore(self, trial: trial_lib.Trial) -> None:
        """Counts a trial of an earlier run."""
        self._count(
            {
                "trial_id": trial.trial_id,
                "status": trial.status,
                "score": trial.score,
            }
        )

    def trial_ended(self, state: dict[str, Any]) -> None:
        """Reports a trial that ended.

        Args:
            state: Its state.
        """
        outcome = self._count(state)
        if outcome is None:
            return
        number = sum(self._counts.values())
        total = f" of {self._max_trials}" if self._max_trials else ""
        text = f"Trial {state['trial_id']} {outcome} ({number}{total}"
        if self._counts["failed"]:
            text += f", {self._counts['failed']} failed"
        text += ")"
        if state["score"] is not None:
            text += f": {self._objective.name} {state['score']:.6g}"
        if self._best is not None:
            text += f"; best so far {self._best[0]:.6g} by trial {self._best[1]}"
        self.say(f"{text}.")

    def say(self, text: str) -> None:
        """Sends a line."""
        _, writable, _ = select.select([], [self._wire], [], 0)
        if not writable:
            return
        try:
            self._wire.send(protocol.Progress(text))
        except OSError:
            pass  # Its end will be noticed.

    def _count(self, state: dict[str, Any]) -> str | None:
        if state["status"] == trial_lib.TrialStatus.COMPLETED:
            self._counts["completed"] += 1
            self._keep_best(state)
            return "completed"
        if state["status"] == trial_lib.TrialStatus.FAILED:
            self._counts["failed"] += 1
            return "failed"
        return None  # It will be tried again.

    def _keep_best(self, state: dict[str, Any]) -> None:
        score, sign = state["score"], 1 if self._objective.direction == "max" else -1
        if self._best is None or sign * score > sign * self._best[0]:
            self._best = score, state["trial_id"]
