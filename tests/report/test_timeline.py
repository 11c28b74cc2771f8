"""Who worked when, and who idled."""

import pytest

from tests.support import studies
from tuner_component.report import timeline
from tuner_component.report.page import workers
from tuner_component.report.record import StudyRecord


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


def test_the_time_between_two_pauses_is_not_the_trials() -> None:
    """A trial would seem to keep a worker busy while it waits."""
    began = {"kind": "began", "trial": "0", "worker": "worker-1", "time": 50.0}
    study = studies.study(
        studies.created("0", time=0.0),
        studies.paused("0", started=0.0, time=5.0),
        began,
        studies.ended("0", worker="worker-1", started=50.0, ended=53.0),
    )
    found = [(s.worker, s.outcome, s.ended - s.started) for s in timeline.spans(study)]
    assert found == [("worker-0", "paused", 5.0), ("worker-1", "completed", 3.0)]


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
    figure = workers.timeline_of(studies.study(*trials))
    assert figure is not None
    order = list(figure.layout.yaxis.categoryarray)
    assert order[::-1] == [f"worker-{i}" for i in range(12)]


def a_cluster() -> StudyRecord:
    """Two workers on each of two nodes, one of which loses an attempt."""
    lost = {"kind": "attempt", "trial": "0", "worker": "worker-3@10.0.0.10"}
    return studies.study(
        studies.created("0", time=0.0),
        {**lost, "started": 0.0, "time": 5.0, "reason": "killed"},
        studies.ended("0", worker="worker-0@10.0.0.9", started=6.0, ended=10.0),
        studies.ended("1", worker="worker-10@10.0.0.9", started=0.0, ended=10.0),
        studies.ended("2", worker="worker-2@10.0.0.10", started=0.0, ended=5.0),
        studies.ended("3", worker="worker-2@10.0.0.10", started=15.0, ended=20.0),
    )


def test_workers_of_a_node_are_beside_each_other() -> None:
    """A slow or lost node would be bars all over the timeline."""
    figure = workers.timeline_of(a_cluster())
    assert figure is not None
    order = list(figure.layout.yaxis.categoryarray)[::-1]
    names = ["worker-0@10.0.0.9", "worker-10@10.0.0.9"]
    assert order == [*names, "worker-2@10.0.0.10", "worker-3@10.0.0.10"]


def test_workers_of_nodes_with_long_addresses_have_rows_of_their_own() -> None:
    """Bars of two nodes would be in one row, on top of each other."""
    nodes = [f"fd00:1111:2222:3333:4444:5555:6666:777{i}" for i in range(2)]
    trials = [studies.ended(n[-1], worker=f"worker-123@{n}") for n in nodes]
    figure = workers.timeline_of(studies.study(*trials))
    assert figure is not None
    assert len(set(figure.layout.yaxis.categoryarray)) == 2


def test_nodes_are_summed_up() -> None:
    """People would not see that one machine loses what it is given."""
    first, second = timeline.by_node(timeline.spans(a_cluster()))
    assert (first.node, first.workers, first.attempts) == ("10.0.0.9", 2, 2)
    assert (first.lost, first.seconds) == (0, 14.0)
    assert (second.node, second.workers, second.attempts) == ("10.0.0.10", 2, 3)
    assert (second.lost, second.seconds) == (1, 15.0)
    assert second.busy == pytest.approx(15 / 25)


def test_one_machine_is_no_cluster() -> None:
    """A report would have a table of nodes with nothing in it."""
    assert timeline.by_node(timeline.spans(studies.study(studies.ended("0")))) == []


def test_a_name_of_thousands_of_digits_is_sorted() -> None:
    """Python refuses to read such a number, and there would be no report."""
    study = studies.study(studies.ended("0", worker=f"worker-{'1' * 5000}"))
    assert workers.timeline_of(study) is not None
