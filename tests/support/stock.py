"""The same module in the stock Tuner, in process and with two workers: one outcome each.

All run in processes that are forked from one that has imported everything. A search with
workers has processes of its own. The others share one for each mode: the first training of
a process takes TensorFlow much longer than the next ones.
"""

import contextlib
import dataclasses
import functools
import json
import os
from collections.abc import Callable
from multiprocessing import connection
from pathlib import Path
from typing import Any
from unittest import mock

import cloudpickle
import tensorflow as tf
from tfx.components.tuner import executor as stock_executor
from tfx.types import artifact_utils, standard_artifacts

from tests.support import crashes, fork_servers, ray_cluster
from tuner_component.executor import Executor
from tuner_component.report import page
from tuner_component.search.machine import forked
from tuner_component.search.parallel.local import engine, launch

MODES = ("stock", "in process", "in workers")
_SEED = 7


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a search ended.

    Attributes:
        error: What it raised; None if it has a result.
        trials: The completed trials: their ids, and their hyperparameters.
        best: The hyperparameters that were published.
        said: What it raised, in words.
    """

    error: str | None
    trials: dict[str, dict[str, Any]]
    best: dict[str, Any] | None
    said: str = dataclasses.field(default="", compare=False)


def run(
    tuner_fn: str, mode: str, directory: Path, alone: bool = False, check: bool = True
) -> Outcome:
    """Runs a search to its end.

    Args:
        tuner_fn: Dotted name of the user's function.
        mode: One of `MODES`.
        directory: For all that it writes.
        alone: Whether it changes its process, so that no other search may follow there.
        check: Whether there is the check before the first trial.
    """
    directory.mkdir(parents=True)
    search = functools.partial(_run, tuner_fn, mode, directory, check)
    if alone or mode == "in workers":
        crashes.run(search)
    else:
        _process_of(mode)(search)
    return Outcome(**json.loads((directory / "outcome.json").read_text()))


@functools.cache
def _process_of(mode: str) -> Callable[[Callable[[], Any]], Any]:
    """Starts a process that runs one search after another, and ends with this one."""
    ours, theirs = engine.pair()
    with theirs:
        crashes.start(_serve_searches, theirs.fileno())
    return functools.partial(_ask, ours)


def _serve_searches(descriptor: int) -> None:
    # The check must not be made where TensorFlow runs.
    ours, theirs = engine.pair()
    if os.fork() == 0:
        ours.close()
        _serve(theirs)
    theirs.close()
    checks = functools.partial(_Check, functools.partial(_ask, ours))
    with (
        mock.patch.object(forked, "obstacle", lambda: None),
        mock.patch.object(forked, "ForkedCall", checks),
    ):
        _serve(connection.Connection(descriptor))


class _Check:
    """Stands for a `ForkedCall`, in a process that makes the checks of all searches."""

    def __init__(
        self, ask: Callable[[Callable[[], Any]], Any], function: Callable[[], Any]
    ) -> None:
        self._answer = ask(function)

    def result(self, timeout_s: float) -> Any:
        return self._answer

    def close(self) -> None:
        pass


def _ask(channel: connection.Connection, function: Callable[[], Any]) -> Any:
    channel.send_bytes(cloudpickle.dumps(function))
    return channel.recv()


def _serve(channel: connection.Connection) -> None:
    """Calls what it is asked to call, until nobody is left who could ask."""
    while True:
        try:
            request = channel.recv_bytes()
        except EOFError:
            os._exit(0)  # A normal exit with TensorFlow and TFX takes seconds.
        channel.send(cloudpickle.loads(request)())


def _run(tuner_fn: str, mode: str, directory: Path, check: bool) -> None:
    log = os.open(directory / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    artifacts = {
        "best_hyperparameters": standard_artifacts.HyperParameters(),
        "tuner_results": standard_artifacts.TunerResults(),
    }
    for name, artifact in artifacts.items():
        artifact.uri = str(directory / name)
        (directory / name).mkdir()
    properties = {"train_args": "{}", "eval_args": "{}", "tuner_fn": tuner_fn}
    if mode != "stock":
        workers = 2 if mode == "in workers" else 0
        tune_args: dict[str, Any] = {
            "num_parallel_trials": workers,
            "skip_preflight": not check,
        }
        if workers and ray_cluster.ADDRESS in os.environ:
            tune_args["cluster"] = {"address": os.environ[ray_cluster.ADDRESS]}
        properties["tune_args"] = json.dumps({"seed": _SEED, **tune_args})
    executor = stock_executor.Executor if mode == "stock" else Executor
    context = executor.Context(tmp_dir=str(directory / "tmp"), unique_id="1")
    error, said = None, ""
    # The report takes longer than the search, and is nothing that the stock Tuner has.
    with _forked_server(), mock.patch.object(page, "render", lambda *_, **__: ""):
        try:
            executor(context).Do(
                {"examples": [_examples(directory)]},
                {name: [artifact] for name, artifact in artifacts.items()},
                properties,
            )
        except Exception as raised:  # noqa: BLE001 - it is the outcome
            error, said = type(raised).__name__, str(raised)
    outcome = Outcome(error, *_published(directory), said)
    (directory / "outcome.json").write_text(json.dumps(dataclasses.asdict(outcome)))


def _forked_server() -> contextlib.AbstractContextManager[Any]:
    """Spares the fork server's imports: it is a copy of this process."""
    forked = functools.partial(
        launch.run_parallel, start_server=fork_servers.start_server
    )
    return mock.patch.object(launch, "run_parallel", forked)


def _examples(directory: Path) -> Any:
    """An artifact that the scenarios do not read: they bring their data."""
    examples = standard_artifacts.Examples()
    examples.uri = str(directory / "examples")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    for split in ("train", "eval"):
        folder = directory / "examples" / f"Split-{split}"
        folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "data")) as file:
            file.write(tf.train.Example().SerializeToString())
    return examples


def _published(directory: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    results = directory / "tuner_results" / "tuner_results.json"
    if not results.exists():
        return {}, None
    rows = {row.pop("trial_id"): row for row in json.loads(results.read_text())}
    for row in rows.values():
        del row["score"]
    best = directory / "best_hyperparameters" / "best_hyperparameters.txt"
    return rows, json.loads(best.read_text())["values"]
