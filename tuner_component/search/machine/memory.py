"""Telling whether memory ran out."""

import re

from tuner_component.search.machine import disk_space

# The names under which frameworks report it, where the last line of a traceback begins.
_ERRORS = re.compile(
    r"^(?:[\w.]*\.)?(?:MemoryError|_ArrayMemoryError|OutOfMemoryError|"
    r"ResourceExhaustedError)\b|RESOURCE_EXHAUSTED|CUDA out of memory",
    re.MULTILINE,
)


def ran_out(message: str | None) -> bool:
    """Whether the traceback of a failed trial says that memory ran out."""
    # TensorFlow calls a full disk an exhausted resource, too.
    if message is None or disk_space.is_told_in(message):
        return False
    return _ERRORS.search(message) is not None


def kills() -> int:
    """How many processes the kernel has killed for want of memory.

    Counts those of this process's control group and those of the whole machine: more
    than one count may rise, but none without a reason.
    """
    counted = _count(_read("/proc/vmstat"), "oom_kill")
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
                counted += _count(_read(f"{root}{path}/memory.events"), "oom_kill")
        elif "memory" in controllers.split(","):
            # Inside a container the path is the one outside of it.
            for inner in {path, ""}:
                text = _read(f"/sys/fs/cgroup/memory{inner}/memory.oom_control")
                counted += _count(text, "oom_kill")
    return counted


def _count(text: str, name: str) -> int:
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
