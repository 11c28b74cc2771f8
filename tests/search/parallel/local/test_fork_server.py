"""The fork server's own life."""

import os
import subprocess
import sys
import textwrap
from multiprocessing import reduction
from pathlib import Path

from tests.support import limits, processes
from tests.support.project import ROOT
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel import process_context, protocol
from tuner_component.search.parallel.local import engine, launch, messages
from tuner_component.search.parallel.logs import Logs, opened


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
    processes.wait_until_gone([server], limits.END_S)


def test_it_is_there_before_it_has_imported_a_framework() -> None:
    """Where a search runs on a cluster, nobody would begin to join it for so long."""
    code = (
        "import sys, tuner_component.search.parallel.local.fork_server; "
        "print([m for m in ('keras_tuner', 'tensorflow', 'jax') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    assert done.stdout == b"[]\n"


def test_an_engine_begins_before_the_imports(tmp_path: Path) -> None:
    """To join a cluster, and to import TensorFlow, would take as long as both."""
    (tmp_path / "order.py").write_text(
        textwrap.dedent(
            f"""
            import sys

            def connect(job):
                open({str(tmp_path / "order")!r}, "a").write(f"{{'late' in sys.modules}} ")
                return lambda: None
            """
        )
    )
    (tmp_path / "late.py").write_text("")
    ours, theirs = engine.pair()
    wire, driver_end = engine.pair()
    server = launch.start_interpreter(theirs, str(tmp_path / "log"), {})
    theirs.close()
    ours.send([str(tmp_path), *sys.path])
    ours.recv()
    with opened(str(tmp_path / "study")) as logs, wire, driver_end:
        ours.send(_job(tmp_path, logs))
        reduction.send_handle(ours, driver_end.fileno(), None)
        assert ours.poll(60)  # It has done its imports, and forks the driver.
    ours.close()
    server.wait(60)
    assert (tmp_path / "order").read_text().split()[0] == "False"


def _job(tmp_path: Path, logs: Logs) -> protocol.Job:
    return protocol.Job(
        entry=protocol.EntryPoint("os:getcwd"),
        study_directory=str(tmp_path / "study"),
        fingerprint={},
        options=SearchOptions(),
        machine=None,
        context=process_context.ProcessContext.capture(),
        logs=logs,
        preload=("late",),
        engine="order:connect",
    )
