"""Searches as a whole: an executor's process, and all that it starts."""

from pathlib import Path

from tests.search.support import processes, scripts
from tuner_component.search.options import SearchOptions


def test_returns_the_completed_trials_best_first(
    nursery: processes.Nursery, tmp_path: Path
) -> None:
    """The result would be of no use to whoever publishes it."""
    script = scripts.Script(str(tmp_path / "work"), trials=6)
    options = SearchOptions(num_workers=3)
    result = nursery.start(
        scripts.search, script.entry(), str(tmp_path / "study"), options
    ).result()
    scores = [trial["score"] for trial in result.completed]
    assert scores == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert result.complete and not result.failed and not result.unfinished
    assert result.best_hyperparameters["space"][0]["config"]["name"] == "x"
