"""Writes the data and runs one of the searches."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn import datasets

from examples import gallery
from examples.gallery import Run

_HERE = Path(__file__).resolve().parent


def loop(run: Run) -> int:
    """A GradientTape loop that returns a number and reports epochs; ASHA stops trials."""
    options = ["--stopping", '{"rule": "ASHA", "grace_epochs": 2}']
    flags = ["--epochs=6", "--trials=5"]
    return run.tune(_HERE / "loop.py", [_diabetes(run.root)], flags, options)


def legacy(run: Run) -> int:
    """A model of tf_keras (Keras 2) in a run_trial of its own."""
    return run.tune(_HERE / "legacy.py", [_diabetes(run.root)])


def gan(run: Run) -> int:
    """A generative adversarial network with two optimizers."""
    given = datasets.load_digits()
    path = run.root / "digits.npz"
    np.savez(path, image=given.data[:600] / 16, digit=given.target[:600])
    return run.tune(_HERE / "gan.py", [path])


def _diabetes(directory: Path) -> Path:
    path = directory / "diabetes.csv"
    datasets.load_diabetes(as_frame=True).frame.to_csv(path, index=False)
    return path


if __name__ == "__main__":
    searches = [loop, legacy, gan]
    sys.exit(gallery.main("custom_loop", {one.__name__: one for one in searches}))
