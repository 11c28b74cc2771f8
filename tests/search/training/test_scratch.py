"""The directories in which `tuner_fn` is called."""

import os
import types
from pathlib import Path
from typing import Any

import pytest

from tuner_component.search.training import scratch


class Oracle:
    """What is needed of KerasTuner's."""

    def _set_project_dir(self, directory: str, project_name: str) -> None:
        self.project = (directory, project_name)


def tuner(directory: Any, name: str = "p") -> Any:
    """A tuner as from its constructor."""
    os.makedirs(os.path.join(directory, name), exist_ok=True)
    return types.SimpleNamespace(
        directory=directory, project_name=name, oracle=Oracle()
    )


@pytest.fixture
def workdir(tmp_path: Path) -> str:
    """The directory that survives."""
    (tmp_path / "workdir").mkdir()
    return str(tmp_path / "workdir")


def test_each_call_gets_a_new_directory(tmp_path: Path, workdir: str) -> None:
    """A lock on a cache that a killed process left would fail the trial for good."""
    with scratch.of_search(str(tmp_path), locked=True):
        first, second = scratch.new(workdir), scratch.new(workdir)
        assert first != second and not os.listdir(first)
        Path(first, "train.cache_0.lockfile").touch()
    assert not (tmp_path / "scratch").exists()


def test_what_killed_processes_left_goes(tmp_path: Path, workdir: str) -> None:
    """Caches of data would fill the disk, one for each kill."""
    left = tmp_path / "scratch" / "slot-0" / "7-0"
    left.mkdir(parents=True)
    with scratch.claimed(str(tmp_path), "slot-1"):
        assert left.exists()
        with scratch.claimed(str(tmp_path), "slot-0"):
            assert not left.exists()
    left.mkdir(parents=True)
    with scratch.of_search(str(tmp_path), locked=True):
        assert not left.exists()


def test_readers_of_a_finished_study_leave_each_other_alone(
    tmp_path: Path, workdir: str
) -> None:
    """Two pipelines that publish it again would remove each other's files."""
    with scratch.of_search(str(tmp_path), locked=False):
        mine = scratch.new(workdir)
        with scratch.of_search(str(tmp_path), locked=False):
            assert os.path.isdir(mine)
        assert os.path.isdir(mine)


def test_without_a_search_the_directory_is_what_it_was(workdir: str) -> None:
    """`tuner_fn` could not be called by itself."""
    assert scratch.new(workdir) == workdir
    made = tuner(workdir)
    scratch.keep_project(made, workdir, workdir)
    assert made.directory == workdir


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("below", ["", "a/b"])
def test_the_project_is_kept(
    tmp_path: Path, workdir: str, below: str, kind: Any
) -> None:
    """The weights of the best trials would go with the process that trained them."""
    with scratch.of_search(str(tmp_path), locked=True):
        directory = scratch.new(workdir)
        made = tuner(kind(os.path.join(directory, below)))
        Path(made.directory, "p", "constructor.txt").write_text("once")
        scratch.keep_project(made, directory, workdir)
        kept = Path(workdir, below)
        assert (str(made.directory), made.project_name) == (str(kept), "p")
        assert made.oracle.project == (str(kept), "p")
        # The user's code may have the old name, and write or read by it.
        Path(directory, below, "p", "weights").write_text("learned")
        assert (kept / "p" / "weights").read_text() == "learned"
        (kept / "p" / "constructor.txt").write_text("and went on")
    assert (kept / "p" / "weights").exists()
    with scratch.of_search(str(tmp_path), locked=True):
        directory = scratch.new(workdir)
        again = tuner(os.path.join(directory, below))
        Path(again.directory, "p", "constructor.txt").write_text("once")
        scratch.keep_project(again, directory, workdir)
        # What is there already was worked with.
        assert (kept / "p" / "constructor.txt").read_text() == "and went on"


def test_a_project_elsewhere_stays_there(tmp_path: Path, workdir: str) -> None:
    """A tuner would look for its weights where they never were."""
    with scratch.of_search(str(tmp_path), locked=True):
        directory = scratch.new(workdir)
        for elsewhere in (str(tmp_path / "own"), f"{directory}-not", "."):
            made = types.SimpleNamespace(
                directory=elsewhere, project_name="p", oracle=Oracle()
            )
            scratch.keep_project(made, directory, workdir)
            assert made.directory == elsewhere


def test_a_project_that_is_the_working_directory_leaves_other_files(
    tmp_path: Path, workdir: str
) -> None:
    """A cache of data would be kept as if it were the tuner's."""
    with scratch.of_search(str(tmp_path), locked=True):
        directory = scratch.new(workdir)
        made = tuner(directory, ".")
        Path(directory, "train.cache").touch()
        scratch.keep_project(made, directory, workdir)
        assert made.directory == workdir
        assert not os.listdir(workdir)
        assert Path(directory, "train.cache").exists()


def test_on_a_uri_the_project_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches in a bucket would lose their weights."""
    made = types.SimpleNamespace(
        directory="gs://b/study/scratch/x/1-0/a", project_name="p", oracle=Oracle()
    )
    scratch.keep_project(made, "gs://b/study/scratch/x/1-0", "gs://b/study/workdir")
    assert made.directory == "gs://b/study/workdir/a"
    other = types.SimpleNamespace(
        directory="gs://b/study/scratch/x/1-00", project_name="p", oracle=Oracle()
    )
    scratch.keep_project(other, "gs://b/study/scratch/x/1-0", "gs://b/study/workdir")
    assert other.directory == "gs://b/study/scratch/x/1-00"


def test_who_does_not_hold_the_study_leaves_nothing_and_takes_nothing(
    tmp_path: Path,
) -> None:
    """A finished study would get a directory each time that its model is built."""
    with scratch.of_search(str(tmp_path), locked=False):
        assert Path(scratch.new("elsewhere")).is_relative_to(tmp_path)
    assert not list(tmp_path.iterdir())
    others = tmp_path / "scratch" / "slot-0"
    others.mkdir(parents=True)
    with scratch.of_search(str(tmp_path), locked=False):
        scratch.new("elsewhere")
    assert list((tmp_path / "scratch").iterdir()) == [others]
