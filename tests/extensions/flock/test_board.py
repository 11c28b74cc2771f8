"""The directory in which replicas of a job leave word for each other."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from tuner_component.extensions.flock import board as board_module
from tuner_component.extensions.flock.board import Board, Machine
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """One that a job was started with."""
    board = Board(str(tmp_path / "board"))
    board.make()
    return board


def test_it_is_removed_while_replicas_write(board: Board) -> None:
    """The secret would stay, or a job that has succeeded would end with an error."""
    ended = threading.Event()
    place = Path(board.directory)

    def write() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            try:
                board.add(f"workerpool1-{number}", Machine(1, 0))
            except (StorageError, OSError):
                ended.wait(0.001)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        board.remove()
    finally:
        ended.set()
        for writer in writers:
            writer.join()
    assert not (place / "token").exists()


def test_it_is_removed_again_if_something_was_written(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory for each job would stay for ever."""
    monkeypatch.setattr(board_module, "_PAUSE_S", 0.0)
    place, remove, times = Path(board.directory), files.remove_tree, []

    def late(directory: str) -> None:
        times.append(directory)
        if len(times) == 1:
            raise StorageError("it is not empty")
        remove(directory)

    monkeypatch.setattr(files, "remove_tree", late)
    board.remove()
    assert len(times) == 2
    assert not place.exists()


def test_what_cannot_be_removed_is_no_error(
    board: Board, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What a job of hours has found would be lost for a file that no one reads."""
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(board_module, "_PAUSE_S", 0.0)

    def refuse(directory: str) -> None:
        raise StorageError("Expected to remove it. Received: no.")

    monkeypatch.setattr(files, "remove_tree", refuse)
    board.remove()
    assert "Received: no." in caplog.text
    assert not os.path.exists(os.path.join(board.directory, "token"))
