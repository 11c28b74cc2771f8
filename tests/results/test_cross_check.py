"""A table of trials is compared with the record that is published beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import studies
from tuner_component import load_tuner_results

STUDY = studies.big_study(5)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table with its record."""
    rows = [
        {"trial_id": trial.trial_id, "score": trial.score, **trial.hyperparameters}
        for trial in STUDY.completed
    ]
    (tmp_path / "study.json").write_text(STUDY.to_json())
    path = tmp_path / "tuner_results.json"
    path.write_text(json.dumps(rows))
    return path


def test_what_was_published_agrees(
    table: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody would read warnings any more."""
    assert len(load_tuner_results(table.parent)) == 5
    assert not caplog.messages


@pytest.mark.parametrize(
    "change", [{"score": -9.0}, {"units": 65}, {"units": 8.0}, {"more": 1}, None]
)
def test_changed_trial_is_named(
    table: Path, change: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Another trial would be the best one, without a word."""
    first, *others = json.loads(table.read_text())
    table.write_text(
        json.dumps(others if change is None else [first | change, *others])
    )
    load_tuner_results(table)
    [message] = caplog.messages
    assert f"of the trials {first['trial_id']}." in message


@pytest.mark.parametrize("record", ["", "{}", "[]", '{"kind": "other", "trials": []}'])
def test_without_a_sound_record_nothing_is_said(
    table: Path, record: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged record would put a sound table in doubt."""
    (table.parent / "study.json").write_text(record)
    assert load_tuner_results(table)
    assert not caplog.messages
