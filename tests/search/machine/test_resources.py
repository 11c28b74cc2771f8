"""What share of the machine each worker gets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuner_component.search.machine import resources


def make_nvidia_smi(directory: Path, listing: str, status: int = 0) -> dict[str, str]:
    """An environment whose `nvidia-smi` prints `listing`."""
    tool = directory / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{listing}\nEND\nexit {status}\n")
    tool.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


def test_cpus_are_those_that_the_process_may_use(tmp_path: Path) -> None:
    """In a container, workers would start threads for all cores of the machine."""
    limit = tmp_path / "cpu.max"
    assert resources.available_cpus(str(limit)) == len(os.sched_getaffinity(0))
    limit.write_text("max 100000\n")
    assert resources.available_cpus(str(limit)) == len(os.sched_getaffinity(0))
    limit.write_text("50000 100000\n")
    assert resources.available_cpus(str(limit)) == 0.5


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("0,2", ("0", "2")),
        ("GPU-8c1b, GPU-77aa", ("GPU-8c1b", "GPU-77aa")),
        ("MIG-GPU-1/3/0", ("MIG-GPU-1/3/0",)),
        ("1,-1,0", ("1",)),  # CUDA stops at the first invalid one.
        ("", ()),
        ("-1", ()),
        ("NoDevFiles", ()),
    ],
)
def test_the_users_choice_of_gpus_holds(
    visible: str, expected: tuple[str, ...]
) -> None:
    """Trials would land on GPUs that belong to another job."""
    assert resources.available_gpus({"CUDA_VISIBLE_DEVICES": visible}) == expected


def test_gpus_are_counted_without_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that shares GPUs out would hold one itself."""
    listing = "GPU 0: NVIDIA H200 (UUID: GPU-1)\nGPU 1: NVIDIA H200 (UUID: GPU-2)"
    listing += "\n  MIG 1g.10gb Device 0: (UUID: MIG-3)"
    environ = make_nvidia_smi(tmp_path, listing)
    monkeypatch.setenv("PATH", environ["PATH"])
    assert resources.available_gpus({}) == ("0", "1")


@pytest.mark.parametrize("status", [0, 9])
def test_a_driver_that_does_not_answer_means_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A machine with a broken driver could not tune on its CPUs."""
    environ = make_nvidia_smi(tmp_path, "Failed to initialize NVML", status)
    monkeypatch.setenv("PATH", environ["PATH"])
    assert resources.available_gpus({}) == ()
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert resources.available_gpus({}) == ()


@pytest.mark.parametrize(
    ("gpus", "workers", "each", "expected"),
    [
        ("0123", 4, 1, [("0",), ("1",), ("2",), ("3",)]),
        ("0123", 2, 2, [("0", "1"), ("2", "3")]),
        ("01", 4, 0.5, [("0",), ("1",), ("0",), ("1",)]),
        ("01", 3, 0.5, [("0",), ("1",), ("0",)]),
        ("0", 3, 1 / 3, [("0",)] * 3),
        ("0", 10, 0.1, [("0",)] * 10),
        ("01", 3, 0, [()] * 3),
        ("", 3, None, [()] * 3),
        ("01", 1, None, [("0", "1")]),
        ("01", 2, None, [("0",), ("1",)]),
        ("01", 5, None, [("0",), ("1",), ("0",), ("1",), ("0",)]),
        ("01234", 2, None, [("0", "1"), ("2", "3")]),
    ],
)
def test_gpus_are_assigned_as_slots(
    gpus: str, workers: int, each: float | None, expected: list[tuple[str, ...]]
) -> None:
    """Two trials would fight for a GPU while another one idles."""
    assert resources.gpu_slots(tuple(gpus), workers, each) == expected


@pytest.mark.parametrize(
    ("gpus", "workers", "each", "capacity"),
    [("01", 3, 1, 2), ("01", 2, 2, 1), ("01", 5, 0.5, 4), ("", 1, 1, 0)],
)
def test_too_few_gpus_are_an_error(
    gpus: str, workers: int, each: float, capacity: int
) -> None:
    """Trials would silently run on the CPU, or run out of memory."""
    with pytest.raises(ValueError, match=f"enough for {capacity}") as error:
        resources.gpu_slots(tuple(gpus), workers, each)
    assert "Expected GPUs for" in str(error.value)
    assert "CUDA_VISIBLE_DEVICES" in str(error.value)


def test_threads_are_divided() -> None:
    """Four workers on eight cores would run 32 threads and slow each other down."""
    environment = resources.thread_environment(4, None, {}, cpus=8)
    assert set(environment.values()) == {"2"}
    assert {"TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"} <= set(environment)
    environment = resources.thread_environment(4, None, {}, cpus=2)
    assert set(environment.values()) == {"1"}
    environment = resources.thread_environment(4, 3, {}, cpus=8)
    assert set(environment.values()) == {"3"}


def test_the_users_thread_counts_hold() -> None:
    """Who tuned the number of threads would be overruled."""
    environment = resources.thread_environment(
        2, None, {"OMP_NUM_THREADS": "7"}, cpus=8
    )
    assert "OMP_NUM_THREADS" not in environment
    assert environment["TF_NUM_INTRAOP_THREADS"] == "4"


def test_a_worker_sees_its_gpus_only() -> None:
    """Every worker would take memory on every GPU."""
    environment = resources.gpu_environment(("2", "3"), {})
    assert environment["CUDA_VISIBLE_DEVICES"] == "2,3"
    assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    hidden = resources.gpu_environment((), {"CUDA_VISIBLE_DEVICES": "0"})
    assert hidden == {"CUDA_VISIBLE_DEVICES": "-1"}
    chosen = resources.gpu_environment(("0",), {"TF_FORCE_GPU_ALLOW_GROWTH": "false"})
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in chosen


def test_workers_get_disjoint_environments() -> None:
    """The shares of CPU and GPU would not come together in one place."""
    first, second = resources.worker_environments(
        2, 1, 1, {"CUDA_VISIBLE_DEVICES": "4,6"}
    )
    assert first["CUDA_VISIBLE_DEVICES"] == "4"
    assert second["CUDA_VISIBLE_DEVICES"] == "6"
    assert first["OMP_NUM_THREADS"] == second["OMP_NUM_THREADS"] == "1"


_COUNT_THREADS = """
import os, sys
import tensorflow as tf
os.environ.update(pair.split("=") for pair in sys.argv[1:])  # After the import.
x = tf.ones((600, 600))
tf.function(lambda x: tf.matmul(x, x))(x)
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.slow
def test_tensorflow_heeds_the_threads_after_it_was_imported() -> None:
    """A worker forked from a process with TensorFlow would take all cores."""

    def threads(count: int) -> int:
        share = resources.thread_environment(1, count, {})
        pairs = [f"{name}={value}" for name, value in share.items()]
        command = [sys.executable, "-c", _COUNT_THREADS, *pairs]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return int(done.stdout)

    # One more in each of the two pools.
    assert threads(6) - threads(2) >= 2 * 4
