"""No study stays behind where there was nothing to search with."""

from pathlib import Path

import pytest

from tests.support.studies import directory_of_a_study
from tuner_component.pipeline import abandoning
from tuner_component.pipeline.user_module import ModuleLoadError, UserModuleError


def begin(study: Path) -> None:
    """Writes what a search writes before it loads the module."""
    (study / "logs").mkdir(parents=True)
    (study / "tuner_fn.json").write_text("{}")


def test_a_study_without_trials_goes(tmp_path: Path) -> None:
    """`list` would show a search that never was."""
    study = tmp_path / "studies" / "0123"
    with (
        pytest.raises(ModuleLoadError),
        abandoning.unless_module_loads(str(study)),
    ):
        begin(study)
        raise ModuleLoadError
    assert not list(tmp_path.iterdir())


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    """A package that is missing today would cost what was found yesterday."""
    studies = tmp_path / "studies"
    begin(studies / "0123")
    studies.joinpath("another").mkdir()
    for name in ("0123", "new"):
        with (
            pytest.raises(ModuleLoadError),
            abandoning.unless_module_loads(str(studies / name)),
        ):
            (studies / name).mkdir(exist_ok=True)
            raise ModuleLoadError
    assert sorted(path.name for path in studies.iterdir()) == ["0123", "another"]
    assert (studies / "0123" / "tuner_fn.json").exists()


def test_a_study_with_trials_stays(tmp_path: Path) -> None:
    """A module that does not load in the tenth worker would cost the trials of nine."""
    study = tmp_path / "0123"
    with (
        pytest.raises(ModuleLoadError),
        abandoning.unless_module_loads(str(study)),
    ):
        directory_of_a_study(study, status="running")
        raise ModuleLoadError
    assert (study / "study.json").exists()


def test_other_errors_keep_the_study(tmp_path: Path) -> None:
    """The logs of a `tuner_fn` that fails would be gone."""
    study = tmp_path / "0123"
    with (
        pytest.raises(UserModuleError),
        abandoning.unless_module_loads(str(study)),
    ):
        begin(study)
        raise UserModuleError
    assert (study / "logs").exists()
