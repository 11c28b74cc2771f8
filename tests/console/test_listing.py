"""`list`: the studies below a directory."""

from __future__ import annotations

import json

import pytest

from tests.console.conftest import Searches, dead, ended
from tests.support import studies
from tuner_component.cli.main import main

PIPELINE = "pipe/Tuner/.system/studies/00000000000000ab"
SCRIPT = "search/studies/00000000000000cd"


def test_studies_are_found_wherever_they_are(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody would know what there is to look at."""
    searches.study(PIPELINE, *ended([0.5]))
    stopped = searches.study(
        SCRIPT, *ended([0.5, 0.25]), created="2026-01-01T00:00:00+0000"
    )
    searches.held(stopped, pid=dead())
    assert main(["list"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if "/" in line] == [SCRIPT, PIPELINE]
    assert "interrupted" in lines[1] and "2 of 10 completed" in lines[1]
    assert lines[1].endswith("val_loss 0.25")


def test_list_for_programs_is_json(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script would have to read a table; or fail where there is nothing yet."""
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    searches.study(PIPELINE, *ended([0.5]))
    assert main(["list", "--json", "."]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["directory"], one["completed"]) == (PIPELINE, 1)


def test_results_beside_their_study_are_not_another_one(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each search would be listed twice."""
    record = studies.study(*ended([0.5]), id="00000000000000cd")
    results = searches.root / "search" / "results"
    results.mkdir(parents=True)
    (results / "study.json").write_text(record.to_json())
    copy = searches.root / "copy"
    copy.mkdir()
    (copy / "study.json").write_text(record.to_json())
    searches.study(SCRIPT, *ended([0.5]))
    assert main(["list", "--json"]) == 0
    found = {one["directory"] for one in json.loads(capsys.readouterr().out)}
    assert found == {SCRIPT, "copy"}


def test_damaged_study_is_passed_over(
    searches: Searches,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One bad file would hide all other searches."""
    searches.study(PIPELINE, *ended([0.5]))
    broken = searches.root / "broken" / "studies" / "00000000000000ee"
    (broken / "journal").mkdir(parents=True)
    (broken / "study.json").write_text('{"id": "0')
    assert main(["list"]) == 0
    assert PIPELINE in capsys.readouterr().out
    assert "Passing over broken/studies/00000000000000ee" in caplog.text


@pytest.mark.parametrize(("directory", "status"), [("no", 2), (".", 1)])
def test_nothing_to_list_is_said(
    searches: Searches,
    directory: str,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistyped path would look like a place without searches."""
    assert main(["list", directory]) == status
    assert capsys.readouterr().err.startswith("tuner-component: Expected")
