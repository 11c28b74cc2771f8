"""What happens in a search, and those who are told."""

from __future__ import annotations

import logging

import pytest

from tuner_component.search import events

_TRACEBACK = "Traceback (most recent call last):\n  File\n    f()\n"
BEGUN = events.SearchStarted("/study", "loss", "min", 2, max_trials=9)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            "a worker killed by signal 9 (SIGKILL)",
            "a worker killed by signal 9 (SIGKILL)",
        ),
        (
            f"{_TRACEBACK}KeyError: 1\n\n{_TRACEBACK}ValueError: no\nmore",
            "ValueError: no",
        ),
        (
            (
                f"{_TRACEBACK}errors_impl.InvalidArgumentError: Graph execution error:\n\n"
                "Detected at node DecodeJpeg defined at (most recent call last):\n"
                '  File "shapes.py", line 20, in read\n'
                "<stack traces unavailable>\n"
                "Invalid JPEG data or crop window.\n\t [[{{node DecodeJpeg}}]]"
            ),
            "errors_impl.InvalidArgumentError: Invalid JPEG data or crop window.",
        ),
        (
            f"{_TRACEBACK}InternalError: Graph execution error:\n\n",
            "InternalError: Graph execution error:",
        ),
        ("", ""),
    ],
)
def test_cause_is_the_line_that_names_it(message: str, cause: str) -> None:
    """Failures could be neither grouped nor told in a line."""
    assert events.cause_of(message) == cause


def test_an_observer_that_fails_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A full disk under TensorBoard's files would end the search."""

    def broken(event: events.Event) -> None:
        raise OSError("no space left on device")

    told: list[events.Event] = []
    audience = events.Audience([broken, told.append])
    with caplog.at_level(logging.WARNING, "tuner_component"):
        audience(BEGUN)
        audience(BEGUN)
    assert told == [BEGUN, BEGUN]
    assert caplog.text.count("Going on without") == 1
