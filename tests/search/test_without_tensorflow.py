"""The search on JAX and on PyTorch, where neither TFX nor TensorFlow is installed.

PyTorch takes gigabytes: `TEST_TORCH=1` asks for it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import environments
from tests.support.project import ROOT

pytestmark = pytest.mark.slow

BACKENDS = {"jax": "jax[cpu]", "torch": "torch"}
# What KerasTuner needs without TensorFlow, and what tests need.
REQUIREMENTS = [
    *("keras", "keras-tuner==1.4.8", "msgspec", "six"),
    *("cloudpickle", "pytest"),
    # What a search from a script needs, to show and to write what it found.
    *("jinja2", "numpy", "pandas", "plotly>=6", "protobuf<7", "rich", "tensorboard"),
]
# What depends on the backend: seeds, the state of a training, and both in workers.
TRAINING = [
    "tests/search/training/test_seeding.py",
    "tests/search/epoch_state/test_training_state.py",
    "tests/search/chaos/test_killed_workers.py",
    "tests/standalone/test_result.py",
]


class Backend(NamedTuple):
    """An environment with a backend of Keras."""

    name: str
    python: Path

    def run(self, *arguments: str) -> str:
        """Runs its interpreter; returns what it printed."""
        # Its pytest, where it is one, is none of this one's.
        environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        environ |= {
            "KERAS_BACKEND": self.name,
            "JAX_PLATFORMS": "cpu",
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [self.python, *arguments],
            check=False,
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Made on the first run, which needs a package index."""
    name: str = request.param
    if name == "torch" and not os.environ.get("TEST_TORCH"):
        pytest.skip("PyTorch takes gigabytes: ask with TEST_TORCH=1")
    return Backend(
        name, environments.interpreter(name, [BACKENDS[name], *REQUIREMENTS])
    )


def test_all_of_the_search_can_be_imported(backend: Backend) -> None:
    """A machine with JAX or PyTorch only could not run a worker.

    What talks to Ray needs the extra [ray], and only the process that does imports it.
    """
    code = """
import importlib, importlib.util, pkgutil
import tuner_component.search as search
for name in ("tensorflow", "tfx"):
    assert importlib.util.find_spec(name) is None, name
assert importlib.util.find_spec("ray") is None
for module in pkgutil.walk_packages(search.__path__, search.__name__ + "."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        assert error.name == "ray" and ".parallel.ray." in module.name, error
"""
    backend.run("-c", code)


def test_trials_train_as_on_tensorflow(backend: Backend) -> None:
    """Seeds, checkpoints or workers would need TensorFlow."""
    output = backend.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *TRAINING)
    assert " passed" in output


@pytest.mark.on_demand
def test_several_processes_train_a_model() -> None:
    """Models that are too large for one process could not be tuned at all."""
    requirements = [BACKENDS["jax"], "ray[default]==2.60.0", *REQUIREMENTS]
    backend = Backend("jax", environments.interpreter("jax-ray", requirements))
    tests = "tests/search/parallel/ray/test_gang_on_jax.py"
    output = backend.run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "on_demand", tests)
    )
    assert "3 passed" in output
