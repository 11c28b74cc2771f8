"""Where a process's output goes."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT
from tuner_component.search.machine import output


def _run(code: str) -> subprocess.CompletedProcess[str]:
    code = (
        f"import ctypes, os, sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"from tuner_component.search.machine.output import Output\n{code}"
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_everything_goes_to_the_file_in_order(tmp_path: Path) -> None:
    """Messages of native code would be lost, or end up in another trial's log."""
    first, second = tmp_path / "a/first.txt", tmp_path / "b/second.txt"
    done = _run(
        f"""
log = Output({str(first)!r})
print("python")
ctypes.CDLL(None).puts(b"native")
log.to({str(second)!r}, "heading")
os.system("echo child")
print("error", file=sys.stderr)
log.to({str(first)!r})
print("again")
"""
    )
    assert done.stdout == done.stderr == ""
    assert first.read_text() == "python\nnative\nagain\n"
    assert second.read_text() == "heading\nchild\nerror\n"


def test_a_killed_process_has_said_its_last_words(tmp_path: Path) -> None:
    """What it printed just before would be in a buffer."""
    log = tmp_path / "log.txt"
    _run(
        f"""
Output({str(log)!r})
print("last words")
os.kill(os.getpid(), 9)
"""
    )
    assert log.read_text() == "last words\n"


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    """A message would hold a whole log, or nothing."""
    log = tmp_path / "log.txt"
    log.write_text("".join(f"line {i}\n" for i in range(10_000)))
    assert output.tail(str(log), lines=2) == "line 9998\nline 9999"
    assert output.tail(str(tmp_path / "none")) == ""


def test_the_tail_of_a_crash_begins_where_it_happened(tmp_path: Path) -> None:
    """faulthandler's long list of modules would be all that is shown."""
    log = tmp_path / "log.txt"
    code = f"import faulthandler; faulthandler.enable()\nOutput({str(log)!r})\n"
    _run(
        f"{code}import numpy\ndef user_function():\n ctypes.string_at(0)\nuser_function()"
    )
    tail = output.tail(str(log), lines=6)
    assert tail.startswith("Fatal Python error: Segmentation fault")
    assert "in user_function" in tail
    assert "Extension modules" not in output.tail(str(log))


def test_a_full_log_does_not_hide_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker would die of the log before it has told the driver what happened."""
    with open("/dev/full", "w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        try:
            raise ValueError("no space")
        except ValueError:
            output.log_traceback()
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
