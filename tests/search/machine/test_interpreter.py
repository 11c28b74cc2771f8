"""Another interpreter beside this one."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

from tuner_component.search.machine import interpreter

_MODULE = """
import os, sys

def main(connection):
    main = sys.modules["__main__"]
    told = os.environ.get("TOLD"), os.getsid(0) == os.getpid(), hasattr(main, "mark")
    connection.send(told)
    connection.close()
"""


def test_it_has_the_path_and_a_session_of_its_own(tmp_path: Path) -> None:
    """It would not find what this process does, or get its Ctrl-C."""
    (tmp_path / "elsewhere.py").write_text(_MODULE)
    ours, theirs = multiprocessing.Pipe()
    environment = {**os.environ, "TOLD": "yes"}
    with theirs:
        process = interpreter.start(
            "elsewhere", theirs, subprocess.DEVNULL, environment
        )
    with ours:
        ours.send([*sys.path, str(tmp_path)])
        assert ours.recv() == ("yes", True, False)
    assert process.wait() == 0
