"""Logs are where people look for them."""

from pathlib import Path

import pytest

from tuner_component.search.parallel.logs import Logs


@pytest.mark.parametrize("trial_id", ["../../../victim", "/victim", "\0", "x" * 300])
def test_log_of_a_trial_of_any_id_is_in_its_study(
    tmp_path: Path, trial_id: str
) -> None:
    """A worker would write over files outside of the study, or not start."""
    logs = Logs(str(tmp_path), str(tmp_path))
    path = Path(logs.trial(trial_id))
    path.parent.mkdir(parents=True)
    path.touch()
    assert path.resolve().parent.parent == (tmp_path / "trials").resolve()
    assert path.name in logs.hint(trial_id)
