"""Writes the data and runs one of the searches."""

from __future__ import annotations

import sys
from pathlib import Path

from sklearn import datasets

from examples import gallery
from examples.gallery import Run

_MODULE = Path(__file__).resolve().parent / "module.py"


def boosting(run: Run) -> int:
    """Gradient boosting."""
    return run.tune(_MODULE, [_tumours(run.root)], flags=["--model=boosting"])


def forest(run: Run) -> int:
    """A forest."""
    return run.tune(_MODULE, [_tumours(run.root)], flags=["--model=forest"])


def _tumours(directory: Path) -> Path:
    path = directory / "tumours.csv"
    given = datasets.load_breast_cancer(as_frame=True)
    table = given.data.assign(diagnosis=given.target_names[given.target])
    table.to_csv(path, index=False)
    return path


if __name__ == "__main__":
    searches = [boosting, forest]
    sys.exit(gallery.main("sklearn", {one.__name__: one for one in searches}))
