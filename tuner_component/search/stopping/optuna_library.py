"""Optuna, an optional dependency: imported when it is needed, and kept quiet.

A module of its own: the stopping rules and the oracles need it, but not each other.
"""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any


def load() -> Any:
    """Imports Optuna.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            "Expected Optuna, on which the stopping rules and OptunaOracle are built. "
            f"Received: {error}. Install it where trials run: pip install "
            "'tfx-tuner-component[optuna]'."
        ) from error
    return optuna


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silences Optuna, which would log a study that the user does not know.

    Its warnings as well: much of it has been called experimental for years.
    """
    optuna = load()
    logging = optuna.logging
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        logging.set_verbosity(verbosity)
