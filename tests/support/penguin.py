"""One local run of a pipeline of the examples, shared by all tests that look at it."""

from __future__ import annotations

import dataclasses
import fcntl
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from examples.penguin import pipeline_local
from tests.support import beam, crashes, fork_servers
from tests.support.project import ROOT


@dataclasses.dataclass(frozen=True)
class Run:
    """A pipeline that was run as a user would run it.

    Attributes:
        root: The run's `--root`.
        output: What the terminal showed.
    """

    root: Path
    output: str

    def place(self, name: str) -> Path:
        """Returns the path that the terminal showed under `name`."""
        for line in self.output.splitlines():
            if line.startswith(f"  {name}  "):
                return Path(line.removeprefix(f"  {name}").strip())
        raise AssertionError(f"no {name!r} in the output:\n{self.output}")


Main = Callable[[Sequence[str]], int]


def run_once(
    directory: Path, main: Main = pipeline_local.main, name: str = "penguin"
) -> Run:
    """Runs `pipeline_local`, unless a test in another process has done it.

    Args:
        directory: Where the run is kept; the same for all tests of this session.
        main: The example's command.
        name: The run's name in the directory.
    """
    root, output = directory / name, directory / f"{name}.txt"
    with open(directory / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not output.exists():
            output.write_text(_run(main, root, output))
    return Run(root, output.read_text())


def _run(main: Main, root: Path, output: Path) -> str:
    said, errors = output.with_suffix(".stdout"), output.with_suffix(".stderr")
    assert crashes.run(lambda: _main(main, root, said, errors))
    assert errors.read_text() == "", said.read_text() + errors.read_text()
    return said.read_text()


def _main(main: Main, root: Path, output: Path, errors: Path) -> None:
    """What `python -m examples.<name>.pipeline_local` does, with all imports done.

    They would be a fifth of the time: in its own process, and in the search's fork server.
    """
    for descriptor, file in ((1, output), (2, errors)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    sys.stdout, sys.stderr = (
        open(descriptor, "w", buffering=1, closefd=False)  # noqa: SIM115
        for descriptor in (1, 2)
    )
    # A new interpreter logs to where it prints, and not to pytest.
    logging.root.handlers[:] = [logging.StreamHandler()]
    os.chdir(ROOT)
    beam.quicken()
    fork_servers.sow()
    try:
        status = main(["--root", str(root)])
        assert status == 0, f"the exit status is {status}"
    except BaseException:  # noqa: BLE001 - as an interpreter ends with one
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
