"""Writes the data, runs one of the searches, and trains with what it found."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pandas as pd
from sklearn import datasets

from examples import gallery
from examples.gallery import Run

_HERE = Path(__file__).resolve().parent
_SEARCHES = {
    "number": "A run_trial that returns a number.",
    "dictionary": "A run_trial that returns several metrics.",
    "history": "A run_trial that returns a History.",
    "list": "A run_trial that returns the results of several runs.",
    "black_box": "No model at all: a function of two numbers.",
}


def search(name: str, run: Run) -> int:
    """Searches, and then runs the same workflow with the best hyperparameters."""
    wines = datasets.load_wine(as_frame=True).frame
    mixed = wines.sample(frac=1.0, random_state=0)
    path = run.root / "wine.parquet"
    if not path.exists():
        mixed.to_parquet(path)
    status = run.tune(_HERE / "module.py", [path], flags=[f"--returns={name}"])
    if status == 0 and name != "black_box":
        _train(run, mixed)
    return status


def _train(run: Run, wines: pd.DataFrame) -> None:
    from examples.end_to_end.workflow import Workflow
    from tuner_component import load_best_hyperparameters

    columns = [name for name in wines.columns if name != "target"]
    x, y = wines[columns].to_numpy(), wines["target"].to_numpy()
    flow = Workflow(x[60:], y[60:], (x[:60], y[:60]))
    best = load_best_hyperparameters(str(run.root / "search" / "best_hyperparameters"))
    model = flow.run(best).model
    model.save(run.root / "model.keras")
    print(f"Trained by the same code: {run.root / 'model.keras'}")


def _named(name: str, told: str) -> gallery.Search:
    function = functools.partial(search, name)
    function.__doc__ = told
    return function


if __name__ == "__main__":
    searches = {name: _named(name, told) for name, told in _SEARCHES.items()}
    sys.exit(gallery.main("end_to_end", searches))
