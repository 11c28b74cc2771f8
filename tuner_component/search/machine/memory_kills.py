"""Telling whether the kernel has ended processes because memory ran out.

It needs nothing of KerasTuner's, for a process that has not imported it yet.
"""

from tuner_component.search.machine import posix


def count() -> int:
    """How many processes the kernel has killed because memory had run out.

    Counts those of this process's control group and those of the whole machine: more
    than one count may rise, but none without a reason.
    """
    counted = _count(posix.read_if_there("/proc/vmstat"), "oom_kill")
    for line in posix.read_if_there("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
                counted += _count(
                    posix.read_if_there(f"{root}{path}/memory.events"), "oom_kill"
                )
        elif "memory" in controllers.split(","):
            # Inside a container the path is the one outside of it.
            for inner in {path, ""}:
                text = posix.read_if_there(
                    f"/sys/fs/cgroup/memory{inner}/memory.oom_control"
                )
                counted += _count(text, "oom_kill")
    return counted


def _count(text: str, name: str) -> int:
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
