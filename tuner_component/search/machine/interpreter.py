"""Another interpreter, beside this one, for what must not happen in this process."""

import subprocess
from collections.abc import Mapping
from multiprocessing import connection, spawn
from typing import IO

# It starts with the module search path of this process, and must not import this
# process's main script.
_BOOTSTRAP = (
    "import sys; from multiprocessing.connection import Connection; "
    "control = Connection(int(sys.argv[1])); sys.path[:] = control.recv(); "
    "from importlib import import_module; import_module(sys.argv[2]).main(control)"
)


def start(
    module: str,
    control: connection.Connection,
    output: int | IO[bytes],
    environment: Mapping[str, str],
) -> "subprocess.Popen[bytes]":
    """Starts what a module's `main` does with a connection, in a session of its own.

    Args:
        module: Its name.
        control: The new process's end of its connection; stays open here. The first thing
            that it expects to hear is this process's `sys.path`.
        output: Where what it prints goes, as `subprocess` has it.
        environment: All its variables.
    """
    return subprocess.Popen(
        [
            spawn.get_executable(),
            *subprocess._args_from_interpreter_flags(),  # type: ignore[attr-defined]
            "-c",
            _BOOTSTRAP,
            str(control.fileno()),
            module,
        ],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=dict(environment),
        pass_fds=[control.fileno()],
        start_new_session=True,
    )
