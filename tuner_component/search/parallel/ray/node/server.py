"""The fork server of a node, whatever it serves there: how it begins and ends."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import connection

from tuner_component.search.machine import output, posix
from tuner_component.search.parallel.local.engine import pair
from tuner_component.search.parallel.local.server_process import start_interpreter

# It imports the heavy modules in this time, or never. Afterwards it hangs if it is silent
# for so long.
IMPORTS_S = 1800.0
SILENCE_S = 60.0
_CLEAN_UP_S = 10.0


class ServerLostError(Exception):
    """There is no fork server on the node; the message says why, for people."""


@contextlib.contextmanager
def started(
    log: str, environment: Mapping[str, str], path: Sequence[str]
) -> Iterator[tuple[int, connection.Connection]]:
    """A fork server, which ends with the context and takes all that it forked along.

    Args:
        log: File for what it prints.
        environment: Variables to set for it, beside those of this process.
        path: Its module search path.

    Yields:
        Its process, and the connection to it, over which it waits for what to serve.

    Raises:
        ServerLostError: If it does not start.
    """
    control, theirs = pair()
    with control, theirs:
        try:
            server = start_interpreter(theirs, log, environment)
        except OSError as error:
            raise ServerLostError(
                f"its fork server could not be started, {error}"
            ) from error
        theirs.close()
        try:
            _begin(control, path, log)
            yield server.pid, control
        finally:
            control.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(_CLEAN_UP_S)
            posix.kill_session(server.pid)
            server.wait()


def _begin(control: connection.Connection, path: Sequence[str], log: str) -> None:
    try:
        control.send([*path])
        control.recv()  # From now on it ends with this process.
    except (EOFError, OSError) as error:
        said = (output.tail(log).splitlines() or ["nothing"])[-1]
        raise ServerLostError(
            f"its fork server ended before it began, and said: {said}"
        ) from error
