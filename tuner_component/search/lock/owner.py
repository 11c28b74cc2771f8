"""Who holds a study: how a process describes itself, and whether it is still there."""

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

# States of a process that has ended and that its parent has not asked for yet.
_ENDED = ("Z", "X")


def describe() -> dict[str, Any]:
    """This process: host, process id, its start, start of its hold, and namespace."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
        "since": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "namespace": _namespace(),
    }


def is_here(owner: Mapping[str, Any]) -> bool:
    """Whether an owner's process, alive or dead, can be seen from here.

    Process ids mean something only within one process namespace of one boot: elsewhere
    the same number is another process.
    """
    here = _namespace()
    return here is not None and owner.get("namespace") == here


def is_dead(owner: Mapping[str, Any]) -> bool:
    """Whether an owner is known to be gone; False where that cannot be seen from here."""
    pid = owner.get("pid")
    if not is_here(owner) or not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    started, known = _started(pid), owner.get("started")
    if started == "":
        return True  # It has ended, and only its parent has not noticed.
    # The number may have been given to another process since.
    return isinstance(known, str) and started is not None and started != known


def locked_message(directory: str, owner: Mapping[str, Any]) -> str:
    """What to tell a user whose study another search holds."""
    return (
        f"Expected to be the only search on the study {directory}. Received: it is held "
        f"by another ({name(owner)}). Wait for that search to end, or stop it; then run "
        "this one again."
    )


def name(owner: Mapping[str, Any]) -> str:
    """An owner in words, for a message."""
    told = [f"{key} {owner[key]}" for key in ("host", "pid", "since") if key in owner]
    return ", ".join(told) or "unknown"


def _started(pid: int) -> str | None:
    """When a process was started, in ticks since boot.

    Returns:
        "" for one that has ended, None where that cannot be told.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name of the program, in brackets, may itself hold spaces and brackets.
            fields = file.read().rpartition(b")")[2].decode().split()
        return "" if fields[0] in _ENDED else fields[19]
    except (OSError, IndexError, UnicodeDecodeError):
        return None


def _namespace() -> str | None:
    """Where process ids are those that this process knows; None if it cannot be told."""
    with contextlib.suppress(OSError):
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return None
