"""What the processes of a search say to each other.

Messages are small dataclasses of plain values: no object of the user's classes ever
crosses a process border, so that a worker does not depend on what the driver has
imported. Trials and search spaces travel as their own states (see `oracle.codec`).
"""

import dataclasses
import importlib
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tuner_component.search import events
from tuner_component.search.errors import PortableError
from tuner_component.search.machine.resources import Machine
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel import pulse
from tuner_component.search.parallel.logs import Logs
from tuner_component.search.parallel.process_context import ProcessContext
from tuner_component.search.training.gang import ALONE, Gang


@dataclasses.dataclass(frozen=True)
class EntryPoint:
    """Where the processes of a search get the user's tuner from.

    Attributes:
        target: `package.module:function`; it is called in the driver and in each
            worker with `argument` and its role, `"driver"` or `"worker"`, and
            returns an object with the attributes `tuner` and `fit_kwargs`.
        argument: Whatever the function needs, as bytes.
        called: What the user calls the function of theirs that it calls.
    """

    target: str
    argument: bytes = b""
    called: str = "tuner_fn"

    def load(self) -> Callable[[bytes, str], Any]:
        """Imports the function.

        Raises:
            ValueError: If `target` does not name a function.
        """
        return function(self.target)


def function(target: str) -> Callable[..., Any]:
    """Imports the function that `package.module:function` names.

    Raises:
        ValueError: If it names none.
    """
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name or "?", None)
    if not callable(found):
        raise ValueError(
            "Expected an entry point 'package.module:function'. Received: "
            f"{target!r}, which names no function."
        )
    return found  # type: ignore[no-any-return]


@dataclasses.dataclass(frozen=True)
class Job:
    """A whole search, as the process that wants its result describes it.

    Attributes:
        entry: Where the tuner comes from.
        study_directory: Path or URI of the study.
        fingerprint: What the study depends on, by name.
        options: How to run it.
        machine: What the workers share; None if they run on others.
        context: What the processes take over from the one that starts them.
        logs: Where the processes print to.
        preload: Names of the modules that are imported once for all workers.
        engine: `package.module:function`; called in the fork server with the job, before
            it imports what the driver and workers need, it returns the function that
            makes the engine in the driver. None for workers on this machine.
        reads: Paths or URIs of the files that trials read, as far as is known.
    """

    entry: EntryPoint
    study_directory: str
    fingerprint: Mapping[str, str]
    options: SearchOptions
    machine: Machine | None
    context: ProcessContext
    logs: Logs
    preload: tuple[str, ...] = ()
    engine: str | None = None
    reads: tuple[str, ...] = ()

    def shares(self, workers: int) -> list[dict[str, str]]:
        """For each of so many workers, the variables that give it its share.

        Raises:
            ValueError: If there are not enough GPUs for that.
        """
        if self.machine is None:
            return []
        options = self.options
        return self.machine.shares(
            workers, options.cpus_per_trial, options.gpus_per_trial
        )


@dataclasses.dataclass(frozen=True)
class WorkerSpec:
    """What a new worker has to know.

    Attributes:
        worker_id: Unique within the search.
        slot: Which of the places `0 .. num_workers - 1` it fills; its successor
            has the same.
        entry: Where the tuner comes from.
        context: What it takes over from the process that started the search.
        environment: Variables to set; None removes one.
        logs: Where it prints to.
        study_directory: Path or URI of the study.
        seed: The study's seed.
        asks: Whether it asks after each epoch what becomes of the trial; it does, too, if
            its tuner has an oracle that pauses trials.
        preflight: Whether it checks first that the default model trains.
        gang: Which of the processes of each of its trials it is.
        beat_s: How often it shows that it is alive, in seconds.
    """

    worker_id: str
    slot: int
    entry: EntryPoint
    context: ProcessContext
    environment: Mapping[str, str | None]
    logs: Logs
    study_directory: str
    seed: int
    asks: bool = False
    preflight: bool = False
    gang: Gang = ALONE
    beat_s: float = pulse.BEAT_S


# From each process to the one that waits for it.


@dataclasses.dataclass(frozen=True)
class Heartbeat:
    """The sender is alive."""


# From a worker to the driver.


@dataclasses.dataclass(frozen=True)
class Request:
    """Call `method` of the driver's oracle; `Reply` with the same id answers."""

    request_id: int
    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Crashed:
    """The user's code raised outside of a trial; `error` is sent on as it is."""

    error: PortableError


@dataclasses.dataclass(frozen=True)
class Logged:
    """The driver, or a worker, has logged something; the driver passes it on.

    Attributes:
        logger: Name of the logger.
        level: The level.
        text: What it says.
    """

    logger: str
    level: int
    text: str


# The classes that a message of a worker is made of: their modules and names. Those of the
# codec need Keras, for which a process that only waits for a result has no use.
_CODEC = "tuner_component.search.kerastuner.codec"
WORDS_OF_WORKERS = frozenset(
    (word.__module__, word.__qualname__)
    for word in (Heartbeat, Request, Crashed, PortableError, Logged, events.EpochEnded)
) | {(_CODEC, "TrialState"), (_CODEC, "Space")}


# From the driver to a worker.


@dataclasses.dataclass(frozen=True)
class Ending:
    """The worker will soon be ended: it saves its training after each epoch until then."""


@dataclasses.dataclass(frozen=True)
class Ask:
    """The worker asks after each epoch from now on what becomes of the trial."""


@dataclasses.dataclass(frozen=True)
class Reply:
    """Answers a `Request`: with a value, or with an error."""

    request_id: int
    value: Any = None
    error: "RemoteError | None" = None


# A report that a trial is handed in with is for a step that no file has trouble with.
LAST_STEP = 2**53

# Where several processes train one trial, the first of them asks for these; the others get
# the same answers as it does, in the same order.
SHARED = frozenset({"create_trial", "end_trial", "report_epoch", "update_trial"})


def hands_in_failure(method: str, args: Sequence[Any]) -> bool:
    """Whether a request hands in a trial that has failed: others may wait for its process."""
    return method == "end_trial" and bool(args[0].state["status"] != "COMPLETED")


@dataclasses.dataclass(frozen=True)
class Told:
    """What the first process of a trial was told, for the others: `SHARED`."""

    method: str
    value: Any = None
    error: "RemoteError | None" = None


@dataclasses.dataclass(frozen=True)
class RemoteError:
    """An exception on the other side.

    Attributes:
        type_name: Name of its class.
        message: Its text.
        traceback: Where it came from.
    """

    type_name: str
    message: str
    traceback: str


def remote_error(error: BaseException) -> RemoteError:
    """Describes an exception for the other side."""
    message = error.args[0] if isinstance(error, KeyError) and error.args else error
    return RemoteError(
        type(error).__name__,
        str(message),
        "".join(traceback.format_exception(error)).rstrip(),
    )


# Between the process that wants the result, and the driver.


@dataclasses.dataclass(frozen=True)
class Stop:
    """Stop the search: give running trials the grace period, or none at all."""

    reason: str
    at_once: bool = False


@dataclasses.dataclass(frozen=True)
class Progress:
    """Something has happened; for the observers of the search."""

    event: events.Event
