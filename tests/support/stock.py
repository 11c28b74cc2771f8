"""The same module in the stock Tuner, in process and with two workers: one outcome each.

Each runs in a process of its own, forked from one that has imported everything.
"""

import contextlib
import dataclasses
import functools
import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import tensorflow as tf
from tfx.components.tuner import executor as stock_executor
from tfx.types import artifact_utils, standard_artifacts

from tests.support import crashes, executor_server
from tuner_component.executor import Executor
from tuner_component.report import page
from tuner_component.search.parallel.local import launch

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


def run(tuner_fn: str, mode: str, directory: Path) -> Outcome:
    """Runs a search to its end.

    Args:
        tuner_fn: Dotted name of the user's function.
        mode: One of `MODES`.
        directory: For all that it writes.
    """
    directory.mkdir(parents=True)
    crashes.run(functools.partial(_run, tuner_fn, mode, directory))
    outcome = Outcome(**json.loads((directory / "outcome.json").read_text()))
    return outcome


def _run(tuner_fn: str, mode: str, directory: Path) -> None:
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
        properties["tune_args"] = json.dumps(
            {"seed": _SEED, "num_parallel_trials": 2 * (mode == "in workers")}
        )
    executor = stock_executor.Executor if mode == "stock" else Executor
    context = executor.Context(tmp_dir=str(directory / "tmp"), unique_id="1")
    error, said = None, ""
    # The report takes longer than the search, and is nothing that the stock Tuner has.
    with _forked_server(), mock.patch.object(page, "render", lambda study: ""):
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
        launch.run_parallel, start_server=executor_server.start_server
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
