"""Telling whether memory ran out."""

from tuner_component.search.errors import chain
from tuner_component.search.machine import disk_space, posix

# The classes of the frameworks' exceptions. Not the classes themselves: a framework that
# is not in use must not be imported. (NumPy's is a MemoryError.)
_TYPES = ("OutOfMemoryError", "ResourceExhaustedError")
# JAX, and PyTorch where a library of CUDA fails, raise one class for all kinds of errors.
_SAID = ("RESOURCE_EXHAUSTED", "CUDA out of memory")


def ran_out(error: BaseException) -> bool:
    """Whether an exception goes back to memory that had run out."""
    links = list(chain(error))
    # TensorFlow calls a full disk an exhausted resource, too.
    if any(disk_space.is_told_in(str(link)) for link in links):
        return False
    return any(map(_says_so, links))


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    names = {kind.__name__ for kind in type(error).__mro__}
    return not names.isdisjoint(_TYPES) or any(said in str(error) for said in _SAID)


def kills() -> int:
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
