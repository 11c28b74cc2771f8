"""Who holds a study, told to whoever finds it held."""

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from typing import Any


def describe_owner() -> dict[str, Any]:
    """This process: its host, process id, start of its hold, and process namespace."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "namespace": _namespace(),
    }


def is_dead(owner: Mapping[str, Any]) -> bool:
    """Whether an owner is known to be gone; False where that cannot be seen from here.

    Process ids mean something only within one process namespace of one boot: elsewhere
    the same number is another process.
    """
    pid = owner.get("pid")
    if not is_here(owner) or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def is_here(owner: Mapping[str, Any]) -> bool:
    """Whether an owner's process, alive or dead, can be seen from here."""
    return bool(owner.get("namespace") == _namespace())


def locked_message(directory: str, owner: Mapping[str, Any]) -> str:
    """What to tell a user whose study somebody else holds."""
    told = [f"{key} {owner[key]}" for key in ("host", "pid", "since") if key in owner]
    return (
        f"Expected to be the only search on the study {directory}. Received: it is held "
        f"by another ({', '.join(told) or 'unknown'}). Wait for that search to end, or "
        "stop it; then run this one again."
    )


def _namespace() -> str:
    parts = []
    with contextlib.suppress(OSError):
        with open("/proc/sys/kernel/random/boot_id") as file:
            parts.append(file.read().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts) if len(parts) == 2 else f"unknown {socket.gethostname()}"
