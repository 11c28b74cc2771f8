"""The compiled penguin pipelines, executed by kfp.local as processes.

Every container's own command runs, with what a pod gets on its command line. It is not
a cluster: see docs/kubeflow.md for what was never exercised. What kfp.local cannot do is
done with the same artifacts in a harness of our own, where a task is started alone.
"""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
import tensorflow as tf
import yaml

from examples.penguin import client, kubeflow
from tests.kubeflow.conftest import Compiled, Runs
from tests.kubeflow.harness import CompiledTask
from tests.kubeflow.preloaded import Program
from tests.kubeflow.support import (
    IMAGE,
    Attempt,
    LocalRun,
    can_start_pods,
    pipeline_of_one,
    pod,
)
from tests.support import penguin, processes
from tuner_component import load_best_hyperparameters, load_tuner_results

pytestmark = pytest.mark.slow

CSV_FILE = penguin.ROOT / "examples" / "penguin" / "data" / "penguins.csv"
NODES = ["CsvExampleGen", "StatisticsGen", "SchemaGen", "Transform"]
NODES_AFTER = ["Trainer", "Evaluator", "Pusher"]


def last(run: LocalRun, task: str) -> Attempt:
    return run.attempts(task)[-1]


@pytest.mark.parametrize("which", ["tuning", "importing"])
def test_every_node_ran_and_succeeded(runs: Runs, which: str) -> None:
    """The pipeline would not get through, or skip a node and call it done."""
    run: LocalRun = getattr(runs, which)
    assert run.error() is None, run.output
    ended = {attempt.task: attempt.status for attempt in run.attempts()}
    tuner = ["Tuner"] if which == "tuning" else []
    assert ended == dict.fromkeys([*NODES, *tuner, *NODES_AFTER], 0)


def test_what_both_have_in_common_ran_once(runs: Runs) -> None:
    """The cache would know no command again, or answer for what differs."""
    lines = [*runs.tuning.lines, *runs.importing.lines]
    answered = {line.rsplit("/", 1)[1] for line in lines if "Executed before" in line}
    assert answered == set(NODES)


@pytest.mark.parametrize("which", ["tuning", "importing"])
def test_every_node_hands_over_what_it_declares(
    runs: Runs, compiled: Compiled, which: str
) -> None:
    """The next node would find nothing where the backend says it is."""
    spec = yaml.safe_load(getattr(compiled, which).read_text())
    for attempt in {a.task: a for a in getattr(runs, which).attempts()}.values():
        declared = spec["components"][attempt.task]["outputDefinitions"]["artifacts"]
        written = attempt.output()["artifacts"]
        # TFX leaves an output out only where it was not asked for.
        assert written.keys() == declared.keys(), attempt.task
        for key in declared:
            (artifact,) = written[key]["artifacts"]
            assert Path(artifact["uri"]) == attempt.uri(key)
            assert artifact["metadata"]["tfx_version"]
            assert files(attempt.uri(key)) or key == "updated_analyzer_cache", key


def test_artifacts_are_those_of_the_local_run(runs: Runs, tuned: penguin.Run) -> None:
    """A notebook, or a next pipeline, would have to know where the files come from."""
    for attempt in {a.task: a for a in runs.tuning.attempts()}.values():
        for key in attempt.executor_input["outputs"]["artifacts"]:
            executions = tuned.root / "penguin" / attempt.task / key
            (local,) = executions.iterdir()
            assert stable(files(attempt.uri(key))) == stable(files(local)), key


def test_search_is_that_of_the_local_run(runs: Runs, tuned: penguin.Run) -> None:
    """In a pod, and after its death, other trials would be tried, or other data seen."""
    results = load_tuner_results(last(runs.tuning, "Tuner").uri("tuner_results"))
    local = load_tuner_results(tuned.place("all trials"))
    assert {trial.trial_id: trial.hyperparameters for trial in results} == {
        trial.trial_id: trial.hyperparameters for trial in local
    }
    scores = {trial.trial_id: trial.score for trial in results}
    equal = [t for t in local if t.score == pytest.approx(scores[t.trial_id], rel=0.05)]
    assert len(equal) >= 6  # Two at most were in the middle of training when killed.


def test_killed_tuner_is_retried_and_goes_on(runs: Runs) -> None:
    """An eviction would cost every trial that was done, or the run."""
    killed, retried = runs.tuning.attempts("Tuner")
    assert (killed.status, retried.status) == (-9, 0)
    assert retried.executor_input == killed.executor_input
    ends = [line for line in runs.tuning.lines if " completed (" in line]
    counts = [int(line.split("completed (")[1].split()[0]) for line in ends]
    assert counts == sorted(set(counts)), "a trial was run again, or lost"
    assert counts[-1] == 8
    assert any("those of earlier runs included" in line for line in runs.tuning.lines)


def test_tuner_logs_a_line_for_each_event(runs: Runs) -> None:
    """A log viewer would show a progress bar's thousand repetitions, or half lines."""
    lines = runs.tuning.lines
    start = next(i for i, line in enumerate(lines) if "study is kept" in line)
    end = next(i for i, line in enumerate(lines) if "search is over" in line)
    # The runner's own lines are not indented.
    tuner = [line for line in lines[start : end + 1] if line.startswith("    ")]
    assert not [line for line in tuner if any(c in line for c in "\r\b\x1b")]
    trials = [line for line in tuner if re.search(r"Trial \d+ completed", line)]
    assert len(trials) == 8
    assert all(line.count("Trial") == 1 and "val_loss" in line for line in trials)


def test_parameters_of_the_run_reach_the_tuner(runs: Runs) -> None:
    """Whoever submits a run could not say how many trials to run at a time."""
    inputs = last(runs.tuning, "Tuner").executor_input["inputs"]
    assert inputs["parameterValues"]["tune_args"] == '{"num_parallel_trials": 2}'


def test_imported_hyperparameters_reach_the_trainer(runs: Runs) -> None:
    """The model would be trained with something else than was edited."""
    inputs = last(runs.importing, "Trainer").executor_input["inputs"]["artifacts"]
    (artifact,) = inputs["hyperparameters"]["artifacts"]
    assert artifact["uri"] == str(runs.hyperparameters)
    assert "title: tfx.HyperParameters" in artifact["type"]["instanceSchema"]
    assert hidden_units(runs.importing) == [56]


def test_found_hyperparameters_reach_the_trainer(runs: Runs) -> None:
    """The search would be for nothing."""
    best = load_best_hyperparameters(
        last(runs.tuning, "Tuner").uri("best_hyperparameters")
    )
    assert hidden_units(runs.tuning) == [best.get("units")] * best.get("layers")


@pytest.mark.parametrize("which", ["tuning", "importing"])
def test_pushed_model_answers(runs: Runs, which: str) -> None:
    """What comes out of the cluster could not be served."""
    rows = client.read_rows(CSV_FILE, range(2, 346))
    answers = client.ask(str(pushed(getattr(runs, which))), rows)
    right = [a.species == row["species"] for a, row in zip(answers, rows, strict=True)]
    assert sum(right) / len(right) > 0.9


def test_failing_task_fails_the_run(
    compiled: Compiled, interpreter: str, tmp_path: Path
) -> None:
    """A run that lost a node would be reported as a success."""
    run = LocalRun(
        compiled.tuning,
        tmp_path / "run",
        {"data": str(tmp_path / "nothing here")},
        tmp_path / "root",
        interpreter,
    )
    with closing(run):
        for _ in run.follow():
            pass
    assert "Inner task failed" in (run.error() or "")
    assert [(a.task, a.status) for a in run.attempts()] == [("CsvExampleGen", 1)]


@pytest.fixture(scope="module")
def tuner_2_0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tuning pipeline as the JSON of a job, with the older pipeline spec."""
    directory = tmp_path_factory.mktemp("spec-2.0")
    options = kubeflow.Options(
        root=str(directory / "root"),
        image=IMAGE,
        data="not needed",
        tune_args="{}",
        spec="2.0",
    )
    return kubeflow.compile_pipeline("penguin", False, options, directory)


@pytest.mark.skipif(not can_start_pods(), reason="no unshare --pid here")
def test_terminated_tuner_goes_on_in_another_run(
    runs: Runs, interpreter: str, tuner_2_0: Path, tmp_path: Path
) -> None:
    """A preemption would cost the trials, though the user named a study directory."""
    told = runs.tuning.attempts("Tuner")[-1].executor_input
    tune_args = {"num_parallel_trials": 2, "study_dir": str(tmp_path / "studies")}
    tuner = CompiledTask(tuner_2_0, "Tuner")

    def start(run: str, task: Path) -> AbstractContextManager[Program]:
        executor_input = tuner.executor_input(
            task, told["inputs"]["artifacts"], {"tune_args": json.dumps(tune_args)}
        )
        return pod(tuner.command(executor_input), tmp_path / run, interpreter)

    # As Vertex lays it out: project, job, task with the task's id.
    project = tmp_path / "root" / "1234"
    output = project / "penguin-1" / "Tuner_-5678"
    with start("one", output) as first:
        lines = []
        for line in first.stdout:
            lines.append(line)
            if re.search(r"Trial \d+ completed \(3 of 8\)", line):
                process_1 = processes.descendants(first.pid)[0]
                os.kill(process_1, signal.SIGTERM)
        log = "".join(lines)
        errors = tmp_path / "one" / "stderr.txt"
        assert first.wait() != 0, log + errors.read_text()
    assert "SIGTERM: running trials have 30 seconds" in log
    assert "run the same search again to go on" in errors.read_text()
    assert not (output / "best_hyperparameters").exists()
    done = len(re.findall(r"Trial \d+ completed", log))
    assert 3 <= done <= 5

    output = project / "penguin-2" / "Tuner_-9012"
    with start("two", output) as second:
        log = second.stdout.read()
        assert second.wait() == 0, log + (tmp_path / "two/stderr.txt").read_text()
    assert len(re.findall(r"Trial \d+ completed", log)) == 8 - done
    results = load_tuner_results(output / "tuner_results")
    assert sorted(trial.trial_id for trial in results) == list("01234567")
    best = load_best_hyperparameters(output / "best_hyperparameters")
    assert best.values == results[0].hyperparameters


def test_harness_tells_what_kfp_local_tells(runs: Runs, compiled: Compiled) -> None:
    """What the harness finds out would say nothing about a run."""
    told = runs.tuning.attempts("Tuner")[-1].executor_input
    task = CompiledTask(compiled.tuning, "Tuner")
    again = task.executor_input(
        Path(told["outputs"]["outputFile"]).parent,
        told["inputs"]["artifacts"],
        {"tune_args": told["inputs"]["parameterValues"]["tune_args"]},
    )
    for artifacts in told["outputs"]["artifacts"].values():
        del artifacts["artifacts"][0]["metadata"]
    assert again == told


def test_engine_that_is_not_there_is_explained(tmp_path: Path) -> None:
    """Whoever follows the documentation would see three tracebacks of Docker's client."""
    host = f"unix://{tmp_path}/none"
    file = pipeline_of_one(tmp_path, ["true"])
    run = LocalRun(file, tmp_path / "run", {}, tmp_path, {"DOCKER_HOST": host})
    with closing(run):
        output = list(run.follow())
    assert f"Expected {host} to run containers" in (run.error() or "")
    assert output[-1] == run.error()


def pushed(run: LocalRun) -> Path:
    output = last(run, "Pusher").output()
    (artifact,) = output["artifacts"]["pushed_model"]["artifacts"]
    return Path(artifact["metadata"]["pushed_destination"])


def hidden_units(run: LocalRun) -> list[int]:
    """Reads the sizes of the hidden layers off the pushed model's variables."""
    prefix = pushed(run) / "variables" / "variables"
    return [
        shape[1]
        for name, shape in tf.train.list_variables(str(prefix))
        if len(shape) == 2 and "optimizer" not in name and shape[1] != 3
    ]


def files(directory: Path) -> set[str]:
    """The files below a directory, by their relative paths."""
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)) for path in found}


def stable(names: set[str]) -> set[str]:
    """Without what names files after a time, a process, a host or a directory."""
    return {
        re.sub(r"^.*-CsvExampleGen-examples-.*-[0-9a-f]{64}/", "", name)
        for name in names
        if "events.out.tfevents" not in name
    }
