"""What only a machine with a GPU can show. Skipped elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tuner_component.search.machine import resources

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not resources.available_gpus(os.environ), reason="needs a GPU"),
]

# Computes on the GPU, says where, and holds on to its memory until told to end.
_LOOK = """
import json
import tensorflow as tf
gpus = tf.config.list_physical_devices("GPU")
with tf.device("/GPU:0" if gpus else "/CPU:0"):
    device = tf.matmul(tf.ones((8, 8)), tf.ones((8, 8))).device
print(json.dumps({"gpus": len(gpus), "device": device}), flush=True)
input()
"""


def look(environments: list[dict[str, str]]) -> list[dict[str, Any]]:
    """What TensorFlow sees in processes that live at the same time."""
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _LOOK],
                    env={**os.environ, **environment},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for environment in environments
        ]
        lines = [process.stdout.readline() for process in processes if process.stdout]
        for process in processes:
            process.communicate("\n")
        return [json.loads(line) for line in lines]


def test_two_workers_share_one_gpu() -> None:
    """The second worker on a GPU would find its memory taken."""
    first = resources.available_gpus(os.environ)[0]
    one_gpu = {**os.environ, "CUDA_VISIBLE_DEVICES": first}
    for seen in look(resources.worker_environments(2, None, 0.5, one_gpu)):
        assert seen["gpus"] == 1
        assert "GPU:0" in seen["device"]


def test_the_driver_sees_no_gpu() -> None:
    """The driver would hold memory that a trial needs."""
    (seen,) = look([resources.gpu_environment((), os.environ)])
    assert seen["gpus"] == 0


def test_counting_gpus_does_not_touch_them() -> None:
    """The process that shares GPUs out would itself appear on one."""
    code = (
        "import os; from tuner_component.search.machine import resources as r;"
        "print(r.available_gpus({k: v for k, v in os.environ.items()"
        " if k != 'CUDA_VISIBLE_DEVICES'}));"
        "maps = open('/proc/self/maps').read(); assert 'libcuda' not in maps"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() != "()"
