"""How a search runs: how much at a time, how long, and what it puts up with."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

RULES = ("median", "asha", "hyperband", "patience")
_WARMUP = {"median": 5}
_LEAST = {
    "grace_epochs": 1,
    "reduction_factor": 2,
    "warmup_trials": 0,
    "patience": 1,
    "max_epochs": 1,
}


@dataclasses.dataclass(frozen=True)
class StoppingOptions:
    """A stopping rule and its parameters.

    Attributes:
        rule: "median": the best value so far is worse than the median of the trials
            that were trained to the end, at the same epoch. "asha": asynchronous
            successive halving. "hyperband": several halvings side by side. "patience":
            the best value is too old.
        grace_epochs: No trial is stopped before it was trained for so many epochs.
        reduction_factor: Of "asha" and "hyperband": 1 in so many goes on.
        warmup_trials: No trial is stopped before so many were trained to the end.
            None stands for 5 with "median", and for 0 with the others.
        patience: Of "patience": epochs without progress.
        max_epochs: Of "hyperband": how many epochs a trial has that is not stopped.
    """

    rule: str
    grace_epochs: int = 1
    reduction_factor: int = 3
    warmup_trials: int | None = None
    patience: int = 5
    max_epochs: int | None = None

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
            ValueError: If one is out of its range, or missing.
        """
        if self.rule not in RULES:
            raise ValueError(
                f"Expected the stopping rule to be one of {', '.join(RULES)}. "
                f"Received: {self.rule!r}. Leave stopping out to train all trials to "
                "the end."
            )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(
                    f"Expected stopping.{name} to be {least} or more. Received: "
                    f"{value}. Leave it out for the default."
                )
        needed = self.grace_epochs * self.reduction_factor
        if self.rule == "hyperband" and (self.max_epochs or 0) < needed:
            raise ValueError(
                "Expected stopping.max_epochs with the rule HYPERBAND: how many epochs "
                "a trial has, at least grace_epochs times reduction_factor "
                f"({needed}). Received: {self.max_epochs}. Set it, or take the rule "
                "ASHA, which does not need it."
            )

    @property
    def warmup(self) -> int:
        """How many trials must have been trained to the end."""
        if self.warmup_trials is None:
            return _WARMUP.get(self.rule, 0)
        return self.warmup_trials


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known before a search begins.

    Attributes:
        points: Values of hyperparameters, to be tried first and in this order.
        results: Values and score of earlier trials with the same objective.
    """

    points: tuple[Mapping[str, Any], ...] = ()
    results: tuple[tuple[Mapping[str, Any], float], ...] = ()


NOTHING = Known()


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
