"""Fixtures that run the executor on real artifacts, without a pipeline around it."""

from __future__ import annotations

import dataclasses
import gc
import logging
import os
import textwrap
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from absl import logging as absl_logging

from tests.support import crashes, penguin
from tests.support.project import ROOT
from tuner_component.search.machine import forked

# What takes longest, the longest first: half a minute or more.
_LONGEST = (
    "extensions/google_cloud_ai_platform/test_pipeline.py",
    "kubeflow/test_kfp_local.py",
    "examples/test_pipelines.py",
    "project/test_snippets.py",
    "test_executor_goals.py",
    "search/in_process/test_confirming.py",
    "standalone/test_tune.py",
    "search/training/test_pausing.py",
    "scenarios/test_scenarios.py",
    "search/parallel/ray/test_gangs.py",
    "search/training/test_instrument.py",
    "search/parallel/ray/test_engine.py",
    "pipeline/test_best_model.py",
    "examples/gallery/test_custom_loop.py",
    "search/parallel/ray/test_local_suite.py",
    "oracles/test_vizier_oracle.py",
    "search/chaos/test_searches.py",
    "test_executor_in_workers.py",
    "conformance/test_oracles.py",
    "examples/gallery/test_images.py",
    "search/training/test_preflight.py",
    "search/test_without_tensorflow.py",
    "examples/test_digits.py",
    "project/test_bazel.py",
    "examples/test_tuned_preprocessing.py",
    "examples/gallery/test_end_to_end.py",
    "search/parallel/ray/test_doors.py",
    "search/parallel/worker/test_main.py",
    "search/chaos/test_killed_searches.py",
    "conformance/test_resume.py",
    "search/chaos/test_kinds.py",
    "test_pipeline_crashes.py",
    "cli/test_tune.py",
    "search/chaos/test_training.py",
)

# A search without Keras training: fast, and enough for all but training itself.
TOY_MODULE = """
    import keras_tuner
    from tuner_component import TunerFnResult


    class Toy(keras_tuner.Tuner):
        def run_trial(self, trial, offset=0.0):
            x = trial.hyperparameters.Float("x", -1.0, 1.0)
            return (x - 0.25) ** 2 + offset


    def tuner_fn(fn_args):
        oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=5, seed=7)
        tuner = Toy(oracle, directory=fn_args.working_dir, project_name="toy")
        return TunerFnResult(tuner=tuner, fit_kwargs={"offset": 1.0})
"""


def pytest_configure() -> None:
    """Spares pip, which TFX starts for each packaged module, most of its work.

    It would look through all that is installed for conflicts, for five seconds. It is
    not to warn of them: pip reads the variable so, whatever its name suggests.
    """
    os.environ.setdefault("PIP_NO_WARN_CONFLICTS", "0")
    # Until all is imported: imports make millions of objects, and nearly no garbage.
    gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fails a module that starts a framework: nothing could be forked any more."""
    before = forked.running_framework()
    report = yield
    after = forked.running_framework()
    if before is None and after is not None and report.passed:
        report.outcome = "failed"
        report.longrepr = (
            "Expected a module of tests to do no more than imports and definitions. "
            f"Received: {after} runs after its import. Make variables, datasets and the "
            "like in the tests, not beside them or in their parameters."
        )
    return report


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Begins with the files that take long, so that none of them is left for the end.

    The longest come first, in this order, then the others that have slow tests. Tests that
    are run on demand are left out, unless `-m` speaks of them.
    """
    if "on_demand" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("on_demand")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    longest = {ROOT / "tests" / name: place for place, name in enumerate(_LONGEST)}
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(
        key=lambda item: (longest.get(item.path, len(longest)), item.path not in slow)
    )


def pytest_collection_finish() -> None:
    """Keeps what the tests have imported out of garbage collections.

    KerasTuner collects twice for each model that it builds, and TensorFlow and TFX are
    millions of objects: that would be most of what training tiny models takes.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    crashes.start_template()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Lets tests print and log what is no valid text: reports go to another process."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode())
        for name, text in report.sections
    ]
    return report


_VERBOSITY, _LEVEL = absl_logging.get_verbosity(), logging.getLogger().level


@pytest.fixture(autouse=True)
def _log_levels() -> None:
    """Lets no test find in its log what others wanted to see: Beam, TFX and our command
    set levels, also in fixtures that several tests share.
    """
    absl_logging.set_verbosity(_VERBOSITY)
    logging.getLogger().setLevel(_LEVEL)


@dataclasses.dataclass
class Run:
    """One execution of the Tuner's executor: change what differs, then call it."""

    root: Path
    input_dict: dict[str, list[Any]]
    output_dict: dict[str, list[Any]]
    exec_properties: dict[str, Any]

    @property
    def best_hyperparameters_dir(self) -> Path:
        return Path(self.output_dict["best_hyperparameters"][0].uri)

    @property
    def tuner_results_dir(self) -> Path:
        return Path(self.output_dict["tuner_results"][0].uri)

    def module(self, source: str) -> Run:
        """Takes `source` as the user's module file."""
        path = self.root / "user_module.py"
        path.write_text(textwrap.dedent(source))
        self.exec_properties["module_file"] = str(path)
        return self

    def __call__(self) -> None:
        from tuner_component.executor import Executor

        context = Executor.Context(tmp_dir=str(self.root / "tmp"), unique_id="1")
        Executor(context).Do(self.input_dict, self.output_dict, self.exec_properties)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The executor on the penguin examples that TFX ships, with no module yet."""
    import tfx.components
    from tfx.types import artifact_utils, standard_artifacts

    testdata = Path(tfx.components.__file__).parent / "testdata"
    examples = standard_artifacts.Examples()
    examples.uri = str(testdata / "penguin" / "data")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    schema = standard_artifacts.Schema()
    schema.uri = str(testdata / "penguin" / "schema")
    best = standard_artifacts.HyperParameters()
    best.uri = str(tmp_path / "best_hyperparameters")
    results = standard_artifacts.TunerResults()
    results.uri = str(tmp_path / "tuner_results")
    return Run(
        root=tmp_path,
        input_dict={"examples": [examples], "schema": [schema]},
        output_dict={"best_hyperparameters": [best], "tuner_results": [results]},
        exec_properties={"train_args": "{}", "eval_args": "{}"},
    )


@pytest.fixture
def toy_run(run: Run) -> Run:
    """The executor with a module whose search takes milliseconds."""
    return run.module(TOY_MODULE)


@pytest.fixture(scope="session")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> penguin.Run:
    """A finished run of `pipeline_local`, the same for all of pytest's processes."""
    directory = tmp_path_factory.getbasetemp()
    # pytest-xdist gives each process a directory below the session's.
    shared = directory.parent if "PYTEST_XDIST_WORKER" in os.environ else directory
    return penguin.run_once(shared)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless browser; skips if there is none."""
    from tests.support import reports  # Few tests need what it imports.

    sync_api = pytest.importorskip("playwright.sync_api")
    path = reports.browser_path()
    if path is None:
        pytest.skip("there is no browser: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        # Root in a container, as in continuous integration, has no sandbox.
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        yield started
        started.close()
