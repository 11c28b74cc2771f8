"""Runs the examples of the gallery as people do, without importing TFX again.

What they need is imported here, once: each example runs in a copy of this process.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from tests.support import beam, programs
from tuner_component import load_study
from tuner_component.report.record import StudyRecord

# With two workers, and on demand in process, which most other tests are.
workers = pytest.mark.parametrize(
    "workers", [pytest.param(0, marks=pytest.mark.on_demand), 2]
)
for _name in (
    *("keras", "keras_tuner", "pandas", "sklearn.datasets", "sklearn.ensemble"),
    *("tensorflow_data_validation", "tensorflow_transform", "tfx.v1", "tf_keras"),
    *("tfx.components.example_gen.csv_example_gen.executor", "tuner_component.data"),
    *("tuner_component.cli.on_files", "tuner_component.component"),
):
    importlib.import_module(_name)
beam.quicken()


def run(example: ModuleType, search: str, count: int, directory: Path) -> str:
    """Runs `python -m EXAMPLE SEARCH`, which must not fail.

    Args:
        example: Its package.
        search: Which of its searches.
        count: How many trials run at the same time.
        directory: For all that it writes.

    Returns:
        What it printed.
    """
    arguments = [search, "--root", str(directory), "--num-parallel-trials", str(count)]
    status, said = programs.run(example.__name__, *arguments, directory=directory)
    assert status == 0, said
    return said


def studied(
    example: ModuleType, search: str, count: int, directory: Path
) -> StudyRecord:
    """Runs a search on files, and returns its record, in which no trial has failed."""
    run(example, search, count, directory)
    study = load_study(directory / search / "search" / "results")
    statuses = {trial.status for trial in study.trials}
    assert statuses == {"COMPLETED"}, study.trials
    assert study.status == "finished"
    return study
