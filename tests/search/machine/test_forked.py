"""A function that runs in a copy of the process leaves nothing behind in it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import crashes
from tuner_component.search.machine import forked


def call(function: Callable[[], Any], timeout_s: float = 60) -> Any:
    with contextlib.closing(forked.ForkedCall(function)) as running:
        return running.result(timeout_s)


def test_the_result_comes_from_another_process() -> None:
    """What the function does would be done to the process that asks."""

    def check() -> None:
        assert call(os.getpid) != os.getpid()

    assert crashes.run(check)


def test_what_it_prints_stays_there(tmp_path: Path) -> None:
    """The user would read everything twice."""

    def speak() -> None:
        print("from Python")
        ctypes.CDLL(None).puts(b"from C")

    def check() -> None:
        file = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        call(speak)

    assert crashes.run(check)
    assert (tmp_path / "out").read_text() == ""


def test_its_files_go_with_it() -> None:
    """Each search would leave a directory in /tmp."""

    def check() -> None:
        made = call(tempfile.mkdtemp)
        assert made.startswith(tempfile.gettempdir())
        assert not os.path.exists(made)

    assert crashes.run(check)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda: os._exit(3), "exited with status 3"),
        (lambda: os.kill(os.getpid(), 9), "SIGKILL"),
        (lambda: 1 / 0, "(?s)status 1.*ZeroDivisionError"),
    ],
)
def test_a_process_that_dies_has_no_answer(function: Any, said: str) -> None:
    """The one that asks would wait for ever, or not learn why."""

    def check() -> None:
        with pytest.raises(forked.ForkedCallError, match=said):
            call(function)

    assert crashes.run(check)


def test_one_that_hangs_is_ended_with_what_it_started() -> None:
    """It would hold the GPU, and what it started would stay for ever."""

    def check() -> None:
        reader, writer = os.pipe()

        def hang() -> None:
            os.fork()
            threading.Event().wait()

        with pytest.raises(forked.ForkedCallError, match=r"longer than 0\.2 seconds"):
            call(hang, 0.2)
        os.close(writer)
        assert os.read(reader, 1) == b""  # Nobody has the other end any more.

    assert crashes.run(check)


def test_threads_and_frameworks_are_in_the_way() -> None:
    """A copy without them would hang."""

    def check() -> None:
        assert forked.obstacle() is None
        done = threading.Event()
        for name, hinders in (("tuner_component_lease", False), ("user's", True)):
            threading.Thread(target=done.wait, name=name, daemon=True).start()
            assert (forked.obstacle() is not None) is hinders
        done.set()

    def compute() -> None:
        import tensorflow as tf

        tf.constant(1)
        assert "TensorFlow" in (forked.obstacle() or "")

    assert crashes.run(check)
    assert crashes.run(compute)
