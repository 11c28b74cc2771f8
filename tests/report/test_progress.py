"""How much longer a search will run."""

from __future__ import annotations

import pytest

from tests.support import studies
from tuner_component.report.progress import seconds_left

BEGAN = studies.BEGAN


def test_trials_are_shared_among_those_that_run() -> None:
    """With eight workers a search would seem to take eight times as long."""
    ended = [r for i in "01" for r in (studies.created(i), studies.ended(i))]
    running = [studies.created(i, time=BEGAN) for i in "23"]
    study = studies.study(*ended, *running, status="running")
    # 18 of 20 trials of 60 s, two at a time; both have run for 30 s.
    assert seconds_left(study, BEGAN + 30) == pytest.approx((18 * 60 - 60) / 2)
    # One that takes longer than others is as good as done.
    assert seconds_left(study, BEGAN + 9999) == pytest.approx((18 * 60 - 120) / 2)


@pytest.mark.parametrize("records", [[], ["running"], ["ended"]])
def test_what_is_not_known_is_not_told(records: list[str]) -> None:
    """A search that has just begun, or has stopped, would promise an end."""
    told = []
    if "running" in records:
        told = [studies.created("0")]
    if "ended" in records:
        told = [studies.created("0"), studies.ended("0")]
    assert seconds_left(studies.study(*told, status="running"), BEGAN) is None
    done = [studies.created("0"), studies.ended("0"), studies.created("1")]
    assert seconds_left(studies.study(*done), BEGAN) is None
