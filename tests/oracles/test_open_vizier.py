"""Searches with open-source Vizier: the service itself, in another environment."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.conformance.test_oracles import rich_space, score
from tests.support import open_vizier, simulation
from tests.support.open_vizier import OpenVizier
from tests.support.project import ROOT
from tuner_component.oracles import VizierOracle, vizier_oracle
from tuner_component.report.loading import load_study
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.storage import faults
from tuner_component.search.study.study import Study
from tuner_component.vizier.open_source import OpenSourceVizier
from tuner_component.vizier.service import ServiceError, ServiceTrial, State

pytestmark = pytest.mark.slow

# Two workers; the module is what a user would write.
SCRIPT = """
import os
import sys

import keras_tuner
from tuner_component import report_epoch, tune
from tuner_component.oracles import VizierSearch


class Tuner(VizierSearch):
    def run_trial(self, trial):
        rate = trial.hyperparameters.Float("rate", 1e-4, 1e-1, sampling="log")
        if trial.trial_id.endswith("3"):
            raise ValueError("the fourth one fails")
        for epoch in range(3):
            report_epoch({"loss": rate + 1 / (epoch + 1)}, epoch)
        return {"loss": rate}


def make_tuner():
    space = keras_tuner.HyperParameters()
    space.Float("rate", 1e-4, 1e-1, sampling="log")
    return Tuner(
        hyperparameters=space,
        endpoint=os.environ["ENDPOINT"], algorithm="RANDOM_SEARCH", max_trials=8,
        objective=keras_tuner.Objective("loss", "min"), study_id="workers-" + sys.argv[2],
    )


if __name__ == "__main__":
    tune(make_tuner, directory=sys.argv[1], num_parallel_trials=2)
"""


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenVizier]:
    with open_vizier.serving(tmp_path_factory.mktemp("vizier")) as server:
        yield server


def trials_of(server: OpenVizier, study: str) -> list[ServiceTrial]:
    service = OpenSourceVizier(server.endpoint)
    return list(service.trials(f"owners/tuner-component/studies/{study}"))


def oracle(server: OpenVizier, study: str, **kwargs: Any) -> VizierOracle:
    how = {"algorithm": "RANDOM_SEARCH", "hyperparameters": rich_space(), **kwargs}
    direction = how.pop("direction", "min")
    return VizierOracle(
        keras_tuner.Objective("score", direction),
        study_id=study,
        endpoint=server.endpoint,
        **how,
    )


def searched(directory: Path, made: Any, sign: int = 1) -> list[float]:
    """Runs the search, or the rest of it, with epochs; returns all scores."""
    with Study.open(str(directory), simulation.FINGERPRINT, seed=1) as study:
        durable: Any = DurableOracle.open(made, study)
        while (trial := durable.create_trial("w")).status != "STOPPED":
            if trial.status == "IDLE":
                continue
            found = sign * score(trial.hyperparameters.values)
            for epoch in range(2):
                told = {"score": found + sign / (epoch + 1)}
                durable.report_epoch(trial.trial_id, 0, epoch, told)
            simulation.end(durable, trial, found)
        durable.finish()
    return [trial.score for trial in made.trials.values()]


@pytest.mark.parametrize(("direction", "sign"), [("min", 1), ("max", -1)])
def test_the_service_has_all_trials(
    tmp_path: Path, server: OpenVizier, direction: str, sign: int
) -> None:
    """Its study would be of another objective, or lack epochs and results."""
    made = oracle(server, f"whole-{direction}", direction=direction, max_trials=6)
    scores = searched(tmp_path, made, sign)
    told = trials_of(server, f"whole-{direction}")
    assert sorted(t.result for t in told if t.result is not None) == sorted(scores)
    assert {trial.state for trial in told} == {State.SUCCEEDED}
    assert {trial.steps for trial in told} == {2}


def test_the_service_is_killed_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials that ran meanwhile would be lost, or be told twice."""
    monkeypatch.setattr(vizier_oracle, "_WAIT_S", 0.1)
    with (
        open_vizier.serving(tmp_path) as server,
        Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study,
    ):
        durable: Any = DurableOracle.open(oracle(server, "killed", max_trials=4), study)

        def create(worker: str) -> Any:
            while (trial := durable.create_trial(worker)).status == "IDLE":
                pass
            return trial

        running = [create("a"), create("b")]
        server.kill()
        simulation.end(durable, running[0], 1.0)
        assert durable.create_trial("a").status == "IDLE"
        simulation.end(durable, running[1], 2.0)
        server.start()
        for number in (3.0, 4.0):
            simulation.end(durable, create("a"), number)
        assert create("a").status == "STOPPED"
        durable.finish()
        told = trials_of(server, "killed")
    assert sorted(trial.result or 0 for trial in told) == [1.0, 2.0, 3.0, 4.0]
    assert {trial.state for trial in told} == {State.SUCCEEDED}


@pytest.mark.on_demand
@pytest.mark.parametrize("commit", [4, 9])
def test_workers_and_a_driver_that_is_killed(
    tmp_path: Path, server: OpenVizier, commit: int
) -> None:
    """Trials would be run twice, or be left open at the service."""
    script, study = tmp_path / "search.py", tmp_path / "study"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(study), str(commit)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ENDPOINT": server.endpoint}
    fault = {faults.VARIABLE: f"journal.commit.after:{commit}"}
    first = subprocess.run(
        command, check=False, env={**environment, **fault}, capture_output=True
    )
    assert first.returncode != 0
    done = subprocess.run(
        command, check=False, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (journal,) = study.rglob("journal")
    found = load_study(str(journal.parent))
    told = trials_of(server, f"workers-{commit}")
    assert sorted(t.score for t in found.completed if t.score is not None) == sorted(
        t.result for t in told if t.result is not None
    )
    assert len(found.completed) == 7
    states = [trial.state for trial in told]
    assert (states.count(State.SUCCEEDED), states.count(State.INFEASIBLE)) == (7, 1)
    assert len(states) == 8
    # The last epochs of those that ended as it was killed may never have been sent.
    steps = [trial.steps for trial in told if trial.state is State.SUCCEEDED]
    assert steps.count(3) >= 5


def test_several_searches_at_one_service(tmp_path: Path, server: OpenVizier) -> None:
    """Its database fails now and then if several ask, and each time a search would end."""
    found: dict[str, list[float]] = {}

    def search(name: str) -> None:
        made = oracle(server, f"several-{name}", max_trials=20)
        found[name] = searched(tmp_path / name, made)

    threads = [threading.Thread(target=search, args=[name]) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in "abcd":
        told = trials_of(server, f"several-{name}")
        assert sorted(trial.result or 0 for trial in told) == sorted(found[name])
        assert {trial.state for trial in told} == {State.SUCCEEDED}
        assert len(told) == 20


def test_an_algorithm_that_it_does_not_have(tmp_path: Path, server: OpenVizier) -> None:
    """A search would wait, or fail without saying why."""
    made = oracle(server, "unknown", algorithm="NO_SUCH")
    with pytest.raises(ServiceError, match="NO_SUCH is not registered"):
        searched(tmp_path, made)


@pytest.mark.on_demand
def test_the_service_is_killed_while_it_thinks(tmp_path: Path) -> None:
    """The operation is never done, and the search would wait for it until its end."""
    with open_vizier.serving(tmp_path) as server:
        space = simulation.space(dimensions=1)
        made = oracle(server, "s", algorithm="DEFAULT", hyperparameters=space)
        done = threading.Event()

        def search() -> None:
            made.max_trials = 3
            searched(tmp_path / "study", made)
            done.set()

        thread = threading.Thread(target=search)
        thread.start()
        while not (tmp_path / "vizier.db").exists() or not open_operations(tmp_path):
            assert not done.wait(0.01)
        server.kill()
        server.start()
        thread.join()
        assert {trial.state for trial in trials_of(server, "s")} == {State.SUCCEEDED}


def open_operations(directory: Path) -> int:
    """How many suggestions after the first are being thought of."""
    with sqlite3.connect(directory / "vizier.db") as database:
        try:
            rows = database.execute("select count(*) from suggestion_operations")
            return max(0, int(rows.fetchone()[0]) - 1)
        except sqlite3.OperationalError:
            return 0


@pytest.mark.on_demand
def test_its_default_finds_better_points_than_chance(
    tmp_path: Path, server: OpenVizier
) -> None:
    """Results would be told to a model that does not use them."""
    found = {}
    for algorithm in ("DEFAULT", "RANDOM_SEARCH"):
        how = {"hyperparameters": simulation.space(), "max_trials": 12}
        made = oracle(server, f"best-{algorithm}", algorithm=algorithm, **how)
        found[algorithm] = sorted(searched(tmp_path / algorithm, made))
    assert sum(found["DEFAULT"][:6]) < sum(found["RANDOM_SEARCH"][:6])
