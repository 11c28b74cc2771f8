"""What an oracle says of its own search, in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.support import simulation
from tuner_component.search.oracle import decisions
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study


class Telling(simulation.CountingOracle):
    """Says what it is told to say; ends its search after three trials."""

    why: str | None = None
    prospect: Mapping[str, Any] | None = None
    ended_because: str | None = None
    stop_when: str | None = None

    def end_when(self, condition: str) -> None:
        self.stop_when = condition

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        self.prospect = {"trials": 10, "gain": 0.5, "noise": 0.1, "seconds": None}
        if self.stop_when and self.asked == 3:
            self.ended_because = "Ended after 3 of 8 trials."
            return {"status": "STOPPED"}
        return super().populate_space(trial_id)


def telling() -> Telling:
    return Telling(
        objective=simulation.OBJECTIVE,
        max_trials=8,
        seed=11,
        hyperparameters=simulation.space(),
    )


def search(directory: Path, oracle: Any, heard: list[str]) -> None:
    with Study.open(str(directory), simulation.FINGERPRINT, seed=1) as study:
        durable = DurableOracle.open(oracle, study)
        durable.listen_to_end(heard.append)
        while (trial := durable.create_trial("worker")).status == "RUNNING":
            simulation.run_trial(durable, trial)
        durable.create_trial("another")
        durable.finish()


def test_an_early_end_is_journaled_once_and_told(tmp_path: Path) -> None:
    """Nobody would know why there are fewer trials than asked for."""
    oracle, heard = telling(), list[str]()
    decisions.end_when(oracle, "converged")
    search(tmp_path, oracle, heard)
    assert heard == ["Ended after 3 of 8 trials."]
    history = simulation.read(str(tmp_path))
    assert len(history.trials) == 3
    assert history.ended_because == "Ended after 3 of 8 trials."
    assert history.decisions == []
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        kinds = [record["kind"] for record in study.journal.records()]
    assert kinds.count("decided") == 1


def test_what_is_expected_is_journaled_when_it_changes(tmp_path: Path) -> None:
    """The journal would grow with what it knows already."""
    search(tmp_path, telling(), [])
    history = simulation.read(str(tmp_path))
    expected = {"trials": 10, "gain": 0.5, "noise": 0.1, "seconds": None}
    assert history.prospect == expected
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        kinds = [record["kind"] for record in study.journal.records()]
    assert kinds.count("prospect") == 1


def test_what_is_no_prospect_is_not_journaled(tmp_path: Path) -> None:
    """An attribute of the user's own, or a NaN, would be lost results' warnings."""
    oracle = telling()
    oracle.__class__ = type("Own", (Telling,), {"prospect": {"trials": "many"}})
    oracle.populate_space = (  # type: ignore[method-assign]
        lambda trial_id: simulation.CountingOracle.populate_space(oracle, trial_id)
    )
    search(tmp_path, oracle, [])
    assert simulation.read(str(tmp_path)).prospect is None


def test_a_search_without_a_condition_has_ended_by_none(tmp_path: Path) -> None:
    """A study that had all its trials would go on when it is run again."""
    oracle = telling()
    decisions.end_when(oracle, None)
    assert (oracle.stop_when, decisions.ended_by(oracle)) == (None, None)
    oracle.end_when("converged")
    assert decisions.ended_by(oracle) is None  # It had them all the same.
    oracle.ended_because = "Ended."
    assert decisions.ended_by(oracle) == "converged"


def test_an_oracle_that_cannot_end_its_search_is_refused() -> None:
    """The user would wait for an end that does not come."""
    oracle = keras_tuner.oracles.RandomSearchOracle(objective=simulation.OBJECTIVE)
    with pytest.raises(ValueError, match='RandomSearchOracle.*search="auto".*leave'):
        decisions.end_when(oracle, "converged")
