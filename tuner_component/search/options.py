"""How a search runs: how many trials at a time, for how long, with what limits.

The range of each number is declared once, at its field: see `ranges`.
"""

import dataclasses
import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from tuner_component.search.constraint import Constraint
from tuner_component.search.ranges import Range, check_numbers, number

# What may end a search before all trials were run.
CONDITIONS = ("converged",)
RULES = ("median", "asha", "hyperband", "patience", "service")
_WARMUP = {"median": 5}
# What has an option of its own, by Ray's name.
_OWN_OPTIONS = {
    "CPU": "cpus_per_trial",
    "GPU": "gpus_per_trial",
    "memory": "cluster.memory_gib_per_trial",
}
_HOST_NAME = re.compile(r"\w([\w-]*\w)?(\.\w([\w-]*\w)?)*", re.ASCII)


@dataclasses.dataclass(frozen=True)
class StoppingOptions:
    """A stopping rule and its parameters.

    Attributes:
        rule: "median": the best value so far is worse than the median of the trials
            that were trained to the end, at the same epoch. "asha": asynchronous
            successive halving. "hyperband": several halvings side by side. "patience":
            the best value is too old. "service": the service that suggests trials says
            so.
        grace_epochs: No trial is stopped before it was trained for this many epochs.
        reduction_factor: For "asha" and "hyperband": 1 trial in this many goes on.
        warmup_trials: No trial is stopped before this many were trained to the end.
            None stands for 5 with "median", and for 0 with the others.
        patience: For "patience": epochs without progress.
        max_epochs: For "hyperband": how many epochs a trial has if it is not stopped.
    """

    rule: str
    grace_epochs: int = number(1, Range(1, whole=True))
    reduction_factor: int = number(3, Range(2, whole=True))
    warmup_trials: int | None = number(None, Range(whole=True))
    patience: int = number(5, Range(1, whole=True))
    max_epochs: int | None = number(None, Range(1, whole=True))

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
            TypeError: If a value is not a whole number.
            ValueError: If one is out of its range, or missing.
        """
        if self.rule not in RULES:
            raise ValueError(
                f"Expected the stopping rule to be one of {', '.join(RULES)}. "
                f"Received: {self.rule!r}. Leave stopping out to train all trials to "
                "the end."
            )
        check_numbers(self, "stopping.")
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
class RetryOptions:
    """Which failed trials are run again, when a search is run again.

    Attributes:
        trials: Their ids.
        causes: Parts of what they failed with; numbers in it are all alike. Without ids and
            without causes, all failed trials are meant.
        times: How often each is run again, all runs of the search together; None for once
            more, however often it was before.
    """

    trials: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    times: int | None = number(
        1, Range(1, whole=True, left_out="to run them again once")
    )

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
            TypeError: If `times` is not a whole number.
            ValueError: If it is not 1 or more, or if an id or a cause is empty.
        """
        if self.times is not None:
            check_numbers(self, "retry.")
        if not all((*self.trials, *self.causes)):
            raise ValueError(
                "Expected ids of failed trials, and parts of what they failed with, in "
                "retry. Received: an empty one. Leave both out for all failed trials."
            )


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known before a search starts.

    Attributes:
        points: Values of hyperparameters, to be tried first and in this order.
        results: Of earlier trials: values, score, and how far each came if it was stopped.
    """

    points: tuple[Mapping[str, Any], ...] = ()
    results: tuple[tuple[Mapping[str, Any], float, int | None], ...] = ()


NOTHING = Known()


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A running Ray cluster, and what it reserves for a trial.

    There, a trial has one CPU if `SearchOptions.cpus_per_trial` is None, and no GPU if
    `SearchOptions.gpus_per_trial` is.

    Attributes:
        address: "auto" for the cluster that this machine is a node of, or the host and
            port of the head, such as "ray-head:6379" or "[fd00::7]:6379".
        memory_gib_per_trial: GiB of memory that a node reserves for it; None for none.
        resources_per_trial: Amounts of the cluster's custom resources, by their names.
        wait_s: Seconds that the search waits while it has no place for any trial.
        workers_per_trial: How many processes train a trial together; each has all that.
        driver_on_cluster: Whether the search's driver runs on a node, too, and not here.
    """

    address: str
    memory_gib_per_trial: float | None = number(
        None, Range(above=True, left_out="to reserve none")
    )
    resources_per_trial: Mapping[str, float] = dataclasses.field(default_factory=dict)
    wait_s: float = number(900.0, Range(above=True, left_out="to wait for 15 minutes"))
    workers_per_trial: int = number(1, Range(1, whole=True, left_out="for one"))
    driver_on_cluster: bool = False

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
            TypeError: If a value is not of its type.
            ValueError: If a value is not one that a cluster understands.
        """
        _check_address(self.address)
        check_numbers(self, "cluster.")
        for name, amount in self.resources_per_trial.items():
            _check_resource(name, amount)


def _check_address(address: Any) -> None:
    if not isinstance(address, str):
        raise TypeError(
            f"Expected cluster.address to be text. Received: {address!r} of type "
            f"{type(address).__name__}."
        )
    if address.startswith("ray://"):
        raise ValueError(
            'Expected cluster.address to be "auto", or the host and port of the head, '
            f"such as ray-head:6379. Received: {address!r}, for the Ray Client. It "
            "proxies every call, and can neither place workers nor pass on their "
            "connections: the search itself is a driver of the cluster. Run the "
            "pipeline's process on a node of the cluster, for example one that was "
            "started with `ray start --address=ray-head:6379 --num-cpus=0`, and write "
            '"auto", or the address of the head.'
        )
    host, _, port = address.rpartition(":")
    if address != "auto" and not (_is_host(host) and _is_port(port)):
        raise ValueError(
            'Expected cluster.address to be "auto", or the host and port of the head, '
            f"such as ray-head:6379 or [fd00::7]:6379. Received: {address!r}. Write "
            '"auto" on a node of the cluster, or see what `ray start --head` printed '
            "there."
        )


def _is_host(text: str) -> bool:
    in_brackets = text.startswith("[") and text.endswith("]")
    try:
        version = ipaddress.ip_address(text[1:-1] if in_brackets else text).version
    except ValueError:
        # What looks like an IPv4 address and is none is no name, either.
        numbers = re.fullmatch(r"[\d.]*", text)
        return not numbers and _HOST_NAME.fullmatch(text) is not None
    return version == (6 if in_brackets else 4)


def _is_port(text: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and 0 < int(text) < 2**16


def _check_resource(name: Any, amount: Any) -> None:
    if option := _OWN_OPTIONS.get(name):
        raise ValueError(
            "Expected cluster.resources_per_trial to have custom resources only. "
            f"Received: {name!r}. Set {option} instead."
        )
    if not isinstance(name, str) or not name.strip():
        raise ValueError(
            "Expected cluster.resources_per_trial to have the names of resources. "
            f"Received: {name!r}. `ray status` lists those of the cluster."
        )
    allowed = Range(above=True, left_out="to reserve none")
    allowed.check(f"cluster.resources_per_trial[{name!r}]", amount)


@dataclasses.dataclass(frozen=True)
class SearchOptions:
    """Options of a search; those of workers have no effect on one in process.

    The defaults suit most searches. None means: no limit.

    Attributes:
        num_workers: How many trials run at the same time.
        cpus_per_trial: CPU cores of a trial; None divides the machine's cores
            equally, and stands for 1 on a cluster.
        gpus_per_trial: GPUs of a trial; a fraction lets several trials share one.
            None divides the machine's GPUs equally, and stands for 0 on a cluster.
        max_retries: How often a trial is run again after the worker that ran it
            died or hung, or the whole search did and it had saved no further epoch,
            before it counts as failed; in all runs of the search together, and in
            process too.
        trial_timeout_s: Seconds that one attempt of a trial may take.
        time_budget_s: Seconds after which no more trials are started; what has
            been found by then is the result.
        max_failed_trials: The search fails when more trials than this have failed.
        heartbeat_timeout_s: Seconds after which a silent worker counts as hung. Workers
            give a sign each second (many: at least ten in it), unless native code holds
            the GIL.
        max_trials_per_worker: After so many a worker is replaced: user code may leak.
        stopping: When trials end before their last epoch; None stands for never.
        pareto: Whether to look for the front of several objectives, not for the best sum.
        constraints: What a result must meet.
        known: What the search starts from.
        preflight: Whether to check before the first trial that the default model trains.
        seed: Seed of the study; None draws one, which the study records.
        grace_period_s: Seconds that running trials get if a search is stopped early.
        cluster: Where the workers run; None for this machine.
        confirm_top: How many of the best trials are run again when the search is over, with
            other seeds; the best mean is the result. 0 for none.
        confirm_seeds: How often each of them is.
        stop_when: What may end the search before all trials were run, one of `CONDITIONS`;
            None for nothing.
        max_trials: How many trials the search has; None for as many as the tuner says. A
            finished study that had fewer goes on.
        retry: Which trials that failed in earlier runs of the search are run again; None for
            none.
    """

    num_workers: int = number(
        1, Range(1, whole=True, left_out="to run trials in process, one by one")
    )
    cpus_per_trial: float | None = number(
        None,
        Range(above=True, left_out="to divide the machine's CPUs", of_workers=True),
    )
    gpus_per_trial: float | None = number(
        None,
        Range(of_gpus=True, left_out="to divide the machine's GPUs", of_workers=True),
    )
    max_retries: int = number(2, Range(whole=True, left_out="to retry twice"))
    trial_timeout_s: float | None = number(
        None, Range(above=True, left_out="for no limit", of_workers=True)
    )
    time_budget_s: float | None = number(
        None, Range(above=True, left_out="for no limit")
    )
    max_failed_trials: int | None = number(
        None, Range(whole=True, left_out="to accept any number, short of ten in a row")
    )
    heartbeat_timeout_s: float = number(60.0, Range(2, of_workers=True))
    max_trials_per_worker: int | None = number(
        None,
        Range(1, whole=True, left_out="to keep workers until the end", of_workers=True),
    )
    stopping: StoppingOptions | None = None
    pareto: bool = False
    constraints: tuple[Constraint, ...] = ()
    known: Known = NOTHING
    preflight: bool = False
    seed: int | None = number(None, Range(whole=True, left_out="to draw one"))
    grace_period_s: float = number(30.0, Range())
    cluster: Cluster | None = None
    confirm_top: int = number(0, Range(1, whole=True, left_out="to confirm none"))
    confirm_seeds: int = number(3, Range(1, whole=True, left_out="for 3 times"))
    stop_when: str | None = None
    max_trials: int | None = number(
        None, Range(1, whole=True, left_out="to run as many as the tuner says")
    )
    retry: RetryOptions | None = None

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
            TypeError: If a value is not a number.
            ValueError: If a value is out of its range, or does not go with another.
        """
        check_numbers(self)
        if self.stop_when is not None and self.stop_when not in CONDITIONS:
            raise ValueError(
                f"Expected stop_when to be one of {', '.join(CONDITIONS)}. Received: "
                f"{self.stop_when!r}. Leave it out to run all trials."
            )
        if self.stop_when and (self.pareto or self.constraints):
            raise ValueError(
                "Expected stop_when without pareto and without constraints: what going on "
                "is worth is told of one objective. Received: stop_when="
                f"{self.stop_when!r}. Leave one of them out."
            )
        if self.confirm_top and (self.pareto or self.constraints):
            raise ValueError(
                "Expected confirm_top without pareto and without constraints: re-runs "
                "compare trials by the mean of one score. Received: confirm_top="
                f"{self.confirm_top}. Leave one of them out."
            )
