"""What is written below a held directory lands there, or nowhere."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tuner_component.search.errors import StorageError, StudyLockedError
from tuner_component.search.storage import faults, files, held

CHANGES: dict[str, Callable[[str], object]] = {
    "write": lambda root: files.write_bytes(f"{root}/journal/a", b"old search"),
    "append": lambda root: files.append_bytes(f"{root}/journal/a", b"old search", 0),
    "make a directory": lambda root: files.makedirs(f"{root}/trials/0/training"),
    "make the directory": lambda root: files.makedirs(root),
    "remove": lambda root: files.remove(f"{root}/journal/kept"),
    "remove a tree": lambda root: files.remove_tree(f"{root}/journal"),
    "move": lambda root: files.move(f"{root}/journal/kept", f"{root}/journal/a"),
    "write by other means": lambda root: files.require_place(f"{root}/weights"),
}


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "study"
    (root / "journal").mkdir(parents=True)
    (root / "journal/kept").write_text("kept")
    with files.holding(str(root)):
        yield root


def move(root: Path) -> Path:
    """Moves a directory away, and begins another at its place."""
    moved = root.with_name("moved")
    root.rename(moved)
    (root / "journal").mkdir(parents=True)
    (root / "journal/kept").write_text("of the new one")
    return moved


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(root)): p.read_bytes() if p.is_file() else b""
        for p in root.rglob("*")
    }


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_changes_at_the_place_of_a_directory_that_was_moved(
    root: Path, change: str
) -> None:
    """A search would write into the study of another one, or delete it."""
    moved = move(root)
    before = tree(root), tree(moved)
    with pytest.raises(StudyLockedError, match="move it back"):
        CHANGES[change](str(root))
    assert (tree(root), tree(moved)) == before


@pytest.mark.parametrize("change", CHANGES)
def test_a_directory_that_was_removed_does_not_come_back(
    root: Path, change: str
) -> None:
    """What a user has removed would be there again in part: a damaged study."""
    files.remove_tree(str(root))
    with pytest.raises(StudyLockedError, match="Received: it was moved or removed"):
        CHANGES[change](str(root))
    assert not root.exists()


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_in_its_place_is_changed_as_ever(root: Path, change: str) -> None:
    """A search could not write."""
    CHANGES[change](str(root))


def test_a_write_under_way_stays_with_its_directory(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever moves a study at the wrong moment would mix it with the next one."""
    moved: list[Path] = []

    def rename(point: str) -> None:
        if not moved:
            moved.append(move(root))

    monkeypatch.setattr(faults, "point", rename)
    files.write_bytes(str(root / "journal/a"), b"whole")
    assert (moved[0] / "journal/a").read_text() == "whole"
    assert tree(root).keys() == {"journal", "journal/kept"}


def test_an_append_under_way_stays_with_its_directory(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits would overwrite those of the search that has begun at the same place."""
    path = str(root / "journal/kept")
    files.append_bytes(path, b"first", 0)
    moved: list[Path] = []
    located = held.locate

    def locate(path: str) -> tuple[int | None, str]:
        found = located(path)
        moved.append(move(root))
        return found

    monkeypatch.setattr(held, "locate", locate)
    files.append_bytes(path, b" second", 5)
    assert (moved[0] / "journal/kept").read_bytes().startswith(b"first second")
    assert (root / "journal/kept").read_text() == "of the new one"


def test_other_directories_are_not_held(root: Path, tmp_path: Path) -> None:
    """A search whose study is gone could not write its results elsewhere."""
    move(root)
    files.makedirs(str(tmp_path / "study2/deep"))
    files.write_bytes(str(tmp_path / "study2/deep/file"), b"")
    assert (tmp_path / "study2/deep/file").exists()


def test_a_directory_may_be_held_by_any_of_its_names(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path would lead past the check."""
    move(root)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyLockedError):
        files.write_bytes("study/./journal/a", b"")


def test_what_was_released_is_free(tmp_path: Path) -> None:
    """The next search of the process could not write."""
    root = tmp_path / "study"
    root.mkdir()
    with files.holding(str(root)):
        pass
    move(root)
    files.write_bytes(str(root / "journal/a"), b"")


def test_a_directory_that_cannot_be_opened_is_explained(tmp_path: Path) -> None:
    """A user would see a bare error of the system."""
    with pytest.raises(StorageError, match="Expected a directory"):
        held.HeldDirectory(str(tmp_path / "nothing"))


def test_links_are_not_written_through(tmp_path: Path) -> None:
    """Whoever may write in a study could have any file of its owner overwritten."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.symlink(victim, tmp_path / "segment")
    with pytest.raises(StorageError, match="Expected to write"):
        files.append_bytes(str(tmp_path / "segment"), b"x", 0)
    files.write_bytes(str(tmp_path / "segment"), b"x")
    assert victim.read_text() == "precious"


def test_a_forked_process_holds_nothing(root: Path) -> None:
    """A fork server that closes all descriptors would write into anything."""
    child = os.fork()
    if child == 0:
        status = len(held._held)
        move(root)
        files.write_bytes(str(root / "journal/a"), b"")
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert len(held._held) == 1
