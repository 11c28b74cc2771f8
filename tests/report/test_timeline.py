"""Who worked when, and who idled."""

import pytest

from tests.support import studies
from tuner_component.report import timeline


def test_idle_time_is_counted() -> None:
    """A search that waits for its oracle would seem to be busy."""
    study = studies.study(
        studies.ended("0", started=0.0, ended=10.0),
        studies.ended("1", started=30.0, ended=40.0),
    )
    assert timeline.busy_share(timeline.spans(study)) == pytest.approx(0.5)


def test_every_attempt_has_its_bar() -> None:
    """Time that was lost with a worker would not be seen."""
    lost = {"kind": "attempt", "trial": "0", "worker": "worker-0", "started": 0.0}
    study = studies.study(
        studies.created("0", time=0.0),
        {**lost, "time": 5.0, "reason": "killed"},
        studies.ended("0", worker="worker-1", started=6.0, ended=9.0),
        studies.ended("1", started=10.0, ended=12.0, stopped={"rule": "median"}),
    )
    found = [(s.worker, s.outcome, s.ended - s.started) for s in timeline.spans(study)]
    assert found == [
        ("worker-0", "lost", 5.0),
        ("worker-1", "completed", 3.0),
        ("worker-0", "stopped early", 2.0),
    ]


def test_interrupted_attempt_lasts_as_long_as_there_were_signs_of_life() -> None:
    """What a killed search was doing would not be seen, or fill the time after it."""
    gone = {"kind": "attempt", "reason": "interrupted", "interrupted": True}
    study = studies.study(
        studies.created("0", time=0.0, worker="a"),
        studies.ended("1", worker="b", started=0.0, ended=7.0),
        {**gone, "trial": "0", "worker": "a", "started": 0.0, "time": 100.0},
        studies.ended("0", worker="a", started=100.0, ended=150.0),
        studies.ended("2", worker="b", started=101.0, ended=150.0),
    )
    found = [(s.outcome, s.started, s.ended) for s in timeline.spans(study)]
    assert found[0] == ("lost", 0.0, 7.0)


def test_workers_are_in_the_order_of_their_numbers() -> None:
    """worker-10 would stand between worker-1 and worker-2."""
    trials = [studies.ended(str(i), worker=f"worker-{i}") for i in range(12)]
    figure = timeline.timeline(studies.study(*trials))
    assert figure is not None
    order = list(figure.layout.yaxis.categoryarray)
    assert order[::-1] == [f"worker-{i}" for i in range(12)]
