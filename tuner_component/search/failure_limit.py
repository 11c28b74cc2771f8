"""When failing trials end the search, and what is said then."""

import keras_tuner

from tuner_component.search.errors import SearchFailedError

# Failures in a row that end a search nobody set a limit for. KerasTuner's three are few:
# one bad region of the space, or one worker that takes its trials down with it.
DEFAULT_CONSECUTIVE = 10
_KERAS_TUNER_DEFAULT = 3


class FailureLimit:
    """Counts failed trials against the limits of a search."""

    def __init__(self, oracle: keras_tuner.Oracle, max_failed: int | None) -> None:
        """Sets the limits.

        Args:
            oracle: the user's oracle. Its `max_consecutive_failed_trials` counts where
                the user chose it, that is, where it is not KerasTuner's default.
            max_failed: how many trials of the whole study may fail. If None, any number
                may, short of 10 in a row.

        Raises:
            ValueError: `max_failed` is negative.
        """
        if max_failed is not None and max_failed < 0:
            raise ValueError(
                "Expected max_failed_trials to be 0 or more. "
                f"Received: {max_failed}. Leave it out for no limit on the total."
            )
        self._max_failed = max_failed
        self._consecutive_limit: int | None = oracle.max_consecutive_failed_trials
        if self._consecutive_limit == _KERAS_TUNER_DEFAULT:
            is_ours = max_failed is None
            self._consecutive_limit = DEFAULT_CONSECUTIVE if is_ours else None
        self._consecutive = 0
        self._failed = 0
        self._first_message: str | None = None

    def restore(self, failed: bool, message: str | None) -> None:
        """Takes up how a trial of an earlier run ended.

        It counts for the total only: whoever runs a search again after failures in a
        row has, one hopes, done something about their cause.
        """
        if failed:
            self._failed += 1
            self._first_message = self._first_message or message

    def record(self, failed: bool, message: str | None) -> None:
        """Takes up how a trial just ended."""
        self.restore(failed, message)
        self._consecutive = self._consecutive + 1 if failed else 0

    def check(self) -> None:
        """Raises if a limit is reached.

        Raises:
            SearchFailedError: with the first failure in its message.
        """
        if self._max_failed is not None and self._failed > self._max_failed:
            limit = f"at most {self._max_failed} failed trials"
            remedy = "Mend their cause, or raise max_failed_trials"
        elif self._consecutive_limit and self._consecutive >= self._consecutive_limit:
            limit = f"fewer than {self._consecutive_limit} failed trials in a row"
            remedy = "Mend their cause"
        else:
            return
        raise self.error(f"Expected {limit}", remedy)

    def error(self, expected: str, remedy: str) -> SearchFailedError:
        """The error of a search whose trials fail, first traceback included."""
        return SearchFailedError(
            f"{expected}. Received: {self._failed} failed trials. {remedy}, then run "
            "the same search again: what completed is kept. The first failure was:\n"
            f"{self._first_message or 'unknown'}",
            self._first_message,
            self._failed,
        )
