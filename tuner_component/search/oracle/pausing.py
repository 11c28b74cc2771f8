"""Oracles that pause trials: what they are asked, and whether they answer as they may.

Such an oracle looks at a trial after some of its epochs, and may have it wait there, with
its training saved, until it is known whether it is worth more than a new one.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras_tuner

from tuner_component.search.epochs import Decision
from tuner_component.search.errors import SearchError
from tuner_component.search.training.pausing import UndecidedError


class Pauses(Protocol):
    """What an oracle has that pauses trials, besides what every oracle has.

    A paused trial has not ended: its status is "RUNNING" as before, but it is not among
    the oracle's `ongoing_trials`. (Neither are trials whose worker died, until another one
    has them: those under way are all that are neither paused nor in `end_order`.) Where an
    oracle has a method `learn_curve`, that is
    called at each pause, too: see `search.stopping.curve_hearing`.
    """

    def is_rung(self, epochs: int) -> bool:
        """Whether a trial with so many epochs is to be decided about.

        Must be quick, and may be called from any thread while another method runs.
        """

    def after_epoch(
        self, trial_id: str, epochs: int, curve: Sequence[float], can_pause: bool
    ) -> Decision:
        """Decides about a trial. Only the trial waits meanwhile.

        It is asked once for each number of epochs, unless the trial starts over, or its
        answer was lost: with the process that was to pause, or with the whole search.

        Args:
            trial_id: The trial, which runs.
            epochs: How many epochs the training has that it is at.
            curve: The objective's best value so far after each of these.
            can_pause: Whether the trial can go on later from where it is. Otherwise a
                pause is a stop.
        """

    def next_paused(self, paused: Sequence[str]) -> str | None:
        """Chooses what a worker does that is free.

        Args:
            paused: Ids of the paused trials, the one that has been for longest first.

        Returns:
            The paused trial to go on with; None for a new one.
        """

    def hopeless(self, paused: Sequence[str]) -> Sequence[str]:
        """Chooses the paused trials that can no longer win: they end as stopped trials do.

        Asked before `next_paused`, with the same argument.
        """


_METHODS = ("is_rung", "after_epoch", "next_paused", "hopeless")


def pauses(oracle: keras_tuner.Oracle) -> bool:
    """Whether an oracle pauses trials.

    Raises:
        TypeError: If it has some of the methods that this takes, and not all.
    """
    missing = [name for name in _METHODS if not hasattr(oracle, name)]
    if 0 < len(missing) < len(_METHODS):
        raise TypeError(
            f"Expected {type(oracle).__name__} to have all methods of an oracle that "
            f"pauses trials. Received: one without {', '.join(missing)}. Add what is "
            "missing, or leave out the others."
        )
    return not missing


class PausingOracle:
    """Asks an oracle that may pause trials. One that does not pauses none.

    Args:
        oracle: The user's oracle.

    Attributes:
        pauses: Whether it pauses trials.
    """

    def __init__(self, oracle: keras_tuner.Oracle) -> None:
        self.pauses = pauses(oracle)
        self._oracle: Any = oracle

    def is_rung(self, epochs: int) -> bool:
        """Whether to ask `decide`; may be called from any thread."""
        return self.pauses and bool(self._ask("is_rung", epochs))

    def decide(
        self, trial_id: str, epochs: int, curve: Sequence[float], can_pause: bool
    ) -> Decision:
        """What becomes of a trial.

        Raises:
            UndecidedError: If the oracle does not say.
        """
        decision = self._ask("after_epoch", trial_id, epochs, curve, can_pause)
        if not isinstance(decision, Decision):
            raise self._error("after_epoch", "a Decision", decision)
        if decision is Decision.PAUSE and not can_pause:
            return Decision.STOP
        return decision

    def next_paused(self, paused: Sequence[str]) -> str | None:
        """The paused trial to go on with; None for a new one.

        Raises:
            UndecidedError: If the oracle names another trial.
        """
        if not self.pauses or not paused:
            return None
        chosen = self._ask("next_paused", paused)
        if chosen is not None and chosen not in paused:
            raise self._error("next_paused", f"None or one of {paused}", chosen)
        return chosen  # type: ignore[no-any-return]

    def hopeless(self, paused: Sequence[str]) -> list[str]:
        """The paused trials to end.

        Raises:
            UndecidedError: If the oracle names another trial.
        """
        if not self.pauses or not paused:
            return []
        chosen = list(dict.fromkeys(self._ask("hopeless", paused)))
        if not set(chosen) <= set(paused):
            raise self._error("hopeless", f"some of {paused}", chosen)
        return chosen

    def _ask(self, method: str, *args: Any) -> Any:
        call: Callable[..., Any] = getattr(self._oracle, method)
        try:
            return call(*args)
        except SearchError:
            raise
        except Exception as error:
            # Not the fault of the trial that runs, nor of the worker that asks.
            raise UndecidedError(
                f"Expected {type(self._oracle).__name__}.{method} to answer. Received: "
                f"{error!r}. Mend it and run the same search again, which goes on."
            ) from error

    def _error(self, method: str, expected: str, received: Any) -> UndecidedError:
        return UndecidedError(
            f"Expected {type(self._oracle).__name__}.{method} to return {expected}. "
            f"Received: {received!r}. Mend it and run the same search again, which goes "
            "on."
        )
