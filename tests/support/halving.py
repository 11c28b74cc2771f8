"""An oracle that pauses: successive halving, the same in whatever order trials run."""

from collections.abc import Sequence
from typing import Any

from keras_tuner import oracles

from tuner_component.search.epochs import Decision


class Halving(oracles.RandomSearchOracle):
    """Pauses all trials at each rung, and then goes on with the best half of them.

    Args:
        rungs: Numbers of epochs.
        kwargs: Those of a random search.
    """

    def __init__(self, rungs: Sequence[int] = (1, 2, 4), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._rungs = tuple(rungs)
        # What the trials came to at each rung.
        self._at: dict[int, dict[str, float]] = {rung: {} for rung in rungs}
        self.asked: list[tuple[str, int, list[float], bool]] = []

    def get_state(self) -> dict[str, Any]:
        """What it knows follows from the curves, which it is told again."""
        state: dict[str, Any] = super().get_state()
        return state

    def is_rung(self, epochs: int) -> bool:
        return epochs in self._rungs

    def after_epoch(
        self, trial_id: str, epochs: int, curve: Sequence[float], can_pause: bool
    ) -> Decision:
        self.asked.append((trial_id, epochs, list(curve), can_pause))
        return Decision.PAUSE

    def learn_curve(
        self, trial_id: str, curve: Sequence[float], stopped_after: int | None
    ) -> None:
        for rung in self._rungs:
            if rung <= len(curve):
                self._at[rung][trial_id] = curve[rung - 1]

    def next_paused(self, paused: Sequence[str]) -> str | None:
        group, best = self._halved(paused)
        return next((trial_id for trial_id in group if trial_id in best), None)

    def hopeless(self, paused: Sequence[str]) -> list[str]:
        group, best = self._halved(paused)
        return [trial_id for trial_id in group if trial_id not in best]

    def _halved(self, paused: Sequence[str]) -> tuple[list[str], list[str]]:
        """Those that are paused at the lowest rung, and which trials are good enough.

        Nobody is as long as others have not got there.
        """
        at = {trial_id: self._rung(trial_id) for trial_id in paused}
        under_way = {*self.start_order} - {*self.end_order} - {*paused}
        rung = min(at.values())
        if len(self.trials) < self.max_trials or any(
            self._rung(trial_id) < rung for trial_id in under_way
        ):
            return [], []
        ranked = sorted(self._at[rung], key=self._at[rung].__getitem__)
        group = sorted(trial_id for trial_id in paused if at[trial_id] == rung)
        return group, ranked[: max(1, len(ranked) // 2)]

    def _rung(self, trial_id: str) -> int:
        known = [rung for rung in self._rungs if trial_id in self._at[rung]]
        return max(known, default=0)
