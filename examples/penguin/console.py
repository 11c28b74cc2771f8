"""What the pipelines' commands share: arguments, log and progress.

This module imports nothing heavy, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import io
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


def argument_parser(
    description: str, root: str = "runs/penguin"
) -> argparse.ArgumentParser:
    """Returns a parser with the arguments that all pipelines have."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(root),
        metavar="DIR",
        help="directory for artifacts, metadata, pushed models and logs",
    )
    return parser


@contextlib.contextmanager
def output_to(log: Path) -> Iterator[TextIO]:
    """Sends all output to a file, and yields the terminal for what matters.

    TFX, TensorFlow and the pip and setuptools that TFX starts print thousands of
    lines, some of them from C++ and from child processes. Only redirecting the file
    descriptors catches them all. An exception is raised as usual, and its traceback
    appears on the terminal.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Otherwise prints would be buffered, and appear in the log after later output.
        sys.stdout.reconfigure(line_buffering=True)
    saved = os.dup(1), os.dup(2)
    log_fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    with open(os.dup(1), "w", buffering=1, encoding="utf-8") as terminal:
        _redirect(log_fd, log_fd)
        try:
            yield terminal
        except Exception:
            print(f"\nFailed. All output is in {log}.\n", file=terminal)
            raise
        finally:
            _redirect(*saved)
            # TensorFlow's destructors print errors while the interpreter shuts down.
            atexit.register(_redirect, 1, log_fd)


def _redirect(stdout: int, stderr: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)


class Progress(logging.Handler):
    """Shows one line per component that LocalDagRunner runs, with its time.

    The runner says so only in its log, so this reads the log.
    """

    def __init__(self, terminal: TextIO, num_components: int) -> None:
        super().__init__()
        self._terminal = terminal
        self._num_components = num_components
        self._count = 0
        self._start = 0.0
        self._remark = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "Component %s is running.":
            self._count += 1
            self._start, self._remark = time.monotonic(), ""
            name = record.getMessage().split()[1]
            self._write(f"{self._count:3}/{self._num_components}  {name:<16}")
        elif record.msg == "A cached execution %d is used.":
            self._remark = "  cached"
        elif record.msg == "Component %s is finished.":
            self._write(f"{time.monotonic() - self._start:6.1f} s{self._remark}\n")

    def _write(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Shows progress while the context is open."""
        from absl import logging as absl_logging

        verbosity = absl_logging.get_verbosity()
        absl_logging.set_verbosity(absl_logging.INFO)
        absl_logging.get_absl_logger().addHandler(self)
        try:
            yield
        finally:
            absl_logging.get_absl_logger().removeHandler(self)
            absl_logging.set_verbosity(verbosity)
