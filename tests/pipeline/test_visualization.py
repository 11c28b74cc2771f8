"""The report in a notebook of TFX's interactive context."""

from __future__ import annotations

import builtins
import json
from pathlib import Path

import pytest
from IPython import display
from tfx import types
from tfx.orchestration.experimental.interactive.interactive_context import (
    InteractiveContext,
)
from tfx.types import channel, standard_artifacts

import tuner_component.component  # noqa: F401 - registers it, as in a notebook.
from tests.support import studies
from tuner_component.pipeline import visualization
from tuner_component.report import page


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook gets to show: here is none."""
    monkeypatch.setattr(builtins, "__IPYTHON__", True, raising=False)
    found: list[str] = []
    monkeypatch.setattr(display, "display", lambda what: found.append(what.data))
    return found


def results(directory: Path) -> channel.Channel:
    """The output of a Tuner that ran in a notebook."""
    artifact: types.Artifact = standard_artifacts.TunerResults()
    artifact.uri = str(directory)
    output = channel.Channel(type=standard_artifacts.TunerResults)
    return output.set_artifacts([artifact])


def test_interactive_context_shows_the_report(tmp_path: Path, shown: list[str]) -> None:
    """A notebook would show the artifact's path, and nothing of the search."""
    (tmp_path / "study.json").write_text(studies.big_study(8).to_json())
    (tmp_path / page.REPORT_FILE).write_text('<h1 class="x">A report & more</h1>')
    InteractiveContext.show(
        InteractiveContext.__new__(InteractiveContext), results(tmp_path)
    )
    (frame,) = shown
    assert frame.startswith("<div><iframe srcdoc=")
    assert "&lt;h1 class=&quot;x&quot;&gt;A report &amp; more" in frame


def test_report_is_drawn_where_there_is_none(tmp_path: Path) -> None:
    """A picture that could not be drawn then would never be seen."""
    (tmp_path / "study.json").write_text(studies.big_study(8).to_json())
    assert "0123456789abcdef" in visualization.html_of(str(tmp_path))


def test_table_of_stock_is_shown(tmp_path: Path) -> None:
    """The results of stock's Tuner would be an error."""
    rows = [{"trial_id": "0", "score": 1.5, "units": "<b>"}]
    (tmp_path / "tuner_results.json").write_text(json.dumps(rows))
    shown = visualization.html_of(str(tmp_path))
    assert "<td>1.5</td><td>&lt;b&gt;</td>" in shown


def test_nothing_there_is_said(tmp_path: Path) -> None:
    """A cell would end in a stack trace of a file system."""
    assert "Expected a file or an artifact" in visualization.html_of(str(tmp_path))
