"""A record is used only if it looks like one that a search writes."""

from typing import Any

import pytest

from tests.support import studies
from tuner_component.search.study import records
from tuner_component.search.study.history import History

ATTEMPT = {"kind": "attempt", "trial": "0"}
PAUSED = {
    "kind": "paused",
    "trial": "0",
    "time": 1.5,
    "curves": [{"loss": [1.0]}],
    "stopped": {"rule": "oracle", "fit": 0, "epoch": 0},
}
PROSPECT = {"kind": "prospect", "trials": 10, "gain": 0.0, "noise": 1}
OPENED, CREATED, ENDED = studies.opened(), studies.created("0"), studies.ended("0")

SPACE = {"kind": "space", "space": "s", "entries": studies.SPACE}


@pytest.mark.parametrize(
    "record",
    [
        OPENED,
        CREATED,
        ENDED,
        PAUSED,
        studies.failed("0", "x"),
        SPACE,
        PROSPECT,
        {**PROSPECT, "seconds": 1.5},
        {"kind": "attempt", "trial": "../../x"},
        {"kind": "attempt", "trial": "0", "reached": [0, 1, 12]},
        {"kind": "remark", "trial": []},
        {},
    ],
)
def test_what_a_search_writes_is_used(record: dict[str, Any]) -> None:
    """Results would be lost for the shape of their records."""
    assert records.fault(record) is None


@pytest.mark.parametrize(
    ("record", "changes", "fault"),
    [
        (OPENED, {"kind": []}, "kind"),
        (ATTEMPT, {"reached": 7}, "reached is a int"),
        (ATTEMPT, {"reached": [0, "x"]}, r"reached is [0, 'x']"),
        (OPENED, {"direction": "up"}, "direction is 'up'"),
        (OPENED, {"max_trials": "3"}, "max_trials is a str"),
        (OPENED, {"state": []}, "state is a list"),
        (CREATED, {"trial": 7}, "trial is a int"),
        (CREATED, {"trial": []}, "trial is a list"),
        (CREATED, {"values": []}, "values is a list"),
        (CREATED, {"time": True}, "time is a bool"),
        (ENDED, {"status": "GREAT"}, "status is 'GREAT'"),
        (ENDED, {"score": None}, "with the score None"),
        (ENDED, {"score": {"$float": "nan"}}, "score is a dict"),
        (ENDED, {"score": float("inf")}, "with the score inf"),
        (ENDED, {"metrics": []}, "metrics is a list"),
        (PROSPECT, {"trials": 0}, "no number of trials"),
        (PROSPECT, {"gain": -1.0}, "no amount"),
        (PROSPECT, {"noise": float("inf")}, "no amount"),
        (PROSPECT, {"seconds": float("nan")}, "no amount"),
        (PROSPECT, {"gain": "0.1"}, "gain is a str"),
        (SPACE, {"entries": [7]}, "no hyperparameter"),
        (SPACE, {"entries": [{"class_name": "Int"}]}, "no hyperparameter"),
        (
            SPACE,
            {"entries": [{"class_name": "Int", "config": {}}]},
            "no hyperparameter",
        ),
        (SPACE, {"entries": [{"config": {"name": "x"}}]}, "no hyperparameter"),
        (PAUSED, {"curves": {}}, "curves is a dict"),
        (PAUSED, {"stopped": {}}, "paused at {}"),
        (PAUSED, {"stopped": {"rule": "x", "fit": 0, "epoch": -1}}, "paused at {"),
    ],
)
def test_what_no_search_writes_is_named_and_not_used(
    record: dict[str, Any],
    changes: dict[str, Any],
    fault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A forged journal would end in a traceback, or make a trial the best."""
    forged = {**record, **changes, "seq": 7}
    assert fault in (records.fault(forged) or "")
    history = History.of([forged])
    assert history == History(losses=history.losses)
    assert "Record 7" in history.losses[0]
    assert history.losses[0] in caplog.text


@pytest.mark.parametrize("name", ["trial", "space", "values", "time"])
def test_incomplete_record_is_not_used(name: str) -> None:
    """A record without it would end in a KeyError."""
    record = {k: v for k, v in CREATED.items() if k != name}
    assert records.fault(record) == f"it lacks {name}"


@pytest.mark.parametrize("values", [{"$tuple": [1]}, {"$float": "x"}, {"$dict": 3}])
def test_values_that_are_none_are_not_used(values: dict[str, Any]) -> None:
    """Rubbish that JSON can hold would end in a traceback."""
    history = History.of([{**CREATED, "values": values}])
    assert not history.trials and history.losses


def test_change_of_a_state_that_does_not_fit_is_no_change() -> None:
    """An oracle would get a state that never was, or the study could not be opened."""
    state = {"version": 1, "full": {"n": 1}}
    bad = {"version": 2, "patch": {"drop": ["nothing"]}}
    late = {"version": 3, "patch": {"in": [["n", {"set": 3}]]}}
    told = [{"kind": "attempt", "trial": "0", "state": s} for s in (state, bad, late)]
    history = History.of(told)
    assert history.state == {"n": 1} and len(history.losses) == 1
