"""Optuna's samplers by name."""

from collections.abc import Callable, Sequence
from typing import Any

from optuna import samplers

from tuner_component.oracles import names
from tuner_component.oracles.names import SAMPLERS
from tuner_component.search.goals.goals import Goals
from tuner_component.search.stopping.pruner import quiet_optuna


def make(
    name: str,
    seed: int,
    suggestion: int,
    known: Sequence[Any],
    violation: Callable[[Any], Sequence[float]] | None = None,
) -> Any:
    """Makes a sampler for one suggestion, so that a resumed search draws the same.

    Args:
        name: One of `names.SAMPLERS`.
        seed: The search's seed.
        suggestion: Number of the suggestion.
        known: Trials of Optuna's that this process did not suggest.
        violation: Optuna's constraints function, if there are constraints.

    Raises:
        ImportError: If the sampler is "gp" and PyTorch is not installed.
    """
    if name == "gp":
        _require_torch()
    with quiet_optuna():
        return _make(name, seed, suggestion, known, violation)


def _make(
    name: str, seed: int, suggestion: int, known: Sequence[Any], violation: Any
) -> Any:
    every = (seed * 1_000_003 + suggestion) % 2**32
    if name == "tpe":
        return samplers.TPESampler(
            multivariate=True,
            group=True,
            constant_liar=True,
            constraints_func=violation,
            seed=every,
        )
    if name == "gp":
        return samplers.GPSampler(constraints_func=violation, seed=every)
    # One seed for all of a search: these two continue a sequence, or a state that Optuna
    # keeps in the study.
    if name == "cmaes":
        # A resumed search has lost that state, and starts from the best trials.
        return samplers.CmaEsSampler(
            seed=seed % 2**32, source_trials=list(known) or None
        )
    if name == "qmc":
        return samplers.QMCSampler(scramble=True, seed=seed % 2**32)
    return samplers.RandomSampler(seed=every)


def check_goals(sampler: Any, goals: Goals) -> None:
    """Raises if a sampler knows neither several objectives nor constraints.

    Raises:
        ValueError: If it does not.
    """
    is_cmaes = isinstance(sampler, samplers.CmaEsSampler)
    name = "cmaes" if is_cmaes else sampler if isinstance(sampler, str) else ""
    names.check_goals(name, goals.pareto, bool(goals.constraints))


def check(sampler: Any) -> None:
    """Raises if `sampler` is neither a known name nor one of Optuna's samplers.

    Raises:
        ValueError: If it is not.
    """
    if isinstance(sampler, str) and sampler in SAMPLERS:
        return
    if isinstance(sampler, samplers.BaseSampler):
        return
    raise ValueError(
        f"Expected sampler to be one of {', '.join(SAMPLERS)}, or a sampler of Optuna's. "
        f"Received: {sampler!r}."
    )


def _require_torch() -> None:
    """Raises if the library is missing that Optuna's Gaussian process computes with."""
    try:
        __import__("torch")
    except ImportError as error:
        raise ImportError(
            "Expected the package 'torch' for the sampler 'gp'. Received: "
            f"{error}. Install it where the search runs: pip install torch; or take "
            "the sampler 'tpe'."
        ) from error
