"""Studies load from their artifact and from their directory, and without much else."""

from pathlib import Path

import pytest

from tests.support import studies
from tests.support.imports import run_without
from tuner_component import load_study


def test_artifact_is_loaded_by_its_uri(tmp_path: Path) -> None:
    """What was published could not be read."""
    study = studies.big_study(5)
    (tmp_path / "study.json").write_text(study.to_json())
    assert load_study(tmp_path) == study
    assert load_study(f"file://{tmp_path}/study.json") == study


def test_study_that_is_running_is_loaded(tmp_path: Path) -> None:
    """A search could not be looked at before it is over."""
    study = load_study(studies.directory_of_a_study(tmp_path / "study"))
    assert study.status == "running"
    assert study.best is not None and study.best.score == 0.5


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """A look at a running search could damage it."""
    directory = studies.directory_of_a_study(tmp_path / "study")
    before = sorted(directory.rglob("*"))
    load_study(directory)
    assert sorted(directory.rglob("*")) == before


def test_nothing_there_says_what_to_name(tmp_path: Path) -> None:
    """A mistyped path would end in a bare stack trace."""
    with pytest.raises(FileNotFoundError, match="Expected a study.*Received: nothing"):
        load_study(tmp_path / "no")


def test_another_file_of_that_name_is_refused(tmp_path: Path) -> None:
    """Any JSON would be taken for a study."""
    (tmp_path / "study.json").write_text('{"id": 1}')
    with pytest.raises(ValueError, match="JSON of something else"):
        load_study(tmp_path)


def test_loads_without_what_a_search_needs(tmp_path: Path) -> None:
    """A laptop that reads results would need TensorFlow, TFX and the user's module."""
    (tmp_path / "study.json").write_text(studies.big_study(3).to_json())
    code = (
        "from tuner_component import load_study\n"
        "print(len(load_study(sys.argv[1]).to_frame()))"
    )
    needless = ("tensorflow", "tfx", "keras", "keras_tuner")
    done = run_without(needless, code, str(tmp_path))
    assert (done.stdout, done.stderr) == ("3\n", "")
