"""What the dispatcher is told, and what it has the driver do.

Plain values, both of them. A stimulus is something that has happened; `dispatcher`
answers it with instructions, and `supervisor` carries these out. So what a search does
can be told, and tested, without a process, a thread or a clock.
"""

import dataclasses
from typing import Any

from tuner_component.search import events
from tuner_component.search.kerastuner import codec


@dataclasses.dataclass(frozen=True)
class Caller:
    """A worker that waits for the answer to one of its requests."""

    worker_id: str
    request_id: int


# Stimuli: what has happened.


@dataclasses.dataclass(frozen=True)
class WorkerAdded:
    """A worker is being started.

    Attributes:
        worker_id: Which one.
        checks: Whether it checks the search before it asks for its first trial.
    """

    worker_id: str
    checks: bool = False


@dataclasses.dataclass(frozen=True)
class TrialWanted:
    """A worker asks for its next trial; it is done with the one before."""

    caller: Caller


@dataclasses.dataclass(frozen=True)
class TrialHandedIn:
    """A worker has run a trial.

    Attributes:
        caller: The worker.
        state: The trial's state in the worker.
        out_of_memory: Whether the trial raised since memory had run out.
        then: The request for its next trial, if it has come along: the worker has nothing
            to do in between, and would ask as soon as this one has ended.
    """

    caller: Caller
    state: dict[str, Any]
    out_of_memory: bool = False
    then: Caller | None = None


@dataclasses.dataclass(frozen=True)
class TrialPaused:
    """A worker has saved its trial, which is to wait, and has left it.

    Attributes:
        caller: The worker.
        trial_id: The trial.
    """

    caller: Caller
    trial_id: str


@dataclasses.dataclass(frozen=True)
class WorkerGone:
    """A worker has exited.

    Attributes:
        worker_id: Which one.
        reason: Why, for people.
        out_of_memory: Whether the kernel killed it because memory had run out.
        excused: Whether no trial can have been the cause.
        with_node: Whether all else on its machine ended with it, so that it is not known
            which trial was.
    """

    worker_id: str
    reason: str
    out_of_memory: bool = False
    excused: bool = False
    with_node: bool = False


@dataclasses.dataclass(frozen=True)
class OracleAnswered:
    """An order is carried out, and what it did is durable.

    Attributes:
        order: The order.
        value: What came of it; see the order.
        error: What it raised instead, if it did.
    """

    order: "Order"
    value: Any = None
    error: BaseException | None = None


@dataclasses.dataclass(frozen=True)
class DeadlinePassed:
    """It is as late as `Dispatcher.deadline`."""


@dataclasses.dataclass(frozen=True)
class Steered:
    """Somebody has asked something of the search: there may be other trials than before."""


@dataclasses.dataclass(frozen=True)
class Resized:
    """There are more places for workers, or fewer.

    Attributes:
        surplus: The workers that are to leave as soon as they run no trial.
    """

    surplus: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Closed:
    """No more trials shall be handed out; those that run may still be handed in."""


Stimulus = (
    WorkerAdded
    | TrialWanted
    | TrialHandedIn
    | TrialPaused
    | WorkerGone
    | OracleAnswered
    | DeadlinePassed
    | Steered
    | Resized
    | Closed
)


# Orders: instructions to the oracle, each of which `OracleAnswered` answers.


@dataclasses.dataclass(frozen=True)
class Suggest:
    """Suggest a trial for a worker, or one to go on with. The value is `Suggested`."""

    caller: Caller


@dataclasses.dataclass(frozen=True)
class Suggested:
    """A trial for a worker, or what it gets that should wait or leave.

    Attributes:
        trial: The trial; of another status than "RUNNING" if there is none.
        ended: The states of trials that were paused, and have ended now.
        confirms: Id of the trial that it runs again, if it does.
    """

    trial: codec.TrialState
    ended: tuple[dict[str, Any], ...] = ()
    confirms: str | None = None


@dataclasses.dataclass(frozen=True)
class LookAhead:
    """Suggest a trial for the next worker if that takes long; the value: if one waits."""


@dataclasses.dataclass(frozen=True)
class EndTrial:
    """End a trial as its worker says. The value: its id, status, score and message.

    Attributes:
        caller: The worker.
        state: The trial's state in the worker.
        then: The request that has come along; if this fails, it is withdrawn.
    """

    caller: Caller
    state: dict[str, Any]
    then: Caller | None = None


@dataclasses.dataclass(frozen=True)
class PauseTrial:
    """Journal that a trial is paused. The value: its epochs, and its `Tries` so far."""

    caller: Caller
    trial_id: str


@dataclasses.dataclass(frozen=True)
class FailTrial:
    """End a trial whose last attempt was lost. The value is as for `EndTrial`."""

    trial_id: str
    reason: str


@dataclasses.dataclass(frozen=True)
class GiveBack:
    """Journal that an attempt was lost, and keep the trial for another worker.

    The value is what came of all attempts so far: `Tries`. If this was the trial's last
    chance it has failed, and the value is as for `EndTrial`.

    Attributes:
        trial_id: The trial.
        reason: Why the attempt was lost.
        out_of_memory: Whether it was that.
        excused: Whether it does not count against the trial.
        interrupted: Whether it ended with all that ran on its machine.
        last: Whether it was the last chance.
    """

    trial_id: str
    reason: str
    out_of_memory: bool = False
    excused: bool = False
    interrupted: bool = False
    last: bool = False


@dataclasses.dataclass(frozen=True)
class Excuse:
    """Journal that trials which run are not to blame if the search ends now."""

    trial_ids: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class CleanUp:
    """Delete the weights of a trial that are not needed, now that its worker is done.

    Attributes:
        trial_id: The trial.
        was_paused: Whether it ended without one, so that its training is there as well.
    """

    trial_id: str
    was_paused: bool = False


Order = (
    Suggest
    | LookAhead
    | EndTrial
    | PauseTrial
    | FailTrial
    | GiveBack
    | Excuse
    | CleanUp
)


# The other instructions.


@dataclasses.dataclass(frozen=True)
class Answer:
    """Answer a worker, with a value or an error."""

    caller: Caller
    value: codec.TrialState | str | None = None
    error: BaseException | None = None


@dataclasses.dataclass(frozen=True)
class Dismiss:
    """Answer a worker that there are no more trials for it."""

    caller: Caller


@dataclasses.dataclass(frozen=True)
class Tell:
    """Tell the observers of the search."""

    event: events.Event


@dataclasses.dataclass(frozen=True)
class GiveUp:
    """End the search: workers die before they get to a trial.

    Attributes:
        worker_id: The last of them.
        reason: Why it exited.
        count: How many there were in a row.
    """

    worker_id: str
    reason: str
    count: int


@dataclasses.dataclass(frozen=True)
class Raise:
    """End the search with an error of the oracle that no worker waits for."""

    error: BaseException


Instruction = Order | Answer | Dismiss | Tell | GiveUp | Raise
