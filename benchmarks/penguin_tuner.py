"""The user module of `benchmarks.penguin_search`."""

from typing import Any

from examples.penguin import penguin_module


def tuner_fn(fn_args: Any) -> Any:
    """The example's tuner, with as many trials as the benchmark wants."""
    result = penguin_module.tuner_fn(fn_args)
    result.tuner.oracle.max_trials = fn_args.custom_config["trials"]
    return result
