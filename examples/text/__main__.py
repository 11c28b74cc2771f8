"""Writes the data and runs the search."""

from __future__ import annotations

import inspect
import random
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from examples import gallery
from examples.gallery import Run

_MODULE = Path(__file__).resolve().parent / "module.py"


def vocabulary(run: Run) -> int:
    """The size of the vocabulary, together with the model."""
    path = run.root / "docstrings.parquet"
    if not path.exists():
        _docstrings().to_parquet(path)
    return run.tune(_MODULE, [path])


def _docstrings() -> pd.DataFrame:
    """First sentences of what NumPy and pandas say of their functions."""
    rows = [
        {"text": text.partition("\n\n")[0].replace("\n", " "), "package": number}
        for number, package in enumerate((np, pd.DataFrame))
        for name in sorted(dir(package))
        if not name.startswith("_")
        and callable(member := getattr(package, name))
        and len(text := inspect.getdoc(member) or "") > 20
    ]
    random.Random(1).shuffle(rows)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.exit(gallery.main("text", {"vocabulary": vocabulary}))
