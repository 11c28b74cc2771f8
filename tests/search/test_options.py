"""What may be said about how a search runs."""

from typing import Any

import pytest

from tuner_component.search.options import SearchOptions, StoppingOptions


def test_defaults_are_valid() -> None:
    """Each search would have to set every option."""
    assert SearchOptions().num_workers == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_workers", 0),
        ("max_retries", -1),
        ("cpus_per_trial", 0),
        ("gpus_per_trial", -0.5),
        ("gpus_per_trial", 1.5),
        ("trial_timeout_s", 0.0),
        ("time_budget_s", -1),
        ("time_budget_s", float("inf")),
        ("max_failed_trials", -1),
        ("heartbeat_timeout_s", 0),
        ("heartbeat_timeout_s", 1.5),
        ("max_trials_per_worker", 0),
        ("seed", -1),
        ("grace_period_s", -1),
        ("grace_period_s", float("nan")),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: Any) -> None:
    """A search would fail, or hang, an hour after it started."""
    with pytest.raises(ValueError, match=f"Expected {name} .* Received: "):
        SearchOptions(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_workers", 2.0),
        ("num_workers", True),
        ("time_budget_s", "60"),
        ("seed", 1.5),
        ("gpus_per_trial", "all"),
        ("max_retries", None),
    ],
)
def test_values_of_other_types_are_refused(name: str, value: Any) -> None:
    """The error would come from deep within, without the option's name."""
    with pytest.raises(TypeError, match=f"Expected {name} .* Received: "):
        SearchOptions(**{name: value})


@pytest.mark.parametrize("gpus", [0, 0.25, 1, 2, 4.0])
def test_gpus_are_whole_or_shared(gpus: float) -> None:
    """A share that makes sense would be refused."""
    assert SearchOptions(gpus_per_trial=gpus).gpus_per_trial == gpus


@pytest.mark.parametrize("value", [0, 1.5])
def test_numbers_of_a_stopping_rule_are_checked(value: float) -> None:
    """Nothing but TuneArgs would refuse them, and code can build a rule, too."""
    with pytest.raises(
        (TypeError, ValueError), match=r"Expected stopping\.patience to"
    ):
        StoppingOptions("patience", patience=value)  # type: ignore[arg-type]
