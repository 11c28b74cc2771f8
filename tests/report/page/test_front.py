"""The front in the record and in the report."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.support import studies
from tests.support.reports import data_of, sentences_of
from tuner_component.console.status import summary
from tuner_component.report import page
from tuner_component.report.page import front
from tuner_component.report.record import StudyRecord
from tuner_component.search.study.history import History

NAMES = ("val_loss", "size", "<b>latency")


def goals(objectives: int, *constraints: str, pareto: bool = True) -> dict[str, Any]:
    names = [[name, "min"] for name in NAMES[:objectives]]
    found = list(constraints)
    return {"objectives": names, "constraints": found, "pareto": pareto}


def records(told: dict[str, Any], trials: int = 40) -> list[dict[str, Any]]:
    draw, found = random.Random(1), []
    for number in range(trials):
        values = [draw.random(), 1e6 * draw.random(), draw.random()]
        histories = {
            name: {"direction": "min", "observations": [{"value": [v], "step": 1}]}
            for name, v in zip(NAMES, values, strict=True)
        }
        found.append(studies.created(f"{number:02}"))
        found.append(
            studies.ended(
                f"{number:02}",
                sum(values),
                metrics={"metrics": histories},
                objective=["multi_objective", "min"],
                goals=told,
                stopped={"rule": "asha", "fit": 0, "epoch": 1} if number % 5 else None,
            )
        )
    return found


def study(told: dict[str, Any], trials: int = 40) -> StudyRecord:
    return studies.study(studies.opened(goals=told), *records(told, trials))


@pytest.mark.parametrize("objectives", [2, 3])
def test_front_is_drawn_and_listed(objectives: int) -> None:
    """People would see a sum that means nothing."""
    shown = study(goals(objectives))
    figure = front.front(shown)
    assert figure is not None
    data = data_of(page.render(shown))
    assert data["figures"]["front"]["alt"]
    assert [one["id"] for one in data["front"]["trials"]] == list(shown.front)
    assert data["title"].startswith("Minimize val_loss and minimize size")
    if objectives == 2:
        assert len(figure.data[0].x) == len(shown.front)
        assert list(figure.data[0].x) == sorted(figure.data[0].x)
        assert list(figure.data[0].y) == sorted(figure.data[0].y, reverse=True)
    else:
        assert len(figure.layout.shapes) == 3  # An axis for each.
        assert figure.data[-1].name == "best trial"
        assert figure.data[-1].customdata[0] == shown.front[0]


def test_without_several_objectives_there_is_no_front() -> None:
    """Every report would have a section that says nothing."""
    shown = studies.big_study(10)
    assert front.front(shown) is None
    assert data_of(page.render(shown))["front"] is None


@pytest.mark.parametrize("trials", [0, 1])
def test_a_search_that_has_just_begun_has_a_report(trials: int) -> None:
    """Nobody could look at it before there are two trials."""
    shown = study(goals(2), trials)
    data = data_of(page.render(shown))
    assert ("front" in data["figures"]) is (trials > 0)
    assert len(shown.front) == trials


def test_constraints_are_said() -> None:
    """A result that meets them would look like any other."""
    met, missed = (study(goals(2, f"size <= {n}")) for n in (5e5, -1))
    assert data_of(page.render(met))["best"]["constraints"] == ["size <= 500000"]
    assert all(trial.metrics["size"] <= 5e5 for trial in met.on_front)
    assert "It is not what was looked for: no trial meets size <= -1" in (
        sentences_of(page.render(missed))
    )
    assert missed.front == [] and front.front(missed) is None


def test_status_lists_the_front() -> None:
    """On a terminal there would be the sum alone."""
    shown = study(goals(2, "size <= 5e5"))
    lines = summary(shown)
    assert shown.best is not None
    told = [line for line in lines if line.startswith("  trial ")]
    assert len(told) == len(shown.front)
    assert told[0].startswith(f"  trial {shown.best.trial_id}: val_loss ")
    assert "It meets size <= 500000." in lines
    missed = summary(study(goals(2, "size <= -1")))
    assert any("Not as it was wanted: no trial meets size <= -1" in m for m in missed)


def test_comes_back_from_its_file() -> None:
    """A report that is drawn from the artifact would lack the front."""
    shown = study(goals(3, "size <= 5e5"))
    again = StudyRecord.from_json(shown.to_json(), "here")
    assert again.front == shown.front != []
    assert again.completed == shown.completed
    assert page.render(again) == page.render(shown)


@pytest.mark.parametrize(
    "change",
    [
        {"front": ["99"]},
        {"front": ["00"], "objectives": []},
        {"objectives": [{"name": "other", "direction": "min"}]},
        {"constraints": ["size"]},
    ],
)
def test_a_front_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    """A forged record would end in a bare traceback, or publish another best."""
    content = json.loads(study(goals(2)).to_json())
    del content["sha256"]
    with pytest.raises(ValueError, match="Expected here to hold a study's record"):
        StudyRecord.from_json(json.dumps({**content, **change}), "here")


def test_each_result_tells_the_goals() -> None:
    """With the record of the beginning lost, another trial would be the best."""
    told = records(goals(2))
    history = History.of(told[2:])
    assert history.goals is not None and history.goals.pareto
    assert studies.study(*told[2:]).front


@pytest.mark.parametrize("content", [{"pareto": True}, {"objectives": [[1, 2]]}])
def test_goals_that_no_search_writes_are_a_loss(content: dict[str, Any]) -> None:
    """A damaged record would end `load_study`, or be believed."""
    history = History.of([{**studies.opened(), "goals": content}])
    assert history.goals is None
    assert "is none that a search writes" in history.losses[0]


def test_a_long_front_is_told_in_part() -> None:
    """A terminal would be full of one search's front."""
    told = records(goals(2), 60)
    for number, record in enumerate(told[1::2]):
        metrics = record["metrics"]["metrics"]
        metrics["val_loss"]["observations"][0]["value"] = [float(number)]
        metrics["size"]["observations"][0]["value"] = [float(60 - number)]
    lines = summary(studies.study(*told))
    assert "  and 40 more; see `tuner-component report`" in lines
