"""KerasTuner's own way to distribute a search is not taken by mistake."""

import os

import pytest

from tuner_component.search.machine import environment


def test_its_variables_are_not_seen_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A search would wait for ever for a chief, or be one."""
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    with environment.without_roles():
        assert "KERASTUNER_TUNER_ID" not in os.environ
    assert os.environ["KERASTUNER_TUNER_ID"] == "chief"
    assert "KERASTUNER_TUNER_ID=chief" in caplog.text


def test_nothing_is_said_where_there_are_none(caplog: pytest.LogCaptureFixture) -> None:
    """Each search would begin with a warning."""
    with environment.without_roles():
        pass
    assert not caplog.records
