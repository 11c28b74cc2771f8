"""The fork server's own life."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support import processes
from tests.support.project import ROOT
from tuner_component.search.parallel.local import engine, launch, messages


def test_it_is_out_of_reach_of_the_terminal(tmp_path: Path) -> None:
    """Ctrl-C would kill workers that the search gives time to finish."""
    ours, theirs = engine.pair()
    server = launch.start_interpreter(theirs, str(tmp_path / "log"), {})
    theirs.close()
    ours.send(sys.path)
    assert isinstance(ours.recv(), messages.Alive)
    assert os.getsid(server.pid) == server.pid != os.getsid(0)
    ours.close()
    assert server.wait(10) == 1


def test_it_gets_what_it_should_have_in_its_environment(tmp_path: Path) -> None:
    """Numeric libraries would take all cores for each worker."""
    ours, theirs = engine.pair()
    server = launch.start_interpreter(theirs, str(tmp_path / "log"), {"THREADS": "7"})
    theirs.close()
    environment = Path(f"/proc/{server.pid}/environ")
    ours.send(sys.path)
    ours.recv()
    assert b"THREADS=7\0" in environment.read_bytes()
    ours.close()
    server.wait(10)


def test_it_ends_with_its_executor_while_it_imports(tmp_path: Path) -> None:
    """A killed pipeline would leave a process that imports for a minute."""
    (tmp_path / "slow_import.py").write_text(
        textwrap.dedent(
            f"""
            import os, time
            with open({str(tmp_path / "fifo")!r}, "w") as file:
                file.write(str(os.getpid()))
            time.sleep(3600)
            """
        )
    )
    os.mkfifo(tmp_path / "fifo")
    code = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(tmp_path)!r}]
from tuner_component.search.parallel.local import messages, launch
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.protocol import EntryPoint
launch.run_parallel(
    EntryPoint("os:getcwd"), {str(tmp_path / "study")!r}, {{}}, SearchOptions(),
    ["slow_import"],
)
"""
    executor = subprocess.Popen([sys.executable, "-c", code])
    server = int((tmp_path / "fifo").read_text())
    executor.kill()
    executor.wait()
    processes.wait_until_gone([server], 3)
