"""How an actor of a search begins and ends on its node, whatever it does there."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing import connection

from tuner_component.search.errors import StorageError
from tuner_component.search.parallel.ray import shipping
from tuner_component.search.parallel.ray.messages import (
    Code,
    CodeWanted,
    NodeUnfit,
    Setup,
    StudySeen,
)
from tuner_component.search.parallel.ray.node import node_check

# From the end of its work until its process ends by itself.
_LEAVE_S = 5.0


def begin(
    link: connection.Connection,
    code: str,
    call: Callable[[CodeWanted], connection.Connection],
) -> tuple[Setup, list[str]] | None:
    """Makes this process ready for a search, if its node can be used.

    Args:
        link: Connection to the process that has started the actor.
        code: Directory for code that this node does not have; it need not exist.
        call: Makes another connection, to one who has that code: over the first one, no
            other node would be heard meanwhile.

    Returns:
        What that process has told, and the module search path here; None if the node is
        unfit, which it was told.

    Raises:
        OSError: If it is gone; EOFError, too.
    """
    setup: Setup = link.recv()
    reason = _unfit(setup, link)
    if reason:
        link.send(NodeUnfit(reason))
        return None
    path = _module_path(setup, call, code)
    os.environ.update(setup.environment)
    with contextlib.suppress(OSError):
        os.chdir(setup.directory)
    return setup, path


def end() -> None:
    """Has this process end, if Ray does not end it.

    Ray does when it hears that the search has ended. If its head is gone, it does not hear
    that.
    """
    leave = threading.Timer(_LEAVE_S, os._exit, (0,))
    leave.daemon = True
    leave.start()


def _unfit(setup: Setup, link: connection.Connection) -> str:
    """Why this node cannot be used; "" if it can."""
    differs = node_check.difference(setup.versions, node_check.versions())
    if differs:
        return f"it has {differs}"
    unseen = node_check.unseen(setup.reads)
    if unseen:
        return f"it does not see {', '.join(unseen)}"
    try:
        name = node_check.leave_token(setup.study_directory, setup.token)
    except StorageError as error:
        return f"it cannot write into the study {setup.study_directory}: {error}"
    link.send(StudySeen(name))
    return ""


def _module_path(
    setup: Setup,
    call: Callable[[CodeWanted], connection.Connection],
    target: str,
) -> list[str]:
    """The module search path of what is started here."""
    lacking = shipping.lacking(setup.user_path, setup.sources)
    places: dict[str, str] = {}
    if lacking:
        with call(CodeWanted(lacking)) as channel:
            code: Code = channel.recv()
        places = shipping.unpack(code.archives, target)
    shipped = (places.get(entry, entry) for entry in setup.user_path)
    return list(dict.fromkeys((*shipped, *sys.path)))
