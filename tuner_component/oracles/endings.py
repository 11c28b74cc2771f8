"""What is said of a search that ends before all of its trials were run."""

from typing import Any

from tuner_component.planner.prospect import Prospect


def explained(oracle: Any, prospect: Prospect) -> str:
    """Why a search ends by which so little is expected.

    Args:
        oracle: That of the search.
        prospect: What it expects of going on.
    """
    of = f" of {oracle.max_trials}" if oracle.max_trials else ""
    verb = "raise" if oracle.objective.direction == "max" else "lower"
    return (
        f"Ended after {len(oracle.trials)}{of} trials: {prospect.trials} more are "
        f"expected to {verb} {oracle.objective.name} by {prospect.gain:.2g}, which is "
        f"little beside the noise of {prospect.noise:.2g}."
    )
