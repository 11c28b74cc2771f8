"""What is said where a cluster cannot be joined."""

from __future__ import annotations

import pytest

from tuner_component.search.parallel.ray.engine import refusals

_NO_CLUSTER = ConnectionError(
    "Failed to connect to Ray cluster at head:6379.\nAnd so on"
)


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        ({}, "RAY_AUTH_MODE is not 'token' here"),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "s3cret"}, "in RAY_AUTH_TOKEN."),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": "/t"}, "the one in /t."),
        ({"RAY_AUTH_MODE": "token", "HOME": "/h"}, "the one in /h/.ray/auth_token."),
    ],
)
def test_a_wrong_token_is_named(environ: dict[str, str], token: str) -> None:
    """Ray says only that it failed to connect, whatever the reason."""
    said = refusals.explain("head:6379", _NO_CLUSTER, environ)
    assert "Received: Failed to connect to Ray cluster at head:6379. " in said
    assert "asks for another token: this process shows" in said
    assert token in said
    assert "s3cret" not in said


def test_a_wrong_address_is_not_taken_for_a_token() -> None:
    """People would look for their mistake in the wrong place."""
    said = refusals.explain("head:1", ConnectionRefusedError(111, "refused"), {})
    assert "Nothing answers at that address" in said and "token" not in said


def test_memory_of_nodes_is_told_in_gib() -> None:
    """Bytes with an exponent are no help to see what a trial lacks."""
    assert refusals.amount("memory", 16 * 2**30) == "16 GiB memory"
    assert refusals.amount("TPU", 4.0) == "4 TPU"


def test_a_missing_token_is_not_told_by_a_page_of_rays() -> None:
    """What to do would be in the third of Ray's sentences."""
    error = RuntimeError("Token authentication is enabled but no authentication token.")
    said = refusals.explain("h:6379", error, {"RAY_AUTH_MODE": "token"})
    assert "Received: a process without the token" in said and "Put the" in said


def test_what_an_actor_has_raised_is_told_as_such() -> None:
    """One would read of Ray's actors, and not that a disk is full."""
    error = RuntimeError("ray::Agent.run() (pid=1)\n  File ...\nOSError: full")
    error.cause = OSError("the disk is full")  # type: ignore[attr-defined]
    assert refusals.first_line(error) == "the disk is full"
