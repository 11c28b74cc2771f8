"""Oracles that keep someone else informed, a service for example.

What such an oracle says must not get ahead of the journal: what is not durable may not have
happened after a crash. So it is told what is. It has any of the methods below; the journal
is the truth, and what fails here undoes nothing.
"""

from collections.abc import Mapping
from typing import Any


def tell_committed(oracle: Any) -> None:
    """All that happened is durable by now: `committed()`. It must be quick."""
    if committed := getattr(oracle, "committed", None):
        committed()


def tell_concluded(oracle: Any) -> None:
    """The search is over, and will be marked as finished: `concluded()`.

    What it raises leaves the search unfinished: the next run calls it again.
    """
    if concluded := getattr(oracle, "concluded", None):
        concluded()


def tell_epoch(
    oracle: Any, trial_id: str, fit: int, epoch: int, metrics: Mapping[str, float]
) -> None:
    """A trial has reported an epoch: `hear_epoch(trial_id, fit, epoch, metrics)`.

    It must be quick, and may be called from any thread while another method runs. An epoch
    comes again if a trial is run again.
    """
    if hear := getattr(oracle, "hear_epoch", None):
        hear(trial_id, fit, epoch, metrics)
