"""What a search asks of a service that suggests trials, and what it hears back."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tuner_component.search.errors import SearchError


class ServiceError(SearchError):
    """The service could not be reached, or does not do what the search needs."""


class UnreachableError(ServiceError):
    """The service gave no answer, or none yet: the same call may do later."""


class OverError(ServiceError):
    """The trial has ended, as far as the service is concerned."""


class Scale(enum.Enum):
    """How the values of a parameter are spread."""

    LINEAR = "linear"
    LOG = "log"
    REVERSE_LOG = "reverse_log"


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What a service is told of a hyperparameter.

    One of these says what its values are: `values` (numbers in their order, or labels), or
    `low` and `high`, which are both whole numbers or both floats.

    Attributes:
        id: Its name in the service's study; unique there.
        values: All numbers, or all labels; empty for a range.
        low: The least value of a range.
        high: The largest value of a range.
        scale: How they are spread.
        children: Those that exist for some values of this one only, each with these values.
    """

    id: str
    values: tuple[float | str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    scale: Scale = Scale.LINEAR
    children: tuple[tuple[tuple[Any, ...], "Parameter"], ...] = ()


@dataclasses.dataclass(frozen=True)
class Problem:
    """What a study of the service is about.

    Attributes:
        metric: The name of the objective.
        maximize: Whether more of it is better.
        parameters: The search space.
        algorithm: The service's name of it; empty for its default.
        stops_early: Whether the service is to be asked which trials to stop.
    """

    metric: str
    maximize: bool
    parameters: tuple[Parameter, ...]
    algorithm: str = ""
    stops_early: bool = False


class State(enum.Enum):
    """What the service thinks of a trial."""

    REQUESTED = 1
    ACTIVE = 2
    STOPPING = 3
    SUCCEEDED = 4
    INFEASIBLE = 5

    @property
    def is_open(self) -> bool:
        """Whether its end has not been told."""
        return self in (State.ACTIVE, State.STOPPING)


@dataclasses.dataclass(frozen=True)
class ServiceTrial:
    """A trial of the service's.

    Attributes:
        name: Its name there.
        number: The first trial of a study has the least.
        state: What the service thinks of it.
        parameters: Its values, by the ids of parameters.
        client: Who asked for it.
        result: Its final value; None if it has none.
        steps: The largest step of which a value was told.
    """

    name: str
    number: int
    state: State
    parameters: Mapping[str, Any]
    client: str = ""
    result: float | None = None
    steps: int = 0


class Service(Protocol):
    """A connection to a service. Each call is one attempt, with a time limit.

    Any of them raises an `UnreachableError` if it may be tried again, and a `ServiceError`
    if that is of no use.

    Attributes:
        place: Where it is, for people.
        has_conditions: Whether it knows parameters that depend on others.
    """

    place: str
    has_conditions: bool

    def open_study(self, study_id: str, problem: Problem) -> str:
        """Creates a study, unless there is one by that name; returns the name of it.

        Raises:
            ServiceError: If there is one of another problem.
        """

    def suggest(self, study: str, client: str) -> ServiceTrial | None:
        """A trial for a client: the same one until it has ended; None if there are none."""

    def trials(self, study: str) -> Sequence[ServiceTrial]:
        """All trials of a study."""

    def measure(self, trial: str, metric: str, step: int, value: float) -> None:
        """Tells an intermediate value.

        Raises:
            OverError: If the trial has ended.
        """

    def complete(
        self, trial: str, metric: str, value: float | None, reason: str
    ) -> None:
        """Ends a trial.

        Args:
            trial: Its name.
            metric: The objective.
            value: What it came to; None if it is infeasible.
            reason: Why it is.

        Raises:
            OverError: If the trial has ended before.
        """

    def drop(self, trial: str) -> None:
        """Deletes a trial that no one has run."""

    def add(
        self, study: str, parameters: Mapping[str, Any], metric: str, value: float
    ) -> None:
        """Adds a trial that the service has not suggested, with its result."""

    def should_stop(self, trial: str) -> bool:
        """Whether the service thinks that a trial should stop."""

    def close(self) -> None:
        """Ends the connection."""


def same_problem(asked: Problem, known: Problem) -> bool:
    """Whether trials of one problem can be trials of the other."""
    return (asked.metric, asked.maximize, set(map(_shape, asked.parameters))) == (
        *(known.metric, known.maximize),
        set(map(_shape, known.parameters)),
    )


def _shape(parameter: Parameter) -> Parameter:
    """A parameter, less the order of what has none."""
    children = tuple(
        sorted(
            ((tuple(sorted(values)), _shape(c)) for values, c in parameter.children),
            key=lambda child: child[1].id,
        )
    )
    return dataclasses.replace(parameter, children=children)


def mismatch(study_id: str, asked: Problem, known: Problem) -> ServiceError:
    """Says how a study differs from the one that a search needs."""
    goals = ["minimize", "maximize"]
    mine = {shape.id: shape for shape in map(_shape, asked.parameters)}
    others = {shape.id: shape for shape in map(_shape, known.parameters)}
    differ = sorted(i for i in {*mine, *others} if mine.get(i) != others.get(i))
    return ServiceError(
        f"Expected the study {study_id!r} to {goals[asked.maximize]} {asked.metric} in "
        f"this search space. Received: one to {goals[known.maximize]} {known.metric}"
        f"{' that differs in ' + ', '.join(differ) if differ else ''}. Choose another "
        "study_id, or search for the same."
    )
