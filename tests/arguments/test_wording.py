"""Errors about arguments, in the words of who gave them."""

from __future__ import annotations

import pytest

from tuner_component.arguments import wording
from tuner_component.search.options import Cluster


@pytest.mark.parametrize(
    ("spelled", "name"),
    [(wording.keyword, "max_retries"), (wording.flag, "--max-retries")],
)
def test_field_is_called_what_the_user_calls_it(spelled: object, name: str) -> None:
    """A person who never heard of TuneArgs would look for one."""
    with (
        pytest.raises(ValueError, match=f"^Expected {name} to be 0"),
        wording.named_by(spelled),  # type: ignore[arg-type]
    ):
        raise ValueError("Expected tune_args.max_retries to be 0")


def test_other_errors_are_left_alone() -> None:
    """A subclass with more than a message would be lost, or fail to be made."""
    error = UnicodeDecodeError("utf-8", b"x", 0, 1, "tune_args.seed")
    with (
        pytest.raises(UnicodeDecodeError) as raised,
        wording.named_by(wording.flag),
    ):
        raise error
    assert raised.value is error
    with (
        pytest.raises(ValueError, match="cluster.address"),
        wording.named_by(wording.flag),
    ):
        Cluster("ray://a:1")
