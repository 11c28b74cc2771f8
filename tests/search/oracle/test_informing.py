"""An oracle that keeps a service informed hears what is durable, and nothing before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from keras_tuner import oracles

from tests.support import simulation
from tuner_component.report.loading import load_study
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study


class Informed(oracles.RandomSearchOracle):  # type: ignore[misc]
    """Notes what it hears, and what is durable then."""

    def __init__(self, directory: Path, **kwargs: Any) -> None:
        super().__init__(
            simulation.OBJECTIVE, hyperparameters=simulation.space(), **kwargs
        )
        self._directory = directory
        self.heard: list[Any] = []
        self.refuses = False

    def committed(self) -> None:
        trials = load_study(str(self._directory)).trials
        self.heard.append([trial.status for trial in trials])

    def concluded(self) -> None:
        self.heard.append("concluded")
        if self.refuses:
            raise ConnectionError

    def hear_epoch(self, *epoch: Any) -> None:
        self.heard.append(epoch)


def test_what_is_heard_is_durable(tmp_path: Path) -> None:
    """A service would know of a result that the search has lost, and runs again."""
    oracle = Informed(tmp_path, max_trials=1)
    with Study.open(str(tmp_path), simulation.FINGERPRINT, seed=1) as study:
        durable: Any = DurableOracle.open(oracle, study, autocommit=False)
        oracle.heard.clear()
        trial = durable.create_trial("w")
        assert oracle.heard == []
        durable.commit()
        durable.report_epoch(trial.trial_id, 0, 4, {"score": 2.0})
        simulation.run_trial(durable, trial)
        durable.commit()
        durable.finish()
    status = ["RUNNING"], ("0", 0, 4, {"score": 2.0}), ["COMPLETED"], "concluded"
    assert oracle.heard == list(status)


def test_a_search_is_finished_when_that_is_told(tmp_path: Path) -> None:
    """What a service has missed would never be told: a finished study is only read."""
    oracle = Informed(tmp_path, max_trials=1)
    with Study.open(str(tmp_path), simulation.FINGERPRINT, seed=1) as study:
        durable: Any = DurableOracle.open(oracle, study)
        simulation.run_trial(durable, durable.create_trial("w"))
        oracle.refuses = True
        with pytest.raises(ConnectionError):
            durable.finish()
        assert not study.is_finished
        oracle.refuses = False
        durable.finish()
        assert study.is_finished
