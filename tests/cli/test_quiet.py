"""What a terminal, or a program, gets to read."""

from __future__ import annotations

import subprocess
import sys

from tests.support.project import ROOT

_CODE = """
import ctypes, os, sys
from tuner_component.cli.quiet import standard_output_kept
own = sys.stdout
with standard_output_kept(True):
    print("printed")
    print("to a stream that was kept", file=own)
    ctypes.CDLL(None).puts(b"native")
    os.system("echo child")
print("for the program")
"""


def test_standard_output_is_for_the_program_alone() -> None:
    """What reads JSON there would stumble over what a module printed."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout == "for the program\n"
    assert len(done.stderr.splitlines()) == 4
