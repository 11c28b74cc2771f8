"""The executor with worker processes: the same results, from more than one process."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TOY_MODULE, Run
from tests.support import fork_servers, processes
from tests.test_executor import alone, kept_weights
from tuner_component import (
    load_best_hyperparameters,
    load_study,
    load_tuner_results,
)
from tuner_component.pipeline.user_module import UserModuleError
from tuner_component.search.errors import PreflightError, SearchFailedError

pytestmark = pytest.mark.slow  # Once, a fork server imports TensorFlow and TFX.

# Runs an executor with these TuneArgs, in a process of its own.
InWorkers = Callable[..., processes.Executor]


@pytest.fixture(scope="module")
def _executors() -> Iterator[processes.Executors]:
    executors = processes.Executors("tuner_component.executor", fresh=False)
    with contextlib.closing(executors):
        yield executors


@pytest.fixture
def in_workers(_executors: processes.Executors) -> InWorkers:
    def start(run: Run, function: Any = execute, **tune_args: Any) -> Any:
        run.exec_properties["tune_args"] = json.dumps(
            {"num_parallel_trials": 2, **tune_args}
        )
        executor = _executors.start(function, run)
        executor.result(180)
        return executor

    return start


def execute(run: Run) -> None:
    """With a fork server that is forked from this process, which has TFX."""
    fork_servers.sow()
    run()


def test_publishes_what_workers_found(toy_run: Run, in_workers: InWorkers) -> None:
    """Parallel trials would not reach the Trainer."""
    in_workers(toy_run, Run.__call__)
    best = load_best_hyperparameters(toy_run.best_hyperparameters_dir)
    results = load_tuner_results(toy_run.tuner_results_dir)
    assert len(results) == 5
    assert best.values == results[0].hyperparameters


def test_search_that_is_named_takes_the_tuners_place(
    toy_run: Run, in_workers: InWorkers
) -> None:
    """It would in process only, and the module's own oracle search on in workers."""
    in_workers(toy_run, search="qmc")
    study = load_study(toy_run.tuner_results_dir)
    assert study.oracle == "tuner_component.oracles.optuna_oracle.OptunaOracle"
    assert len(study.trials) == 5


AUTO_MODULE = """
import keras
import keras_tuner
import numpy as np
from tuner_component import TunerFnResult

X = np.linspace(-1.0, 1.0, 64).reshape(32, 2)
Y = X.sum(axis=1)

def build(hp):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    rate = hp.Float("rate", 1e-4, 1.0, sampling="log")
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model

def tuner_fn(fn_args):
    tuner = keras_tuner.RandomSearch(
        build, objective="val_loss", max_trials=8, directory=fn_args.working_dir
    )
    fit = {"x": X, "y": Y, "validation_data": (X, Y), "epochs": 9, "verbose": 0}
    return TunerFnResult(tuner=tuner, fit_kwargs=fit)
"""


def test_search_that_chooses_by_itself_pauses_trials(
    run: Run, in_workers: InWorkers
) -> None:
    """The module as it is would have to be changed for it, or every trial be trained."""
    in_workers(run.module(AUTO_MODULE), search="auto", seed=3)
    study = load_study(run.tuner_results_dir)
    assert len(study.trials) == len(study.completed) == 8
    outcomes = [a.outcome for trial in study.trials for a in trial.attempts]
    assert "paused" in outcomes
    assert max(trial.epochs for trial in study.trials) == 9
    assert sum(trial.epochs for trial in study.trials) < 60  # Of 72.
    assert study.best is not None and study.best.epochs == 9
    assert "rungs of 1, 3 and 9 epochs" in study.decisions[-1]


def test_search_that_has_converged_ends_and_goes_on_if_it_is_to(
    run: Run, in_workers: InWorkers
) -> None:
    """In workers it would go on to the limit, or never be able to go on."""
    soon = "from tuner_component.planner import convergence\nconvergence.SHARE = 3.0\n"
    source = soon + AUTO_MODULE.replace("max_trials=8", "max_trials=30")
    module = run.module(source)
    in_workers(module, search="auto", seed=3, stop_when="converged")
    ended = load_study(run.tuner_results_dir)
    assert ended.status == "finished"
    assert 12 <= len(ended.trials) == len(ended.completed) < 30
    assert ended.ended_because is not None
    assert f"Ended after {len(ended.trials)} of 30 trials" in ended.ended_because
    assert ended.best is not None and ended.best.epochs == 9
    in_workers(module, search="auto", seed=3)
    study = load_study(run.tuner_results_dir)
    assert (study.study_id, study.ended_because) == (ended.study_id, None)
    assert len(study.completed) == 30
    assert {t.trial_id: t.score for t in ended.trials}.items() <= {
        t.trial_id: t.score for t in study.trials
    }.items()


def test_trials_run_in_several_processes(run: Run, in_workers: InWorkers) -> None:
    """Trials would still run one after another."""
    seen = run.root / "seen"
    seen.mkdir()
    # A trial waits until there is one in another process, however late that starts; the
    # first one, which tells the search what its space is, is alone.
    source = TOY_MODULE.replace(
        "return (x - 0.25) ** 2 + offset",
        "import os, time, pathlib; others = trial.trial_id != '0'; "
        f"seen = pathlib.Path({str(seen)!r}); "
        "others and (seen / str(os.getpid())).touch(); "
        "[time.sleep(0.05) for _ in range(1200) if others and len(os.listdir(seen)) < 2]; "
        "return float(os.getpid())",
    )
    executor = in_workers(run.module(source))
    pids = {trial.score for trial in load_tuner_results(run.tuner_results_dir)}
    assert len(pids) == 2
    assert executor.pid not in pids


def test_workers_do_not_share_a_working_directory(
    run: Run, in_workers: InWorkers
) -> None:
    """They would write to one cache of the data, and fail; or find a dead one's lock."""
    in_workers(alone(run, fails=True, in_workers=True))
    assert len(load_tuner_results(run.tuner_results_dir)) == 5
    assert kept_weights(run) == {"0", "1", "2", "3", "4"}
    assert not list(run.root.rglob("scratch"))


def test_same_trials_as_in_process_with_one_worker(
    toy_run: Run, in_workers: InWorkers
) -> None:
    """Where a search runs would decide what it finds."""
    toy_run()
    expected = load_tuner_results(toy_run.tuner_results_dir)
    (toy_run.root / ".system").rename(toy_run.root / "in_process")
    in_workers(toy_run, num_parallel_trials=1)
    assert load_tuner_results(toy_run.tuner_results_dir) == expected


def test_more_workers_resume_the_study(toy_run: Run, in_workers: InWorkers) -> None:
    """How many workers run is no part of what the study is."""
    toy_run()
    before = load_tuner_results(toy_run.tuner_results_dir)
    in_workers(toy_run)
    assert load_tuner_results(toy_run.tuner_results_dir) == before


def test_finished_search_goes_on_for_more_trials(
    toy_run: Run, in_workers: InWorkers
) -> None:
    """A search in workers would end where one in process goes on, or find others."""
    toy_run()
    before = load_tuner_results(toy_run.tuner_results_dir)
    in_workers(toy_run, num_parallel_trials=1, max_trials=8)
    found = load_tuner_results(toy_run.tuner_results_dir)
    study = load_study(toy_run.tuner_results_dir)
    assert (len(before), len(found), study.max_trials) == (5, 8, 8)
    assert {t.trial_id: t for t in before}.items() <= {
        t.trial_id: t for t in found
    }.items()
    assert [told.after for told in study.extensions] == [8]


def test_failed_trials_are_run_again(
    run: Run, in_workers: InWorkers, tmp_path: Path
) -> None:
    """In workers they would stay failed, or cost what was published."""
    mended = tmp_path / "mended"
    source = TOY_MODULE.replace(
        "return (x - 0.25) ** 2 + offset",
        "import os\n"
        f"            if trial.trial_id in '13' and not os.path.exists({str(mended)!r}):\n"
        "                raise OSError('no room')\n"
        "            return (x - 0.25) ** 2 + offset",
    )
    module = run.module(source)
    in_workers(module)
    before = load_study(run.tuner_results_dir)
    assert [t.trial_id for t in before.with_status("FAILED")] == ["1", "3"]
    mended.touch()
    in_workers(module, retry={"causes": ["no room"]})
    study = load_study(run.tuner_results_dir)
    assert (study.study_id, study.status) == (before.study_id, "finished")
    assert [t.retried for t in study.trials] == [0, 1, 0, 1, 0]
    assert len(study.completed) == len(load_tuner_results(run.tuner_results_dir)) == 5
    first, second = study.trials[1].attempts
    assert (first.outcome, second.outcome) == ("failed", "completed")
    assert "OSError: no room" in (first.reason or "")


def test_failures_carry_the_users_traceback(run: Run, in_workers: InWorkers) -> None:
    """What is wrong with the user's code would stay in a worker's log."""
    source = TOY_MODULE.replace("return (x", "raise OSError('full'); (x")
    with pytest.raises(SearchFailedError, match=r"(?s)user_module.py.*OSError: full"):
        in_workers(run.module(source))


def test_broken_module_is_the_users_error(run: Run, in_workers: InWorkers) -> None:
    """The executor would wait for workers that cannot start."""
    with pytest.raises(UserModuleError, match=r'user_module.py", line 1'):
        in_workers(run.module("import no_such_module"))
    assert not list(run.root.rglob("studies"))


def test_what_fails_every_trial_is_the_checks_to_say(
    run: Run, in_workers: InWorkers
) -> None:
    """Trials of the other workers would fail, and one of them be named as the cause."""
    slip = "keras_tuner.Objective('val_los', 'min')"
    module = run.module(AUTO_MODULE.replace('"val_loss"', slip))
    for _ in range(2):  # Run again, too.
        with pytest.raises(PreflightError, match="Did you mean val_loss"):
            in_workers(module, num_parallel_trials=3)


def test_packaged_module_is_installed_once(
    run: Run, in_workers: InWorkers, tmp_path: Path
) -> None:
    """A pipeline ships the user's module as a wheel; each worker must find it."""
    from tfx.components.util import udf_utils

    run.module(TOY_MODULE)
    module_file = run.exec_properties.pop("module_file")
    _, path = udf_utils.package_user_module_file("Tuner", module_file, str(tmp_path))
    run.exec_properties["module_path"] = path
    in_workers(run)
    assert len(load_tuner_results(run.tuner_results_dir)) == 5


def test_reruns_of_a_search_that_pauses_are_whole(
    run: Run, in_workers: InWorkers
) -> None:
    """What is compared would be trained for a few epochs only."""
    run.module(AUTO_MODULE)
    in_workers(run, search="auto", confirm_top=2, confirm_seeds=2, seed=3)
    study = load_study(run.tuner_results_dir)
    assert [rerun.epochs for rerun in study.reruns] == [9] * 4
    assert any(trial.epochs < 9 for trial in study.trials)
    best = load_best_hyperparameters(run.best_hyperparameters_dir)
    assert study.confirmation is not None and study.best is not None
    assert study.best.trial_id == study.confirmation.trials[0].trial_id
    assert best.values == study.best.hyperparameters
