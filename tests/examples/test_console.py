"""The command line of the example: the log, the progress, the arguments."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from absl import logging

from examples.penguin import console, pipeline_importer, pipeline_local
from tests.support.project import ROOT


def _python(script: str, log: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script in a process with a stdout and a stderr of its own."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(log)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_what_matters_reaches_the_terminal(tmp_path: Path) -> None:
    """Else the result would drown in what libraries and child processes print."""
    log = tmp_path / "new" / "run.log"
    done = _python(
        """
        import pathlib, subprocess, sys
        from examples.penguin import console

        class Destroyed:
            def __del__(self):
                raise RuntimeError("a destructor")

        with console.output_to(pathlib.Path(sys.argv[1])) as terminal:
            print("a library")
            print("a warning", file=sys.stderr)
            subprocess.run([sys.executable, "-S", "-c", "print('a child')"])
            print("the result", file=terminal)
        print("afterwards")
        until_the_end = Destroyed()
        """,
        log,
    )
    assert (done.returncode, done.stdout) == (0, "the result\nafterwards\n")
    assert done.stderr == ""
    logged = log.read_text()
    assert logged.startswith("a library\na warning\na child\n")
    assert "a destructor" in logged


def test_an_error_is_not_hidden_in_the_log(tmp_path: Path) -> None:
    """Else a failing pipeline would end without a word."""
    done = _python(
        """
        import pathlib, sys
        from examples.penguin import console

        with console.output_to(pathlib.Path(sys.argv[1])):
            raise RuntimeError("broken")
        """,
        tmp_path / "run.log",
    )
    assert done.returncode == 1
    assert str(tmp_path / "run.log") in done.stdout
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("RuntimeError: broken\n")


def test_a_log_holds_one_run(tmp_path: Path) -> None:
    """Else a reader would find the errors of another day."""
    log = tmp_path / "run.log"
    log.write_text("yesterday\n")
    with console.output_to(log):
        os.write(1, b"today\n")
    assert log.read_text() == "today\n"


def test_progress_counts_components_and_names_cached_ones() -> None:
    """Else a person would look at a silent terminal for two minutes."""
    terminal = io.StringIO()
    verbosity = logging.get_verbosity()
    with console.Progress(terminal, 2).shown():
        # As LocalDagRunner and its launcher say it.
        logging.info("Component %s is running.", "Transform")
        logging.info("A cached execution %d is used.", 4)
        logging.info("Component %s is finished.", "Transform")
        logging.info("Component %s is running.", "Tuner")
        logging.info("Component %s is finished.", "Tuner")
    logging.info("Component %s is running.", "Trainer")

    lines = [line.split() for line in terminal.getvalue().splitlines()]
    assert lines == [
        ["1/2", "Transform", "0.0", "s", "cached"],
        ["2/2", "Tuner", "0.0", "s"],
    ]
    assert logging.get_verbosity() == verbosity


@pytest.mark.parametrize("module", [pipeline_local, pipeline_importer])
def test_help_answers_at_once(module: object) -> None:
    """Else asking for help would mean to wait for TFX to be imported."""
    start = time.monotonic()
    shown = subprocess.run(
        [sys.executable, str(module.__file__), "--help"],  # type: ignore[attr-defined]
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--root DIR" in shown.stdout
    assert "runs/penguin" in shown.stdout
    assert time.monotonic() - start < 5
