"""The search on JAX, where neither TFX nor TensorFlow is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
# The backend, what KerasTuner needs without TensorFlow, and what tests need.
REQUIREMENTS = [
    *["jax[cpu]", "keras", "keras-tuner==1.4.8", "six"],
    *["cloudpickle", "pytest"],
]


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter with JAX; made on the first run, which needs a package index."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    venv = PROJECT / f".venv-jax-{version}"
    complete, wanted = venv / "complete", "\n".join(REQUIREMENTS)
    if not complete.exists() or complete.read_text() != wanted:
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *REQUIREMENTS], check=True)
        complete.write_text(wanted)
    return venv / "bin" / "python"


def run(python: Path, *arguments: str) -> str:
    # Its pytest, where it is one, is none of this one's.
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environ |= {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(PROJECT),
    }
    done = subprocess.run(
        [python, *arguments],
        check=False,
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_all_of_the_search_can_be_imported(python: Path) -> None:
    """A machine with JAX or PyTorch only could not run a worker."""
    code = """
import importlib, importlib.util, pkgutil
import tuner_component.search as search
for name in ("tensorflow", "tfx"):
    assert importlib.util.find_spec(name) is None, name
for module in pkgutil.walk_packages(search.__path__, search.__name__ + "."):
    importlib.import_module(module.name)
"""
    run(python, "-c", code)


def test_a_killed_search_goes_on(python: Path, tmp_path: Path) -> None:
    """Studies, seeds or checkpoints would need TensorFlow."""
    module = "tests.search.killed_searches"
    output = run(python, "-m", module, "executions", str(tmp_path), "3", "4")
    found = json.loads(output.splitlines()[-1])
    assert len(found["scores"]) == 2
    # Of 2 trials, 2 executions and 4 epochs each: what was not trained before.
    assert len(found["epochs"]) == 16 - (3 + 4) + 2


def test_seeds_hold_for_jax(python: Path) -> None:
    """A search on another backend could not be repeated."""
    paths = ["tests/search/test_seeding.py", "tests/search/test_training_state.py"]
    output = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths)
    assert " passed" in output
