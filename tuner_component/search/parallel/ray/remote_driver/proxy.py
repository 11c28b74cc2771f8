"""Stands in for the fork server where the driver runs on a node of the cluster.

A process of its own beside the executor, since Ray ends a process that has lost its
cluster. To the executor it says what a fork server would. It asks the cluster for a place
for the driver, has `host` start it there, and passes on what driver and executor
say to each other.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Mapping
from multiprocessing import connection
from typing import Any, NoReturn

from tuner_component.search import errors
from tuner_component.search.machine import handles, posix
from tuner_component.search.parallel.local.messages import Alive, DriverExited, Unfit
from tuner_component.search.parallel.local.server_process import (
    ServerProcess,
    start_module,
)
from tuner_component.search.parallel.ray.remote_driver.wire import DriverWire

_log = logging.getLogger(__name__)


def start(
    control: connection.Connection, log: str, environment: Mapping[str, str]
) -> ServerProcess:
    """Starts this process, in place of a fork server."""
    return start_module(__name__, control, log, environment)


def main(control: connection.Connection) -> NoReturn:
    """Serves one search, and exits.

    Args:
        control: Connection to the executor; the same is said as by a fork server.
    """
    posix.die_with_parent()
    logging.basicConfig(level=logging.INFO)
    try:
        control.send(Alive())
        job = control.recv()
        wire = DriverWire(connection.Connection(handles.receive(control)))
    except (EOFError, OSError):
        os._exit(1)
    # See `broker_process`: Ray would take three seconds longer to import.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from tuner_component.search.parallel.ray.remote_driver.place import DriverPlace

    place = DriverPlace(job, control, wire)
    word: Any
    try:
        word = place.serve()
    except Exception as error:  # noqa: BLE001
        _log.exception("There is no driver.")
        word = errors.portable(error, "the connection to the driver's node")
    if isinstance(word, (Unfit, DriverExited)):
        wire.drained()
        with contextlib.suppress(OSError):
            control.send(word)
    elif word is not None:
        wire.end_with(word)
    place.close()
    # Not by way of Ray's own end, which waits for a cluster that may be gone.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
