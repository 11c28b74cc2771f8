"""Tuners of several processes share one project directory."""

from pathlib import Path
from typing import Any

import keras_tuner

from tuner_component.search.training.project_guard import shared_project


def _tuner(directory: Path, overwrite: bool) -> Any:
    def build(hp: Any) -> Any:
        hp.Float("x", 0, 1)

    class Tuner(keras_tuner.engine.base_tuner.BaseTuner):
        def run_trial(self, trial: Any) -> float:
            return 0.0

    return Tuner(
        keras_tuner.oracles.RandomSearchOracle(max_trials=1),
        hypermodel=build,
        directory=str(directory),
        project_name="project",
        overwrite=overwrite,
    )


def test_a_tuner_that_overwrites_deletes_nothing(tmp_path: Path) -> None:
    """Each new worker would delete what the others have."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project/checkpoint").touch()
    with shared_project():
        _tuner(tmp_path, overwrite=True)
    assert (tmp_path / "project/checkpoint").exists()


def test_it_may_where_nobody_else_is(tmp_path: Path) -> None:
    """A new search would find the checkpoints of an old one."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project/checkpoint").touch()
    with shared_project(may_overwrite=True):
        _tuner(tmp_path, overwrite=True)
    assert not (tmp_path / "project/checkpoint").exists()


def test_a_tuner_begins_anew_where_another_saved(tmp_path: Path) -> None:
    """It would look for an oracle's state that is not there, and fail."""
    _tuner(tmp_path, overwrite=False).save()
    (tmp_path / "project/oracle.json").unlink()
    with shared_project():
        tuner = _tuner(tmp_path, overwrite=False)
    assert [hp.name for hp in tuner.oracle.get_space().space] == ["x"]


def test_afterwards_kerastuner_is_as_before(tmp_path: Path) -> None:
    """Tuners outside of the search would not load what they saved."""
    before = keras_tuner.engine.base_tuner.BaseTuner.reload
    with shared_project():
        pass
    assert keras_tuner.engine.base_tuner.BaseTuner.reload is before
    (tmp_path / "project").mkdir()
    (tmp_path / "project/checkpoint").touch()
    _tuner(tmp_path, overwrite=True)
    assert not (tmp_path / "project/checkpoint").exists()
