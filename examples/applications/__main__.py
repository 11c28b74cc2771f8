"""Writes the data and runs one of the searches."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn import datasets

from examples import gallery
from examples.gallery import Run

_MODULE = Path(__file__).resolve().parent / "module.py"


# The check before the first trial would build the first of these large models twice.
_OPTIONS = ("--skip-preflight",)


def resnet(run: Run) -> int:
    """HyperResNet, of whose space little is left."""
    return run.tune(_MODULE, [_digits(run.root)], ["--model=resnet"], _OPTIONS)


def xception(run: Run) -> int:
    """HyperXception, compiled otherwise, each trial trained twice."""
    return run.tune(_MODULE, [_digits(run.root)], ["--model=xception"], _OPTIONS)


def _digits(directory: Path) -> Path:
    given = datasets.load_digits()
    path = directory / "digits.npz"
    np.savez(path, image=given.images[:60] / 16, digit=given.target[:60])
    return path


if __name__ == "__main__":
    searches = [resnet, xception]
    sys.exit(gallery.main("applications", {one.__name__: one for one in searches}))
