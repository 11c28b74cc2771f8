"""A study as one of Optuna's, as Optuna and its dashboard read it."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
import urllib.request
import wsgiref.simple_server
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import journal

from tests.support import studies
from tuner_component.export import mlflow_names, optuna_storage
from tuner_component.report.record import StudyRecord

COMPLETE, FAIL = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL


@pytest.fixture(params=["sqlite", "journal"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "optuna"
    return f"sqlite:///{path}" if request.param == "sqlite" else f"journal:{path}"


def opened(target: str) -> Any:
    if not target.startswith("journal:"):
        return optuna.storages.RDBStorage(target)
    backend = journal.JournalFileBackend(target.removeprefix("journal:"))
    return optuna.storages.JournalStorage(backend)


def read(study: StudyRecord, target: str) -> optuna.Study:
    return optuna.load_study(study_name=study.study_id, storage=opened(target))


def with_values(space: Sequence[Any], *values: dict[str, Any]) -> StudyRecord:
    """A study whose trials had these values in a space."""
    records = [
        record
        for i, point in enumerate(values)
        for record in (
            studies.created(str(i), values=point),
            studies.ended(str(i), values=point),
        )
    ]
    return dataclasses.replace(studies.study(*records), spaces={"s": space})


def test_optuna_reads_what_the_search_found(target: str) -> None:
    """Its plots and its importance would be of another search."""
    study = studies.big_study(30)
    assert optuna_storage.export(study, target) == 30
    theirs = read(study, target)
    assert study.best is not None
    assert theirs.best_value == study.best.score
    assert theirs.best_params == study.best.hyperparameters
    assert theirs.best_trial.user_attrs["trial_id"] == study.best.trial_id
    assert len(theirs.get_trials(states=[FAIL])) == 1
    curve = study.trials[0].executions[0]["val_loss"]
    assert theirs.trials[0].intermediate_values == dict(enumerate(curve))
    rate = theirs.trials[0].distributions["rate"]
    assert rate == optuna.distributions.FloatDistribution(1e-4, 0.1, log=True)
    took = theirs.trials[0].duration
    assert took is not None
    assert took.total_seconds() == pytest.approx(study.trials[0].duration_s, abs=1e-3)


def test_what_is_there_is_not_added_again(target: str) -> None:
    """A search that runs would have its first trials many times."""
    record = [studies.created("0"), studies.ended("0"), studies.created("1")]
    running = studies.study(*record, status="running")
    assert optuna_storage.export(running, target) == 1
    assert optuna_storage.export(running, target) == 0
    over = studies.study(*record, studies.failed("1", "Traceback\nValueError"))
    assert optuna_storage.export(over, target) == 1
    assert [t.state for t in read(over, target).trials] == [COMPLETE, FAIL]


@pytest.mark.parametrize("odd", [1e300, -1e300, math.inf, math.nan])
def test_times_that_no_calendar_has_are_told(odd: float, target: str) -> None:
    """One odd time would keep a whole search out."""
    study = studies.study(studies.ended("0", started=odd, ended=odd))
    assert optuna_storage.export(study, target) == 1
    assert mlflow_names.milliseconds(odd) is not None


_LETTERS = studies._entry("Choice", "x", values=["a", "b"], ordered=False)
_COUNT = studies._entry("Int", "x", min_value=1, max_value=4, step=1, sampling="log")


@pytest.mark.parametrize(
    ("before", "first", "after", "second"),
    [
        (
            _LETTERS,
            "a",
            {**_LETTERS, "config": {**_LETTERS["config"], "values": ["c"]}},
            "c",
        ),
        (_LETTERS, "a", _LETTERS, "outside"),
        (_LETTERS, "a", _COUNT, 3),
        (_COUNT, 2, {**_COUNT, "class_name": "Float"}, 2.5),
        (_COUNT, 2, _LETTERS, "a"),
    ],
)
def test_space_that_has_changed_is_told(
    before: Any, first: Any, after: Any, second: Any, target: str
) -> None:
    """No trial could be brought any more once the space of a running search grows."""
    assert optuna_storage.export(with_values([before], {"x": first}), target) == 1
    values = [{"x": first}, {"x": second}, {"x": first}]
    study = with_values([before, after], *values)
    assert optuna_storage.export(study, target) == 2
    one, other, again = read(study, target).trials
    assert one.params == again.params == {"x": first}
    assert (other.params, other.user_attrs["value x"]) == ({}, second)


def test_any_space_is_told(target: str) -> None:
    """Optuna takes no name with two distributions, nor True beside 1."""
    entry = studies._entry
    space = [
        entry("Choice", "kind", values=["a", "b"], ordered=False),
        entry("Int", "n", min_value=1, max_value=4, step=1, sampling="linear"),
        entry("Int", "n", min_value=8, max_value=64, step=2, sampling="log"),
        entry("Choice", "mixed", values=[1, 2], ordered=True),
        entry("Boolean", "mixed"),
        entry("Fixed", "fixed", value=0.5),
        entry("Float", "x", min_value=0.0, max_value=1.0, step=0.1, sampling="linear"),
    ]
    study = with_values(
        space,
        {"kind": "a", "n": 4, "mixed": 1, "fixed": 0.5, "x": 0.30000000000000004},
        {"kind": "b", "n": 64, "mixed": True, "x": 1.0000000000000002},
        {"kind": "b", "tuner/epochs": 2, "list": [1], "x": 0.0},
    )
    assert optuna_storage.export(study, target) == 3
    first, second, third = read(study, target).trials
    assert first.params["n"] == 4 and second.params["n"] == 64
    assert (first.params["mixed"], second.params["mixed"]) == ("1", "True")
    assert first.params["fixed"] == 0.5 and second.params["x"] == 1.0000000000000002
    assert "n" not in third.params
    assert third.user_attrs["value tuner/epochs"] == 2


def test_several_objectives_are_several_values(target: str) -> None:
    """A front would be a row of sums."""
    records = []
    for i, (loss, size) in enumerate([(0.1, 9.0), (0.2, 3.0), (0.3, math.nan)]):
        metrics = {
            name: {"direction": "min", "observations": [{"value": [v], "step": 1}]}
            for name, v in (("val_loss", loss), ("size", size))
        }
        told = studies.ended(str(i), loss, metrics={"metrics": metrics})
        records += [studies.created(str(i)), told]
    objectives = [{"name": n, "direction": "min"} for n in ("val_loss", "size")]
    study = studies.study(*records)
    kind = type(study.objective)
    both = [kind(**one) for one in objectives]  # type: ignore[misc]
    study = dataclasses.replace(study, objectives=both)
    optuna_storage.export(study, target)
    theirs = read(study, target)
    assert len(theirs.best_trials) == 2 and theirs.metric_names == ["val_loss", "size"]
    assert theirs.trials[2].state == FAIL


@pytest.mark.parametrize(
    "study",
    [
        studies.study(),
        studies.study(studies.created("0"), studies.failed("0", "Traceback\n\udc80")),
        dataclasses.replace(
            studies.study(studies.created("0"), studies.ended("0")), objective=None
        ),
    ],
    ids=["none", "failed", "no objective"],
)
def test_any_study_is_told(study: StudyRecord, target: str) -> None:
    """The one that went wrong could not be looked at there."""
    assert optuna_storage.export(study, target) == len(study)


@pytest.mark.parametrize(
    "wrong", ["x.db", "foo://x", "sqlite:////no/such/place/x.db", "journal:/no/such/x"]
)
def test_wrong_storage_is_explained(wrong: str) -> None:
    """It would end in a stack trace of a database's."""
    with pytest.raises(ValueError, match="^Expected a URL of a database"):
        optuna_storage.export(studies.study(), wrong)


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    """Prints no line for each request."""

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def dashboard(target: str) -> Iterator[str]:
    """The real dashboard, on a port of this machine's own address; its URL."""
    module = pytest.importorskip("optuna_dashboard")
    app = module.wsgi(opened(target))
    with wsgiref.simple_server.make_server(
        "127.0.0.1", 0, app, handler_class=Quiet
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_dashboard_shows_the_search(target: str, dashboard: str) -> None:
    """What Optuna can read might still be nothing that its dashboard can show."""
    study = studies.big_study(30)
    optuna_storage.export(study, target)

    def asked(path: str) -> Any:
        with urllib.request.urlopen(f"{dashboard}/api/{path}", timeout=60) as answer:
            return json.load(answer)

    (found,) = asked("studies")["study_summaries"]
    assert found["study_name"] == study.study_id
    detail = asked(f"studies/{found['study_id']}")
    states = [trial["state"] for trial in detail["trials"]]
    assert (states.count("Complete"), states.count("Fail")) == (29, 1)
    names = {one["name"] for one in detail["union_search_space"]}
    assert names == {"units", "rate", "activation"}
    assert study.best is not None
    best = detail["best_trials"][0]
    assert best["values"] == [pytest.approx(study.best.score)]
