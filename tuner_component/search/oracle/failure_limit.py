"""When failing trials end the search, and what is said then."""

import re
from typing import Any

import keras_tuner

from tuner_component.search.errors import SearchFailedError

# Failures in a row that end a search for which no limit was set. KerasTuner's three are few:
# one bad region of the space, or one worker that takes its trials down with it.
DEFAULT_CONSECUTIVE = 10
_KERAS_TUNER_DEFAULT = 3


class FailureLimit:
    """Counts failed trials against the limits of a search."""

    def __init__(self, oracle: keras_tuner.Oracle, max_failed: int | None) -> None:
        """Sets the limits.

        Args:
            oracle: The user's oracle. Its `max_consecutive_failed_trials` counts where
                the user chose it, that is, where it is not KerasTuner's default.
            max_failed: How many trials of the whole study may fail. If None, any number
                may, short of 10 in a row; or of 3 if those are the first of all, and
                fail with the same error: that is no bad corner of the space.

        Raises:
            ValueError: If `max_failed` is negative.
        """
        if max_failed is not None and max_failed < 0:
            raise ValueError(
                "Expected max_failed_trials to be 0 or more. "
                f"Received: {max_failed}. Leave it out for no limit on the total."
            )
        self._max_failed = max_failed
        self._limit_in_a_row: int | None = oracle.max_consecutive_failed_trials
        chosen = self._limit_in_a_row != _KERAS_TUNER_DEFAULT or max_failed is not None
        self._few = None if chosen else _KERAS_TUNER_DEFAULT
        if self._limit_in_a_row == _KERAS_TUNER_DEFAULT:
            self._limit_in_a_row = DEFAULT_CONSECUTIVE if max_failed is None else None
        self._in_a_row = 0
        self._failed = 0
        self._first: Any = None
        self._oracle = oracle
        self._none_completed = True

    def restore(self, trial: Any) -> None:
        """Takes up how a trial of an earlier run ended.

        It counts for the total only: when a search is run again after failures in a row,
        something may have been done about their cause.
        """
        if trial.status == "COMPLETED":
            self._none_completed = False
        else:
            self._failed += 1
            if self._first is None or not self._first.message:
                self._first = trial

    def record(self, trial: Any) -> None:
        """Takes up how a trial just ended."""
        self.restore(trial)
        self._in_a_row = 0 if trial.status == "COMPLETED" else self._in_a_row + 1

    def check(self) -> None:
        """Raises if a limit is reached.

        Raises:
            SearchFailedError: With the first failure in its message.
        """
        if self._max_failed is not None and self._failed > self._max_failed:
            limit = f"at most {self._max_failed} failed trials"
            remedy = "Mend their cause, or raise max_failed_trials"
        elif self._limit_in_a_row and self._in_a_row >= self._limit_in_a_row:
            limit = f"fewer than {self._limit_in_a_row} failed trials in a row"
            remedy = "Mend their cause"
        elif self._is_hopeless():
            limit = "one of the first trials to complete"
            remedy = "Each fails with the same error. Mend its cause"
        else:
            return
        raise self._error(
            f"Expected {limit}. Received: {self._failed} failed trials. {remedy}, then "
            "run the same search again: it keeps what completed and goes on."
        )

    def _is_hopeless(self) -> bool:
        """Whether the first trials failed with one error: KerasTuner gives up, too.

        Trials of other workers, which began before, are waited for.
        """
        few = self._few
        if few is None or not self._none_completed or self._in_a_row < few:
            return False
        first = [self._oracle.trials[name] for name in self._oracle.start_order[:few]]
        errors = {
            _error(trial.message) if trial.status == "FAILED" else None
            for trial in first
        }
        return len(first) == few and len(errors) == 1 and None not in errors

    def none_completed(self, directory: str) -> SearchFailedError:
        """The error of a search that is over without a single result.

        Args:
            directory: The study, which has nothing to go on with.
        """
        return self._error(
            f"Expected at least one completed trial. Received: {self._failed} trials, "
            f"all failed. Mend their cause; if that changes nothing that makes this "
            f"another study, also remove {directory}."
        )

    def _error(self, message: str) -> SearchFailedError:
        first = self._first
        if first is None:
            hint = (
                "Check that max_trials is at least 1 and that the space is not empty."
            )
            return SearchFailedError(f"{message} {hint}", None, 0)
        return SearchFailedError(
            f"{message} The first one, {first.trial_id} with "
            f"{first.hyperparameters.values}, failed with:\n{first.message}",
            first.message,
            self._failed,
        )


def _error(message: str | None) -> str | None:
    """What a trial raised, less numbers, which name operations; None if it did not."""
    if not message or not message.startswith("Traceback"):
        return None
    return re.sub(r"\d+", "#", message.rstrip().rpartition("\n")[2])
