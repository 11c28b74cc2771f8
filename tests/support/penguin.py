"""One local run of the penguin pipeline, shared by all tests that look at it."""

from __future__ import annotations

import dataclasses
import fcntl
import subprocess
import sys
from pathlib import Path

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


def run_once(directory: Path) -> Run:
    """Runs `pipeline_local`, unless a test in another process has done it.

    Args:
        directory: Where the run is kept; the same for all tests of this session.
    """
    root, output = directory / "penguin", directory / "penguin.txt"
    with open(directory / "penguin.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not output.exists():
            output.write_text(_run(root))
    return Run(root, output.read_text())


def _run(root: Path) -> str:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "examples.penguin.pipeline_local"),
            *("--root", str(root)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout
