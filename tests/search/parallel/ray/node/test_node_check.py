"""Whether a node is fit."""

from pathlib import Path

import pytest

from tuner_component.search.errors import StorageError
from tuner_component.search.parallel.ray.node import node_check


def test_the_same_environment_does_not_differ() -> None:
    """Every node would be left out."""
    here = node_check.versions()
    assert {"Python", "keras", "keras-tuner"} <= set(here)
    assert node_check.difference(here, dict(here)) == ""


def test_what_differs_is_named() -> None:
    """One would have to compare the packages of two machines by hand."""
    there = {"Python": "3.10.1", "keras": "3.12.0"}
    here = {"Python": "3.10.1", "keras": "3.11.0", "ray": "2.60.0"}
    assert node_check.difference(here, there) == (
        "keras 3.12.0 instead of 3.11.0, ray missing instead of 2.60.0"
    )


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    """All trials of a node would fail, one after the other."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "part-0.gz").touch()
    pattern, schema = f"{tmp_path}/data/*", f"{tmp_path}/schema.pbtxt"
    elsewhere = f"{tmp_path}/other/*"
    assert node_check.unseen([pattern, schema, elsewhere]) == [schema, elsewhere]


def test_the_token_shows_that_a_directory_is_the_same(tmp_path: Path) -> None:
    """A node would write its checkpoints to a disk of its own."""
    study, other = tmp_path / "study", tmp_path / "other"
    study.mkdir()
    other.mkdir()
    name = node_check.leave_token(str(study), "secret")
    assert not node_check.take_token(str(study), name, "another")
    name = node_check.leave_token(str(study), "secret")
    assert not node_check.take_token(str(other), name, "secret")
    assert node_check.take_token(str(study), name, "secret")
    assert not list(study.iterdir())


def test_a_study_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """That this is another machine's disk would be hidden."""
    with pytest.raises(StorageError, match="Expected to write"):
        node_check.leave_token(str(tmp_path / "study"), "secret")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../probe-1", "lock", "probe-1/../lock"])
def test_no_other_file_is_taken_for_a_token(tmp_path: Path, name: str) -> None:
    """A node could have the driver remove a file."""
    (tmp_path / "lock").write_text("secret")
    assert not node_check.take_token(str(tmp_path), name, "secret")
    assert (tmp_path / "lock").exists()
