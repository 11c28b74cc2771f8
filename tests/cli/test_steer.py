"""`tuner-component stop`, `enqueue`, `workers` and `resume`: requests, and what is said."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import Searches, dead, ended, searches
from tests.search.oracle.test_steering import stop
from tests.support import simulation, studies
from tests.support.steering import until
from tuner_component.cli.main import main
from tuner_component.report.loading import load_study
from tuner_component.search.study import request_files, requests
from tuner_component.search.study.request_files import Requests
from tuner_component.search.study.requests import DONE, REFUSED, Request

__all__ = ["Searches", "searches"]


@pytest.fixture(name="study")
def _study(searches: Searches) -> Path:
    """A search that runs, of which trial 02 does."""
    study = searches.study("studies/0123", *ended([0.5, 0.4]), studies.created("02"))
    searches.held(study)
    return study


def waiting(study: Path) -> list[Request]:
    return list(Requests(str(study), "0123").waiting())


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["stop", "."], {"kind": "stop_search"}),
        (["stop", ".", "2"], {"kind": "stop_trial", "trial": "02"}),
        (["workers", ".", "4"], {"kind": "workers", "workers": 4}),
        (
            ["enqueue", ".", "units=16", "rate=1e-3", "kind=relu", "deep=true", "a==b"],
            {
                "kind": "enqueue",
                "values": {
                    "units": 16,
                    "rate": 0.001,
                    "kind": "relu",
                    "deep": True,
                    "a": "=b",
                },
            },
        ),
        (["enqueue", ".", 'x="1"'], {"kind": "enqueue", "values": {"x": "1"}}),
        (["enqueue", ".", "x=[1]"], {"kind": "enqueue", "values": {"x": "[1]"}}),
    ],
)
def test_command_asks(
    study: Path,
    words: list[str],
    asked: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The search would be asked something else, or nothing."""
    assert main([*words, "--wait", "0", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == "requested"
    assert {name: told[name] for name in asked} == asked
    (request,) = waiting(study)
    assert request.id == told["request"]


@pytest.mark.parametrize(
    ("outcome", "code"), [(DONE, 0), (REFUSED, 1)], ids=["done", "refused"]
)
def test_answer_is_waited_for(
    study: Path, outcome: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asked would have to look for what became of it."""

    def answer() -> None:
        until(lambda: waiting(study))
        (request,) = waiting(study)
        Requests(str(study), "0123").answer(request, outcome, "Expected, or not.")

    owner = threading.Thread(target=answer)
    owner.start()
    assert main(["stop", "."]) == code
    owner.join()
    told = capsys.readouterr()
    assert "Expected, or not." in (told.err if code else told.out)


def test_nobody_is_waited_for_in_vain(
    searches: Searches, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The terminal would stand still for as long as it was told to wait."""
    searches.held(study, pid=dead())
    assert main(["stop", "."]) == 0
    told = capsys.readouterr().out
    assert "Nobody works on the study now: it is done when the same search" in told


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["stop", ".", "7"], "Expected TRIAL to be an id"),
        (["enqueue", ".", "units"], "Expected NAME=VALUE"),
        (["enqueue", ".", "=3"], "Expected NAME=VALUE"),
        (["enqueue", ".", "a=1", "a=2"], "Expected NAME=VALUE, each name once"),
        (["enqueue", ".", "a=" + "x" * 70_000], "more than 65536 bytes"),
        (["enqueue", ".", "a=NaN"], "a number that is not finite"),
    ],
)
def test_mistakes_are_said(
    study: Path, words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They would be left with the search, or end in a traceback."""
    assert main(words) == 2
    assert why in capsys.readouterr().err
    assert waiting(study) == []


def test_search_that_is_over_is_not_asked(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody would ever answer."""
    study = searches.study("studies/0123", *ended([0.5]), status="finished")
    assert main(["stop", "."]) == 2
    assert "`tuner-component resume`" in capsys.readouterr().err
    assert waiting(study) == []
    assert main(["resume", "."]) == 1
    assert "has come to its own end" in capsys.readouterr().err


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_study_that_cannot_be_written_is_said(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would end in a traceback."""
    study.chmod(0o555)
    assert main(["stop", "."]) == 2
    assert "Make it writable" in capsys.readouterr().err


def test_stopped_search_can_go_on(
    opened: simulation.Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search that was stopped too early would have to begin anew."""
    durable = opened()
    simulation.run_trial(durable, durable.create_trial("worker"))
    stop(durable)
    durable.finish()
    opened.close()
    assert load_study(opened.directory).status == "finished"
    assert main(["resume", opened.directory]) == 0
    assert "when the same search is run again" in capsys.readouterr().out
    assert load_study(opened.directory).status == "running"
    assert main(["resume", opened.directory]) == 0  # Asked twice, it is done once.
    simulation.search(opened.directory, "random")
    found = load_study(opened.directory)
    assert (found.status, len(found.completed)) == ("finished", 8)
    assert found.ended_because is None
    assert [one.kind for one in found.requests] == ["stop_search"]


def test_search_that_was_killed_before_it_ended_can_go_on(
    opened: simulation.Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command would say that it goes on, and the next run end at once."""
    durable = opened()
    simulation.run_trial(durable, durable.create_trial("worker"))
    stop(durable)
    opened.close()  # Killed.
    study = load_study(opened.directory).study_id
    late = requests.new(study, requests.STOP_SEARCH)
    request_files.send(opened.directory, late)
    assert main(["resume", opened.directory]) == 0
    known = request_files.standing(opened.directory, late.id, study)
    assert known is not None and known.answer is not None
    assert "Ask again to stop it" in known.answer.message
    simulation.search(opened.directory, "random")
    found = load_study(opened.directory)
    assert (len(found.completed), found.ended_because) == (8, None)


def test_request_that_is_set_aside_is_said_to_be(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a search of an older release an answer would be waited for that never comes."""
    monkeypatch.setattr(request_files, "send", lambda *told: None)
    assert main(["stop", ".", "--wait", "0"]) == 1
    assert "Received: neither" in capsys.readouterr().err


@pytest.fixture(name="opened")
def _opened(tmp_path: Path) -> Any:
    opened = simulation.Opened(tmp_path / "studies" / "one")
    yield opened
    opened.close()
