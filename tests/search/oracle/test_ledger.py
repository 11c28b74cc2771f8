"""Records of an oracle are small, however long the search."""

import json
from pathlib import Path

import pytest

from tests.support import simulation
from tuner_component.search.oracle import records
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.history import History
from tuner_component.search.study.study import Study


@pytest.mark.parametrize("kind", ["random", "hyperband", "counting", "stateful"])
def test_records_do_not_grow_with_the_search(tmp_path: Path, kind: str) -> None:
    """A long search would fill the disk with copies of its state."""
    oracle = simulation.oracle(kind)
    oracle.max_trials = 100
    oracle.max_epochs, oracle.hyperband_iterations = 81, 9
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        durable = DurableOracle.open(oracle, study)
        for _ in range(100):
            simulation.run_trial(durable, durable.create_trial("worker"))
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        told = [r for r in study.journal.records() if r["kind"] in ("created", "ended")]
    sizes = [len(json.dumps(record)) for record in told]
    assert len(sizes) == 200
    assert max(sizes[-20:]) < max(sizes[:20]) + 100


def test_state_is_written_in_full_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One lost file would cost the oracle's state for the rest of the search."""
    monkeypatch.setattr(records, "_FULL_EVERY", 4)
    simulation.search_some(str(tmp_path), "counting", trials=8)
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        told = list(study.journal.records())
    whole = History.of(told)
    without_one = [r for r in told if r.get("state", {}).get("version") != 3]
    assert len(without_one) == len(told) - 1
    assert History.of(without_one).state == whole.state


def test_records_leave_out_what_goes_without_saying(tmp_path: Path) -> None:
    """A long search's journal would be longer for nothing, and take longer to read."""
    simulation.search_some(str(tmp_path), "random", trials=2)
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        ended = [r for r in study.journal.records() if r["kind"] == "ended"]
        durable = DurableOracle.open(simulation.oracle("random"), study)
    assert len(ended) == 2
    for record in ended:
        assert not {"message", "notes", "curves", "attempts"} & record.keys()
        assert durable.trials[record["trial"]].message is None
