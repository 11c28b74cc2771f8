"""How much may fail: attempts of a trial, and trials of a search.

Attempts are counted over all runs of a search. One is lost when its worker dies, or when
the whole search dies around it, or all that ran on its node of a cluster: a pod that is
killed for its memory, a segmentation fault in process. Who is to blame is certain in the
first case only. Otherwise all trials that ran there lose an attempt, so one that has lost
too many gets a last chance: once more, after all others and with nothing beside it. If
all of it dies again, it was that trial.

But an attempt that got further than any before has come to something. It clears the
trial: a long one on machines that are taken away needs many attempts. How far they got is
journaled, so a trial that always dies at the same point loses all attempts but the first.

When no attempt is left the trial has failed, and `FailureLimit` says whether the search
ends with it.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import keras_tuner

from tuner_component.search.errors import SearchFailedError

# Failures in a row that end a search for which no limit was set. KerasTuner's three are few:
# one bad region of the space, or one worker that takes its trials down with it.
DEFAULT_CONSECUTIVE = 10
_KERAS_TUNER_DEFAULT = 3


@dataclasses.dataclass
class Tries:
    """What came of the attempts at a trial, in this run of the search and those before.

    Attributes:
        attempts: How many there were.
        lost: How many cost their worker, other than by want of memory.
        interrupted: How many ended with the whole search or their node, which no one had
            asked to end, since one got further than all before.
        ran_out: Whether one ran out of memory: the next has the machine to itself.
        had_last_chance: Whether such an attempt was the trial's last chance.
        reached: The farthest point that one got to, as far as it was saved: see
            `training.checkpoint_files`.
    """

    attempts: int = 0
    lost: int = 0
    interrupted: int = 0
    ran_out: bool = False
    had_last_chance: bool = False
    reached: tuple[int, ...] = (0, 0, 0)

    @classmethod
    def of(cls, records: list[dict[str, Any]]) -> "Tries":
        """Adds up the attempts that a study tells of: see `note`."""
        tries = cls()
        for record in records:
            tries.note(record)
        return tries

    def note(self, record: Mapping[str, Any]) -> None:
        """Takes an attempt into account that came to nothing, or was paused.

        Args:
            record: What the journal says of it. `kind`: "paused" if it ended in a pause;
                the same attempt goes on after that; "retried" if the trial failed with it,
                and is run again because somebody wants it. `failed`: it was handed in as a
                failure, which the user's oracle wants repeated. `excused`: the search was
                asked to end, or is to blame itself. `out_of_memory`: it was.
                `interrupted`: it ended with the whole search, or its node; `last`: in its
                last chance. `reached`: the point that it got to.
        """
        before, now = self.reached, tuple(record.get("reached", ()))
        self.reached = max(before, now)
        if record.get("kind") == "paused":
            self.interrupted, self.had_last_chance = 0, False  # It got further.
            return
        self.attempts += 1
        if record.get("kind") == "retried":
            # What it may lose counts from here, and so does what it reaches.
            self.lost = self.interrupted = 0
            self.ran_out = self.had_last_chance = False
            self.reached = now
            return
        if record.get("failed") or record.get("excused"):
            return
        if record.get("out_of_memory"):
            self.ran_out = True
        elif record.get("interrupted"):
            if now > before:  # Epochs are finite, so this cannot go on for ever.
                self.interrupted, self.had_last_chance = 0, False
            else:
                self.interrupted += 1
                self.had_last_chance |= bool(record.get("last"))
        else:
            self.lost += 1

    def is_suspect(self, max_retries: int | None) -> bool:
        """Whether only the last chance is left.

        Args:
            max_retries: How many attempts may be lost; None for any number.
        """
        return max_retries is not None and self.lost + self.interrupted > max_retries

    def is_over(self, max_retries: int | None) -> bool:
        """Whether nothing is left: the trial has taken the search down by itself."""
        return self.had_last_chance and self.is_suspect(max_retries)

    def why(self) -> str:
        """What there is to say about a trial for which it is over."""
        return (
            f"{self.interrupted} attempts that ended with the whole search or all that "
            "ran on a node (killed for its memory, perhaps, or by a fault in native code) "
            "and saved no epoch more than those before; in the last one, no other trial ran"
        )


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
            "run the same search again: it keeps what completed and goes on. If the cause "
            "was outside of your code, `tuner-component retry` runs the failed ones again."
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
        ended: str | None = getattr(self._oracle, "ended_because", None)
        if ended and not self._oracle.trials:
            message = (
                "Expected at least one completed trial. Received: no trial at all."
            )
            return SearchFailedError(f"{message} {ended}", None, 0)
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
