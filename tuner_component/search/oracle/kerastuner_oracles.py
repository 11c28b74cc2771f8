"""Hyperband whose brackets go on although trials fail.

KerasTuner promotes a trial once more trials of its round have *completed* than the round
will throw out. A failed trial never completes, so each failure costs a promotion: two
failures among the first 98 trials of a bracket, and nothing reaches its last round. Here
a failed trial counts as what it is, the first to be thrown out. Without failures, the
suggestions are KerasTuner's own.
"""

from typing import Any

from keras_tuner.oracles import HyperbandOracle

_ENDED = ("COMPLETED", "FAILED")


class FaultTolerantHyperband(HyperbandOracle):  # type: ignore[misc]
    """`HyperbandOracle` with a rule for promotions that knows failures."""

    _brackets: list[dict[str, Any]]

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """See `keras_tuner.Oracle.populate_space`."""
        self._remove_completed_brackets()
        for bracket in self._brackets:
            if not self._is_closed(bracket, 0):
                break
            promoted = self._promote(bracket, trial_id)
            if promoted is not None:
                return {"status": "RUNNING", "values": promoted}
        # With nobody left to promote, the next step is KerasTuner's: a random trial for
        # the open first round, a new bracket, or the end.
        suggestion: dict[str, Any] = super().populate_space(trial_id)
        return suggestion

    def _remove_completed_brackets(self) -> None:
        self._brackets = [
            bracket
            for bracket in self._brackets
            if not self._is_closed(bracket, len(bracket["rounds"]) - 1)
        ]

    def _promote(self, bracket: dict[str, Any], trial_id: str) -> dict[str, Any] | None:
        """Values that continue the best trial of a round that can spare it."""
        number = bracket["bracket_num"]
        for index in range(1, len(bracket["rounds"])):
            candidates = self._candidates(bracket, index)
            if not candidates:
                continue
            pick = max if self.objective.direction == "max" else min
            best = pick(candidates, key=lambda trial: trial.score)
            bracket["rounds"][index].append({"past_id": best.trial_id, "id": trial_id})
            return {
                **best.hyperparameters.values,
                "tuner/trial_id": best.trial_id,
                "tuner/epochs": self._get_epochs(number, index),
                "tuner/initial_epoch": self._get_epochs(number, index - 1),
                "tuner/bracket": number,
                "tuner/round": index,
            }
        return None

    def _candidates(self, bracket: dict[str, Any], index: int) -> list[Any]:
        """Trials of the round before, the best of which may enter this round now."""
        past = self._trials_of(bracket, index - 1)
        selected = {entry["past_id"] for entry in bracket["rounds"][index]}
        candidates = [
            trial
            for trial in past
            if trial.status == "COMPLETED" and trial.trial_id not in selected
        ]
        past_size = self._get_size(bracket["bracket_num"], index - 1)
        losers = past_size - self._get_size(bracket["bracket_num"], index)
        losers -= sum(trial.status == "FAILED" for trial in past)
        if self._is_closed(bracket, index - 1):
            losers -= past_size - len(past)  # Those that failed rounds ago.
        return candidates if len(candidates) > max(losers, 0) else []

    def _is_closed(self, bracket: dict[str, Any], index: int) -> bool:
        """Whether a round has all the trials it will ever get."""
        size = self._get_size(bracket["bracket_num"], index)
        if len(bracket["rounds"][index]) >= size:
            return True
        return (
            index > 0
            and self._is_closed(bracket, index - 1)
            and all(t.status in _ENDED for t in self._trials_of(bracket, index - 1))
            and not self._candidates(bracket, index)
        )

    def _trials_of(self, bracket: dict[str, Any], index: int) -> list[Any]:
        return [self.trials[entry["id"]] for entry in bracket["rounds"][index]]
