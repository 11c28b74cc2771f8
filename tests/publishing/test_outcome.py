"""What the log says of how a search ended."""

from __future__ import annotations

import dataclasses
import logging

import pytest

from tuner_component.publishing.outcome import log_outcome
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.study.study import StudyState

RESULT = SearchResult(
    completed=[{}, {}],
    failed=[],
    unfinished=0,
    objective="val_loss",
    direction="min",
    seed=1,
    found=StudyState.NEW,
    complete=True,
)


def test_the_log_says_why_there_are_fewer_trials(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In process nothing else tells, and 43 of 100 trials would look like a loss."""
    ended = dataclasses.replace(RESULT, ended_because="Ended after 2 of 9 trials.")
    with caplog.at_level(logging.INFO, logger="tuner_component"):
        log_outcome(RESULT, "study")
        log_outcome(ended, "study")
    over = "The search is over: 2 trials completed, 0 failed."
    assert caplog.messages == [over, f"{over} Ended after 2 of 9 trials."]


def test_one_trial_is_one(caplog: pytest.LogCaptureFixture) -> None:
    """The last line of a search would be wrong."""
    with caplog.at_level(logging.INFO, logger="tuner_component"):
        log_outcome(dataclasses.replace(RESULT, completed=[{}]), "study")
    assert caplog.messages == ["The search is over: 1 trial completed, 0 failed."]
