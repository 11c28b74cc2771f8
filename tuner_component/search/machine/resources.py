"""What share of the machine each worker gets: CPU threads, and GPUs as slots.

Everything here computes environment variables, which a worker sets before its framework
starts. Nothing asks CUDA: the process that hands out a GPU must never hold it.
"""

import dataclasses
import math
import os
import re
import subprocess
from collections.abc import Container, Mapping, Sequence

# What the numeric libraries beneath the frameworks ask for their number of threads.
_THREAD_VARIABLES = (
    "TF_NUM_INTRAOP_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NPROC",  # XLA on a CPU: JAX.
)

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_HIDDEN = "-1"

_CGROUP_LIMIT = "/sys/fs/cgroup/cpu.max"


def available_cpus(cgroup_limit: str = _CGROUP_LIMIT) -> float:
    """Returns how many CPU cores this process may use.

    Not `os.cpu_count`, which counts the machine's: a container or a batch system allows
    less, by affinity or by a quota of the control group.

    Args:
        cgroup_limit: The file with the quota; need not exist.
    """
    cpus = float(len(os.sched_getaffinity(0)))
    try:
        with open(cgroup_limit, encoding="ascii") as file:
            quota, period = file.read().split()
    except (OSError, ValueError):
        return cpus
    return cpus if quota == "max" else min(cpus, int(quota) / int(period))


def available_gpus(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the names of the GPUs to share out, as `CUDA_VISIBLE_DEVICES` takes them.

    If the user made some visible, these are all there are: indices or UUIDs. Otherwise
    NVIDIA's own tool counts them.

    Args:
        environ: The environment of the process that starts the search.
    """
    if _VISIBLE in environ:
        return _named(environ[_VISIBLE])
    try:
        listing = subprocess.run(
            ["nvidia-smi", "--list-gpus"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()  # No driver of NVIDIA's, or none that answers.
    count = len(re.findall(r"^GPU \d+:", listing, re.MULTILINE))
    return tuple(str(index) for index in range(count))


def gpu_slots(
    gpus: Sequence[str], num_workers: int, gpus_per_trial: float | None
) -> list[tuple[str, ...]]:
    """Assigns GPUs to workers.

    Args:
        gpus: Names of the GPUs.
        num_workers: How many workers run at the same time.
        gpus_per_trial: GPUs for each: a whole number, or a fraction of one, which lets
            several workers share a GPU. None shares all of them out equally.

    Returns:
        The GPUs of each worker, by its slot.

    Raises:
        ValueError: There are not enough GPUs for that.
    """
    if gpus_per_trial is None:
        return _equal_slots(gpus, num_workers)
    if gpus_per_trial == 0:
        return [()] * num_workers
    if gpus_per_trial < 1:
        # 1e-9: three thirds of a GPU are one GPU, whatever their floats add up to.
        capacity = len(gpus) * math.floor(1 / gpus_per_trial + 1e-9)
        _check_capacity(gpus, num_workers, gpus_per_trial, capacity)
        return [(gpus[slot % len(gpus)],) for slot in range(num_workers)]
    count = int(gpus_per_trial)
    _check_capacity(gpus, num_workers, gpus_per_trial, len(gpus) // count)
    return [
        tuple(gpus[slot * count : (slot + 1) * count]) for slot in range(num_workers)
    ]


def thread_environment(
    num_workers: int,
    cpus_per_trial: float | None,
    environ: Container[str],
    cpus: float | None = None,
) -> dict[str, str]:
    """Returns the variables that give each worker its share of the CPU threads.

    The same for all workers. Some libraries read them when they are loaded, so they
    must be set in the process that loads the libraries for the workers.

    Args:
        num_workers: How many workers run at the same time.
        cpus_per_trial: Cores for each; None shares the available ones out equally.
        environ: The environment so far; a variable that the user set there is left
            alone.
        cpus: Available cores; None finds out.
    """
    if cpus_per_trial is None:
        cpus_per_trial = (available_cpus() if cpus is None else cpus) / num_workers
    threads = str(max(1, math.floor(cpus_per_trial + 1e-9)))
    variables = dict.fromkeys(_THREAD_VARIABLES, threads)
    # Operations that run side by side; each has the threads above, so few are enough.
    variables["TF_NUM_INTEROP_THREADS"] = threads
    return {name: value for name, value in variables.items() if name not in environ}


def gpu_environment(gpus: Sequence[str], environ: Container[str]) -> dict[str, str]:
    """Returns the variables that show a worker its GPUs, and no others.

    Args:
        gpus: The worker's GPUs; none hides all of them, as in the driver.
        environ: The environment so far; how memory is taken is left as the user set it
            there.
    """
    if not gpus:
        return {_VISIBLE: _HIDDEN}
    growth = {
        # By default a framework takes all memory of a GPU, which leaves none for the
        # other trials on it, and none for the next worker while this one ends.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    return {
        _VISIBLE: ",".join(gpus),
        **{name: value for name, value in growth.items() if name not in environ},
    }


def worker_environments(
    num_workers: int,
    cpus_per_trial: float | None,
    gpus_per_trial: float | None,
    environ: Mapping[str, str],
) -> list[dict[str, str]]:
    """Returns the variables to set in each worker, by its slot.

    Args:
        num_workers: How many workers run at the same time.
        cpus_per_trial: Cores for each; None shares them out equally.
        gpus_per_trial: GPUs for each; None shares them out equally.
        environ: The environment of the process that starts the search.

    Raises:
        ValueError: There are not enough GPUs for that.
    """
    return Machine.of(environ).shares(num_workers, cpus_per_trial, gpus_per_trial)


@dataclasses.dataclass(frozen=True)
class Machine:
    """What there is to share out, as the process sees it that starts the search.

    Attributes:
        cpus: Cores.
        gpus: Names of the GPUs.
        given: The variables that the user has set, which are left alone.
    """

    cpus: float
    gpus: tuple[str, ...]
    given: frozenset[str]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Machine":
        """This machine, as a process of that environment sees it."""
        return cls(available_cpus(), available_gpus(environ), frozenset(environ))

    def shares(
        self,
        num_workers: int,
        cpus_per_trial: float | None,
        gpus_per_trial: float | None,
    ) -> list[dict[str, str]]:
        """The variables to set in each worker: see `worker_environments`."""
        threads = thread_environment(num_workers, cpus_per_trial, self.given, self.cpus)
        slots = gpu_slots(self.gpus, num_workers, gpus_per_trial)
        return [{**threads, **gpu_environment(gpus, self.given)} for gpus in slots]


def _named(visible: str) -> tuple[str, ...]:
    """The devices that CUDA would take from the variable: those before an invalid one."""
    names = []
    for name in (part.strip() for part in visible.split(",")):
        if not re.fullmatch(r"\d+|(GPU|MIG)-\S+", name):
            break
        names.append(name)
    return tuple(names)


def _equal_slots(gpus: Sequence[str], num_workers: int) -> list[tuple[str, ...]]:
    if not gpus:
        return [()] * num_workers
    if num_workers >= len(gpus):
        return [(gpus[slot % len(gpus)],) for slot in range(num_workers)]
    share = len(gpus) // num_workers
    return [
        tuple(gpus[slot * share : (slot + 1) * share]) for slot in range(num_workers)
    ]


def _check_capacity(
    gpus: Sequence[str], num_workers: int, gpus_per_trial: float, capacity: int
) -> None:
    if num_workers > capacity:
        raise ValueError(
            f"Expected GPUs for {num_workers} trials at a time, {gpus_per_trial:g} "
            f"each. Received: {len(gpus)} GPUs ({', '.join(gpus) or 'none found'}), "
            f"which are enough for {capacity}. Lower the number of parallel trials or "
            "the GPUs per trial, or make more GPUs visible (CUDA_VISIBLE_DEVICES)."
        )
