"""What an oracle says of its own search, written down: how it decides, what it expects.

An oracle need not say anything. Each of these is looked at where an oracle has it, and
journaled when it is news.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras_tuner

from tuner_component.search.oracle.records import Records
from tuner_component.search.study import records as records_lib
from tuner_component.search.study.history import History


class Tells(Protocol):
    """What an oracle may have that tells of its search.

    Attributes:
        why: How it decides, in a sentence; None as long as it does not know.
        prospect: What it expects of going on: `trials` (of so many more), `gain` (by how
            much the best value improves), `noise` (how far equal configurations are apart)
            and `seconds` (that it takes; None if that is not known). None if it does not
            know.
        ended_because: Why it has ended the search before all trials were run, in a
            sentence; None if it has not.
        stop_when: Which condition that was: what `end_when` was called with.
    """

    why: str | None
    prospect: Mapping[str, Any] | None
    ended_because: str | None
    stop_when: str | None

    def end_when(self, condition: str) -> None:
        """Has the search end by itself.

        Args:
            condition: One of `options.CONDITIONS`.
        """


def end_when(oracle: keras_tuner.Oracle, condition: str | None) -> None:
    """Has an oracle end its search by itself.

    Args:
        oracle: Fresh from its constructor.
        condition: One of `options.CONDITIONS`; None for not at all.

    Raises:
        ValueError: If it is not an oracle that can.
    """
    if condition is None:
        return
    if not hasattr(oracle, "end_when"):
        raise ValueError(
            "Expected an oracle that knows what going on is worth, with stop_when="
            f"{condition!r}. Received: {type(oracle).__name__}, the oracle of the "
            'tuner. Set search="auto", which puts one in its place, or leave stop_when '
            "out."
        )
    oracle.end_when(condition)


def ended_by(oracle: keras_tuner.Oracle) -> str | None:
    """The condition by which an oracle has ended its search; None if it has not."""
    has_ended = getattr(oracle, "ended_because", None) is not None
    return getattr(oracle, "stop_when", None) if has_ended else None


class Decisions:
    """Journals what an oracle says.

    Attributes:
        listener: Called with why the search ends, when the oracle has it end.
    """

    def __init__(
        self, oracle: keras_tuner.Oracle, records: Records, history: History
    ) -> None:
        """Goes on where a study ends.

        Args:
            oracle: The user's oracle.
            records: Takes what it says.
            history: What the study tells so far.
        """
        self._oracle, self._records = oracle, records
        self._why = next(reversed(history.decisions), None)
        self._ended, self._prospect = history.ended_because, history.prospect
        self.listener: Callable[[str], object] = lambda why: None

    def note(self) -> None:
        """Journals what is news."""
        self._note_why()
        self._note_prospect()
        ended = getattr(self._oracle, "ended_because", None)
        if isinstance(ended, str) and ended != self._ended:
            self._ended = ended
            self._records.append("decided", text=ended, time=time.time(), ends=True)
            self.listener(ended)

    def end(self, why: str) -> None:
        """Journals that the search ends, which was not the oracle's doing."""
        self._records.append("decided", text=why, time=time.time(), ends=True)
        self.listener(why)

    def _note_prospect(self) -> None:
        told = getattr(self._oracle, "prospect", None)
        if not isinstance(told, Mapping):
            return
        prospect = {name: told.get(name) for name in records_lib.PROSPECT}
        fault = records_lib.fault({"kind": "prospect", **prospect})
        if fault is None and prospect != self._prospect:
            self._prospect = prospect
            self._records.append("prospect", **prospect)

    def _note_why(self) -> None:
        why = getattr(self._oracle, "why", None)
        if isinstance(why, str) and why != self._why:
            self._why = why
            self._records.append("decided", text=why, time=time.time())
