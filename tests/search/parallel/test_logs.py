"""Logs are where people look for them."""

from collections.abc import Callable
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


def test_a_full_disk_is_seen(mount: Callable[[str], Path]) -> None:
    """One trial after the other would fail on a node that cannot write anything."""
    small = mount("size=2m")
    logs = Logs(str(small), "study", is_copy=True)
    assert not logs.are_full
    (small / "ballast").write_bytes(bytes(3 << 19))
    assert logs.are_full
    assert not Logs(str(small / "removed"), "study").are_full
