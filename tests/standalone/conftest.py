"""Scripts of a user's, run as users run them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

# A search without Keras training: fast, and enough for all but training itself.
TOY = """
import json
import os
import sys
import keras_tuner
import tuner_component

WIDTH = 1.0

class Toy(keras_tuner.Tuner):
    def run_trial(self, trial, offset=0.0):
        with open("ran", "a") as file:
            print(trial.trial_id, os.getpid(), file=file)
        x = trial.hyperparameters.Float("x", -1.0, WIDTH)
        return (x - 0.25) ** 2 + offset

def make_tuner():
    oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=5, seed=7)
    return Toy(oracle, directory="own", project_name="toy", overwrite=True)

def search(**how):
    return tuner_component.tune(
        make_tuner, {"offset": 1.0}, directory="out", seed=5, **how
    )
"""
# The best of five trials that chance draws with that seed.
PRINTED = """
print(json.dumps({
    "trials": [[t.trial_id, t.score, t.hyperparameters["x"]] for t in result.trials],
    "best": result.best_hyperparameters.values["x"],
    "tfx": "tfx" in sys.modules,
    "repr": repr(result),
    "study": result.study.status,
    "directory": result.directory,
}))
"""


@dataclasses.dataclass
class Script:
    """A script of a user's, in a directory of its own."""

    directory: Path

    def start(self, source: str, *arguments: str) -> subprocess.Popen[str]:
        """Starts it."""
        path = self.directory / "script.py"
        path.write_text(textwrap.dedent(source))
        return subprocess.Popen(
            [sys.executable, path, *arguments],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, source: str, *arguments: str) -> str:
        """Runs it to its end; returns what it printed."""
        out, err = self.start(source, *arguments).communicate()
        self.errors = err
        return out

    def result(self, source: str) -> dict[str, Any]:
        """Runs it, and reads its last line."""
        out = self.run(source)
        assert out.strip(), self.errors
        read: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return read

    @property
    def ran(self) -> list[str]:
        """The trials that ran, in their order."""
        path = self.directory / "ran"
        return [line.split()[0] for line in path.read_text().splitlines()]

    @property
    def processes(self) -> set[str]:
        """The processes that ran them."""
        path = self.directory / "ran"
        return {line.split()[1] for line in path.read_text().splitlines()}


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)
