"""Comparing kept models with those trained again: the arithmetic, and that it runs."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import retraining
from benchmarks.curve_tasks import TASKS
from tests.support.project import ROOT


def test_ratios_are_to_the_kept_model_of_the_same_split() -> None:
    """A task with large losses would decide all of it."""
    one = {"kept": 1.0, "fixed": [2.0, 2.0], "early": [1.0, 0.5], "all": [0.5, 0.5]}
    other = {name: np.multiply(loss, 100) for name, loss in one.items()}
    found = retraining.summary([one, other])
    assert found["fixed"]["ratio"] == pytest.approx(2)
    assert [found[way]["worse"] for way in retraining.WAYS] == [1, 0, 0]
    assert found["early"]["best_ratio"] == pytest.approx(0.5)


def test_no_row_is_in_two_parts() -> None:
    """The test split would tell nothing that the search does not know."""
    data = retraining.split(TASKS["diabetes"], 1)
    rows = [
        {tuple(row) for row in part[0]}
        for part in (data.train, data.validation, data.test)
    ]
    assert sum(map(len, rows)) == len(set.union(*rows)) == 442
    assert [len(part) for part in rows] == [220, 89, 133]


@pytest.mark.on_demand
@pytest.mark.slow
def test_kept_model_has_its_score() -> None:
    """The benchmark would not run any more, or compare with another model."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.retraining", "--quick", "--check"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["goal_met"]
