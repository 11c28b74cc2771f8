"""How a search runs: how much at a time, how long, and what it puts up with."""

import dataclasses
import math
from typing import Any

from tuner_component.search.known import NOTHING, Known
from tuner_component.search.stopping_options import StoppingOptions


@dataclasses.dataclass(frozen=True)
class SearchOptions:
    """Options of a search; those of workers have no effect on one in process.

    The defaults suit most searches. None means: no limit.

    Attributes:
        num_workers: How many trials run at the same time.
        cpus_per_trial: CPU cores of a trial; None shares the machine's cores out
            equally.
        gpus_per_trial: GPUs of a trial; a fraction lets several trials share one.
            None shares the machine's GPUs out equally.
        max_retries: How often a trial is run again after the worker that ran it
            died or hung, before it counts as failed.
        trial_timeout_s: Seconds that one attempt of a trial may take.
        time_budget_s: Seconds after which no more trials are started; what has
            been found by then is the result.
        max_failed_trials: The search fails when more trials than this have failed.
        heartbeat_timeout_s: Seconds without a sign of life after which a worker is
            taken for hung. It beats every second unless native code holds on to
            Python's lock all that time.
        max_trials_per_worker: A worker is replaced by a fresh one after so many
            trials, against leaks.
        stopping: When trials end before their last epoch; None stands for never.
        known: What the search starts from.
        preflight: Whether to check before the first trial that the default model trains.
        seed: Seed of the study; None draws one, which the study records.
        grace_period_s: Seconds that running trials get to finish when the search
            is stopped before its end, in process too.
    """

    num_workers: int = 1
    cpus_per_trial: float | None = None
    gpus_per_trial: float | None = None
    max_retries: int = 2
    trial_timeout_s: float | None = None
    time_budget_s: float | None = None
    max_failed_trials: int | None = None
    heartbeat_timeout_s: float = 60.0
    max_trials_per_worker: int | None = None
    stopping: StoppingOptions | None = None
    known: Known = NOTHING
    preflight: bool = False
    seed: int | None = None
    grace_period_s: float = 30.0

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
            TypeError: If a value is not a number.
            ValueError: If a value is out of its range.
        """
        _check_whole("num_workers", self.num_workers, least=1)
        _check_whole("max_retries", self.max_retries, least=0)
        _check_number("heartbeat_timeout_s", self.heartbeat_timeout_s)
        if self.heartbeat_timeout_s < 2:
            raise _out_of_range(
                "heartbeat_timeout_s", "2 or more", self.heartbeat_timeout_s
            )
        _check_number("grace_period_s", self.grace_period_s)
        if self.grace_period_s < 0:
            raise _out_of_range("grace_period_s", "0 or more", self.grace_period_s)
        for name in ("max_failed_trials", "seed"):
            if getattr(self, name) is not None:
                _check_whole(name, getattr(self, name), least=0)
        if self.max_trials_per_worker is not None:
            _check_whole("max_trials_per_worker", self.max_trials_per_worker, least=1)
        for name in ("cpus_per_trial", "trial_timeout_s", "time_budget_s"):
            if getattr(self, name) is not None:
                _check_positive(name, getattr(self, name))
        if self.gpus_per_trial is not None:
            _check_gpus(self.gpus_per_trial)


def _check_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(
            f"Expected {name} to be a number. Received: {value!r} of type "
            f"{type(value).__name__}."
        )
    if not math.isfinite(value):
        raise _out_of_range(name, "finite", value)


def _check_positive(name: str, value: Any) -> None:
    _check_number(name, value)
    if value <= 0:
        raise _out_of_range(name, "more than 0", value)


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(
            f"Expected {name} to be a whole number. Received: {value!r} of type "
            f"{type(value).__name__}."
        )
    if value < least:
        raise _out_of_range(name, f"{least} or more", value)


def _check_gpus(value: Any) -> None:
    _check_number("gpus_per_trial", value)
    if value < 0 or (value > 1 and value != int(value)):
        raise _out_of_range(
            "gpus_per_trial", "a whole number or a fraction below 1", value
        )


def _out_of_range(name: str, expected: str, value: Any) -> ValueError:

    return ValueError(
        f"Expected {name} to be {expected}. Received: {value!r}. Leave it "
        "out for the default."
    )
