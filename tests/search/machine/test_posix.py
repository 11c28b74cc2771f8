"""Families of processes, and signals to wait for."""

import os
import signal
import subprocess
import sys
from multiprocessing import connection

from tests.support import processes
from tests.support.project import ROOT
from tuner_component.search.machine import posix


def test_signals_can_be_waited_for() -> None:
    """Waiting for a signal and for a connection at the same time would take polling."""
    with posix.caught_signals(signal.SIGTERM) as pipe:
        assert not connection.wait([pipe.fileno()], 0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert connection.wait([pipe.fileno()], 10)
        assert pipe.read() == [signal.SIGTERM]
        assert pipe.read() == []


def test_handlers_are_put_back() -> None:
    """The pipeline's own handlers would be lost."""
    before = signal.getsignal(signal.SIGTERM)
    with posix.caught_signals(signal.SIGTERM):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_process_dies_with_its_parent() -> None:
    """Workers would outlive a fork server that was killed."""
    code = (
        "import os, sys; from tuner_component.search.machine import posix\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    posix.die_with_parent()\n"
        "    print(os.getpid(), flush=True)\n"
        "import time; time.sleep(3600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    processes.wait_until_gone([child], 5)


def test_a_session_is_killed() -> None:
    """What a killed fork server leaves behind could not be found."""
    leader = subprocess.Popen(
        ["sh", "-c", "sleep 3600 & sleep 3600 & echo; wait"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert leader.stdout is not None
    leader.stdout.readline()
    family = [leader.pid, *processes.descendants(leader.pid)]
    assert len(family) == 3
    posix.kill_session(leader.pid)
    leader.wait()
    processes.wait_until_gone(family, 5)


def test_a_group_that_is_gone_can_be_killed() -> None:
    """Cleaning up would fail when there is nothing left to do."""
    done = subprocess.Popen(["true"], start_new_session=True)
    done.wait()
    posix.kill_group(done.pid)


def test_every_signal_has_a_name() -> None:
    """A worker that dies of a signal for real time would end the driver."""
    assert posix.signal_name(9) == "SIGKILL"
    assert posix.signal_name(signal.SIGRTMIN + 6) == "SIGRTMIN+6"
