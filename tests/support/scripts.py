"""Searches with toy trials, described without importing Keras."""

import contextlib
import dataclasses
import functools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

from tests.support import fork_servers, meeting, ray_cluster, tearing
from tuner_component.search import events
from tuner_component.search.journal.journal import Journal
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel.local import launch
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.storage import faults
from tuner_component.search.study import study as study_lib

FINGERPRINT = {"test": "1"}


@dataclasses.dataclass
class Script:
    """What a toy search does.

    Attributes:
        directory: The directory for the tuner's files.
        trials: The number of trials.
        acts: What happens in the attempts of a trial, by the trial's number: one of
            the names in `toys._act` for each attempt; the last one is repeated.
        act: What happens in all other trials.
        meeting: The meeting's address, for the act "meet".
        module: A module that `tuner_fn` imports.
        worker_fault: What happens in `tuner_fn` in workers: "exit" or "raise".
        driver_fault: What happens in `tuner_fn` in the driver: "hang".
        overwrite: Whether the tuner overwrites its project.
        think: What happens when the oracle suggests a trial: it takes this many seconds,
            or attends the meeting if this is "meet".
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
    """How often each trial was started."""
    paths = Path(script.directory).glob("attempts-*")
    return {int(p.name.partition("-")[2]): p.stat().st_size for p in paths}


def scores(result: SearchResult) -> dict[str, float]:
    """The scores of the trials that completed, by their ids."""
    return {trial["trial_id"]: trial["score"] for trial in result.completed}


def times(script: Script) -> list[tuple[int, float, float]]:
    """Trial's number, start and end of each attempt that was not killed."""
    lines = Path(script.directory, "times").read_text().splitlines()
    numbers = [[float(word) for word in line.split()] for line in lines]
    return [(int(number), began, ended) for number, began, ended in numbers]


def ticks(script: Script, number: int) -> list[tuple[float, float]]:
    """When each attempt of a trial with the act "meet, tick" ran: first and last sign of it."""
    found: dict[str, list[float]] = {}
    for line in Path(script.directory, f"ticks-{number}").read_text().splitlines():
        pid, _, moment = line.partition(" ")
        found.setdefault(pid, []).append(float(moment))
    return sorted((min(moments), max(moments)) for moments in found.values())


def search(
    entry: EntryPoint,
    study: str,
    options: SearchOptions,
    preload: tuple[str, ...] = (),
    path: str | None = None,
) -> SearchResult:
    """Searches as the executor does, with a fork server that starts quickly."""
    if path:
        sys.path.append(path)
    return launch.run_parallel(
        entry,
        study,
        FINGERPRINT,
        ray_cluster.on_test_cluster(options),
        preload,
        fork_servers.start_server,
    )


def search_here(entry: EntryPoint, study: str, options: SearchOptions) -> SearchResult:
    """Searches on this machine, whether there is a cluster or not."""
    os.environ.pop(ray_cluster.ADDRESS, None)
    return search(entry, study, options)


def observed_search(
    entry: EntryPoint, study: str, options: SearchOptions
) -> tuple[SearchResult, list[events.Event]]:
    """Runs a search; returns its result and the events that it announced."""
    told: list[events.Event] = []
    result = launch.run_parallel(
        entry,
        study,
        FINGERPRINT,
        ray_cluster.on_test_cluster(options),
        start_server=fork_servers.start_server,
        observer=told.append,
    )
    return result, told


def logged_search(
    entry: EntryPoint, study: str, options: SearchOptions
) -> tuple[SearchResult, list[str]]:
    """Runs a search; returns its result and the warnings that this process logged."""
    with _warnings() as told:
        return search(entry, study, options), told


def watched_search(
    entry: EntryPoint, study: str, options: SearchOptions, reads: tuple[str, ...] = ()
) -> tuple[SearchResult, list[events.Event], list[str]]:
    """Runs a search; returns its result, what it announced, and its warnings."""
    told: list[events.Event] = []
    with _warnings() as warnings:
        result = launch.run_parallel(
            entry,
            study,
            FINGERPRINT,
            options,
            start_server=fork_servers.start_server,
            observer=told.append,
            reads=reads,
        )
    return result, told, warnings


@contextlib.contextmanager
def _warnings() -> Iterator[list[str]]:
    """What this process logs as warnings while it lasts."""
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("tuner_component").addHandler(handler)
    yield told
    logging.getLogger("tuner_component").removeHandler(handler)


def search_with_variables(
    variables: dict[str, str | None],
    entry: EntryPoint,
    study: str,
    options: SearchOptions,
) -> SearchResult:
    """Runs a search in another environment; None is for variables to remove."""
    for name, value in variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    return search(entry, study, options)


def search_with_settings(
    entry: EntryPoint, study: str, options: SearchOptions
) -> SearchResult:
    """Runs a search as a script does that has set something for its process."""
    import numpy as np
    from absl import flags

    sys.setrecursionlimit(4321)
    np.seterr(divide="raise")
    flags.DEFINE_integer("toy_steps", 5, "", module_name="script.py")
    flags.FLAGS(["script.py", "--toy_steps=9"])
    return search(entry, study, options)


def search_in_thread(
    entry: EntryPoint, study: str, options: SearchOptions
) -> SearchResult:
    """Runs a search from a thread other than the main thread."""
    with futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(search, entry, study, options).result()


def impatient_search(
    entry: EntryPoint, study: str, options: SearchOptions
) -> SearchResult:
    """Runs a search whose processes must not be silent for two seconds."""
    launch._SILENCE_S = 2.0
    return search(entry, study, options)


def search_with_fault(
    fault: str, entry: EntryPoint, study: str, options: SearchOptions
) -> SearchResult:
    """Runs a search in which the process that reaches a fault point is killed."""
    os.environ[faults.VARIABLE] = fault
    tearing.tear_writes()
    if fault.startswith("journal.merge"):
        study_lib.Journal = RestlessJournal  # type: ignore[misc]
    return search(entry, study, options)


class RestlessJournal(Journal):
    """Passes all its fault points in a short search.

    It merges often, and after each merge appends one commit, which only a journal on a
    local filesystem does.
    """

    def __init__(self, directory: str, owner: str = "", **kwargs: Any) -> None:
        super().__init__(directory, owner, merge_after=6, **kwargs)

    def commit(self, *args: Any) -> None:
        self._appends = not (self._appends or self._unmerged)
        super().commit(*args)


def on_stage(
    address: str,
    search: Callable[..., SearchResult],
    entry: EntryPoint,
    *args: object,
) -> SearchResult:
    """Runs a search whose processes meet the test at each fault point."""
    # All processes that are forked from this one have these changes too.
    faults.point = functools.partial(_meet_at, address)  # type: ignore[assignment]
    study_lib.Journal = RestlessJournal  # type: ignore[misc]
    tearing.tear_writes()
    argument = json.dumps([address, entry.target, entry.argument.decode()]).encode()
    return search(EntryPoint(f"{__name__}:make_on_stage", argument), *args)


def make_on_stage(argument: bytes, role: str) -> Any:
    """The entry point of a search on stage, whose workers may be forked elsewhere."""
    address, target, theirs = json.loads(argument)
    faults.point = functools.partial(_meet_at, address)  # type: ignore[assignment]
    return EntryPoint(target).load()(theirs.encode(), role)


def _meet_at(address: str, point: str) -> None:
    meeting.attend(address, pid=os.getpid(), point=point)


def search_in_process(
    entry: EntryPoint, study: str, options: SearchOptions
) -> SearchResult:
    """Runs a search without workers."""
    from tuner_component.search.in_process.run import run_in_process
    from tuner_component.search.training.seeding import seeded_construction

    with study_lib.Study.open(study, FINGERPRINT, options.seed) as opened:
        with seeded_construction(opened.seed):
            made = entry.load()(entry.argument, "in process")
        complete = run_in_process(made.tuner, made.fit_kwargs, opened, options)
        return SearchResult.of(made.tuner.oracle, opened, complete)


def declared_faults() -> set[str]:
    """The fault points in all modules that a driver or a worker imports."""
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
