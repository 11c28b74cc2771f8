"""The rule "service": whoever suggests trials says which of them should stop.

An oracle that can ask someone has two methods. `stop_by_service()` has it ask from now on;
it raises a `ValueError` if there is no one to ask. `wants_stopped(trial_id)` tells what the
answers say of a trial so far; it is quick, and may be called from any thread.
"""

from typing import Any


def ask_service(oracle: Any) -> None:
    """Has an oracle ask its service which trials should stop.

    Raises:
        ValueError: If it has none that can say.
    """
    ask = getattr(oracle, "stop_by_service", None)
    if ask is None:
        raise ValueError(
            "Expected a tuner whose trials a service suggests, with the stopping rule "
            f"SERVICE. Received: {type(oracle).__name__}. Take VizierSearch on Vertex AI, "
            "or the rule MEDIAN or ASHA."
        )
    ask()


class ServicePruner:
    """Passes on what the service says. It hears of values by the oracle, not by this.

    Args:
        oracle: The search's.
    """

    def __init__(self, oracle: Any) -> None:
        self._oracle = oracle

    def report(self, trial_id: str, step: int, value: float) -> None:
        """Nothing: see above."""

    def hopeless(self, trial_id: str) -> bool:
        """Whether the service has said that the trial should stop."""
        return bool(self._oracle.wants_stopped(trial_id))

    def end(self, trial_id: str, complete: bool) -> None:
        """Nothing: the service is told by the oracle."""

    def forget(self, trial_id: str) -> None:
        """Nothing: what the service has heard stays so."""
