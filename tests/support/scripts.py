"""Searches with toy trials, described without importing Keras."""

import dataclasses
import functools
import json
import logging
import os
import sys
from collections.abc import Callable
from concurrent import futures
from pathlib import Path

from tests.support import executor_server, meeting
from tuner_component.search import events
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel.local import launch
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.storage import faults
from tuner_component.search.study import study as study_lib
from tuner_component.search.study.journal import Journal
from tuner_component.search.study.journal_file import Block

FINGERPRINT = {"test": "1"}


@dataclasses.dataclass
class Script:
    """What a toy search does.

    Attributes:
        directory: For the tuner's files.
        trials: How many there are.
        acts: What happens in the attempts of a trial, by the trial's number: one of
            the names in `_act`, for each attempt; the last one is repeated.
        act: What happens in all other trials.
        meeting: Address of the meeting, for the act "meet".
        module: Imported in `tuner_fn`.
        worker_fault: What happens in `tuner_fn` in workers: "exit" or "raise".
        driver_fault: What happens in `tuner_fn` in the driver: "hang".
        overwrite: Whether the tuner overwrites its project.
        think: What happens in a suggestion of the oracle: it takes so many seconds, and
            attends the meeting if that is "meet".
    """

    directory: str
    trials: int = 4
    acts: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    act: str = "ok"
    meeting: str = ""
    module: str = ""
    worker_fault: str = ""
    driver_fault: str = ""
    overwrite: bool = False
    think: str = ""

    def entry(self) -> EntryPoint:
        """The entry point of the toy search."""
        return EntryPoint(f"{__package__}.toys:make", json.dumps(vars(self)).encode())


def attempts(script: Script) -> dict[int, int]:
    """How often each trial was begun."""
    paths = Path(script.directory).glob("attempts-*")
    return {int(p.name.partition("-")[2]): p.stat().st_size for p in paths}


def times(script: Script) -> list[tuple[int, float, float]]:
    """Number, begin and end of each attempt that was not killed."""
    lines = Path(script.directory, "times").read_text().splitlines()
    numbers = [[float(word) for word in line.split()] for line in lines]
    return [(int(number), began, ended) for number, began, ended in numbers]


def search(
    entry: EntryPoint,
    study: str,
    options: SearchOptions,
    preload: tuple[str, ...] = (),
    path: str | None = None,
) -> SearchResult:
    """What the executor does, with a fork server that is quick to start."""
    if path:
        sys.path.append(path)
    return launch.run_parallel(
        entry, study, FINGERPRINT, options, preload, executor_server.start_server
    )


def observed_search(
    entry: EntryPoint, study: str, options: SearchOptions
) -> tuple[SearchResult, list[events.Event]]:
    """A search, and what it told its observer."""
    told: list[events.Event] = []
    result = launch.run_parallel(
        entry,
        study,
        FINGERPRINT,
        options,
        start_server=executor_server.start_server,
        observer=told.append,
    )
    return result, told


def logged_search(
    entry: EntryPoint, study: str, options: SearchOptions
) -> tuple[SearchResult, list[str]]:
    """A search, and the warnings that this process logged meanwhile."""
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("tuner_component").addHandler(handler)
    return search(entry, study, options), told


def search_in_thread(
    entry: EntryPoint, study: str, options: SearchOptions
) -> SearchResult:
    """A search that is not started from the main thread."""
    with futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(search, entry, study, options).result()


def search_with_fault(
    fault: str, entry: EntryPoint, study: str, options: SearchOptions
) -> SearchResult:
    """A search in which the process that gets to a fault point is killed."""
    os.environ[faults.VARIABLE] = fault
    return search(entry, study, options)


class RestlessJournal(Journal):
    """Passes all its fault points in a short search.

    It merges often, and does with every other commit as if it were on a filesystem
    that has no slots.
    """

    def __init__(
        self, directory: str, owner: str = "", *, read_only: bool = False
    ) -> None:
        super().__init__(directory, owner, merge_after=6, read_only=read_only)

    def _write_commit(self, block: Block) -> str:
        self._has_slots = not self._has_slots
        return super()._write_commit(block)


def on_stage(
    address: str, search: Callable[..., SearchResult], *args: object
) -> SearchResult:
    """A search whose processes meet the test at each fault point."""
    # What is changed here is so in all processes that are forked from this one.
    faults.point = functools.partial(_meet_at, address)  # type: ignore[assignment]
    study_lib.Journal = RestlessJournal  # type: ignore[misc]
    return search(*args)


def _meet_at(address: str, point: str) -> None:
    meeting.attend(address, pid=os.getpid(), point=point)


def search_in_process(
    entry: EntryPoint, study: str, options: SearchOptions
) -> SearchResult:
    """A search without workers."""
    from tuner_component.search.in_process.run import run_in_process

    with study_lib.Study.open(study, FINGERPRINT) as opened:
        found = opened.state
        made = entry.load()(entry.argument, "in process")
        complete = run_in_process(made.tuner, made.fit_kwargs, opened, options)
        return SearchResult.of(made.tuner.oracle, opened, found, complete)


def declared_faults() -> set[str]:
    """The fault points of all that a driver or a worker imports."""
    return set(faults.declared())


def search_error(
    entry: EntryPoint, study: str, options: SearchOptions
) -> tuple[str, str]:
    """The type and the message of what a search raises."""
    try:
        search(entry, study, options)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__module__}.{type(error).__qualname__}", str(error)
    return "", ""
