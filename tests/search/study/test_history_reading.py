"""The history of a study is read from its files."""

from pathlib import Path

from tests.support import simulation
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.study import Study


def test_history_is_read_beside_a_running_search(tmp_path: Path) -> None:
    """A report could only be made once the search is over."""
    simulation.search_some(str(tmp_path), "random", trials=3)
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        history = read_history(str(tmp_path), study.id)
    assert len(history.trials) == 4
    assert len(history.end_order) == 3
