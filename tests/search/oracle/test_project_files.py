"""The habits of KerasTuner's users: the same tuner, made again where the search was."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

import tuner_component
from tests.support.keras_trials import X, Y
from tuner_component.search.oracle import project_files

ORACLES = keras_tuner.oracles


class Toy(keras_tuner.Tuner):
    """No Keras: fast."""

    def run_trial(self, trial: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        if trial.trial_id.endswith("1"):
            raise ValueError("trial 1 is broken")
        return hp.Float("x", -1.0, 1.0, step=0.1) ** 2 + hp.Int("n", 1, 3)


class Spread(Toy):
    """Has a state of its own."""

    seen = 0

    def on_trial_end(self, trial: Any) -> None:
        self.seen += 1
        super().on_trial_end(trial)

    def get_state(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def set_state(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


def space() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Float("x", -1.0, 1.0, step=0.1)
    hp.Int("n", 1, 3)
    return hp


def oracle_of(kind: str) -> keras_tuner.Oracle:
    how: dict[str, Any] = {"hyperparameters": space(), "seed": 3}
    if kind == "hyperband":
        return ORACLES.HyperbandOracle(max_epochs=4, factor=2, **how)
    if kind == "bayesian":
        return ORACLES.BayesianOptimizationOracle(max_trials=5, **how)
    if kind == "grid":
        return ORACLES.GridSearchOracle(max_trials=5, **how)
    return ORACLES.RandomSearchOracle(max_trials=5, **how)


def project_of(directory: Path) -> Path:
    """The directory of the tuner's project in the only study there is."""
    (project,) = directory.glob("studies/*/workdir/toy")
    return project


def again(kind: str, project: Path, tuner: Any = Toy) -> Any:
    """What somebody does who knows KerasTuner, and nothing of this package."""
    return tuner(oracle_of(kind), directory=str(project.parent), project_name="toy")


@pytest.mark.parametrize("search", ["", "tpe"])
@pytest.mark.parametrize("kind", ["random", "hyperband", "bayesian", "grid"])
def test_tuner_that_is_made_again_shows_what_was_found(
    kind: str, search: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a search of hours, `results_summary` would be silently empty."""
    result = tuner_component.tune(
        lambda: Toy(oracle_of(kind), project_name="toy"),
        directory=tmp_path,
        search=search,
    )
    tuner = again(kind, project_of(tmp_path))
    best = result.trials[0]
    # KerasTuner takes equal scores in the order in which the disk names their files.
    equals = [t for t in result.trials if t.score == best.score]
    shown = tuner.oracle.get_best_trials()[0]
    assert shown.trial_id in [t.trial_id for t in equals]
    values = [t.hyperparameters for t in equals]
    assert tuner.get_best_hyperparameters()[0].values in values
    assert shown.score == best.score
    assert len(tuner.oracle.trials) == len(result.study.trials)
    assert {t.status for t in tuner.oracle.trials.values()} == {"COMPLETED", "FAILED"}
    capsys.readouterr()
    tuner.results_summary()
    assert f"Trial {shown.trial_id} summary" in capsys.readouterr().out


def test_search_of_that_tuner_goes_on_from_there(tmp_path: Path) -> None:
    """Somebody who adds trials with KerasTuner alone would begin with nothing."""
    tuner_component.tune(
        lambda: Toy(oracle_of("random"), project_name="toy"), directory=tmp_path
    )
    tuner = again("random", project_of(tmp_path))
    assert tuner.remaining_trials == 0
    tuner.oracle.max_trials = 7
    tuner.search()
    assert sorted(tuner.oracle.trials) == [str(number) for number in range(7)]


@pytest.mark.slow
def test_models_of_that_tuner_have_their_weights(tmp_path: Path) -> None:
    """`get_best_models` would load nothing, or the weights of another trial."""

    def build(hp: Any) -> Any:
        model = keras.Sequential([keras.layers.Dense(hp.Int("units", 1, 9)), last()])
        model.compile("adam", "mse")
        return model

    def last() -> Any:
        return keras.layers.Dense(1)

    def make(directory: str | None = None) -> Any:
        return keras_tuner.RandomSearch(
            build, "val_loss", 3, seed=1, directory=directory, project_name="toy"
        )

    data = {"x": X, "y": Y, "validation_data": (X, Y), "epochs": 2, "verbose": 0}
    result = tuner_component.tune(make, data, directory=tmp_path, num_parallel_trials=2)
    tuner = make(str(project_of(tmp_path).parent))
    for model, trial in zip(tuner.get_best_models(2), result.trials, strict=False):
        loss = model.evaluate(X, Y, verbose=0)
        np.testing.assert_allclose(loss, trial.score, rtol=1e-4)


@pytest.mark.parametrize("workers", [0, 2])
def test_state_of_a_tuner_of_ones_own_comes_back(tmp_path: Path, workers: int) -> None:
    """What such a tuner has counted would be gone."""
    tuner_component.tune(
        lambda: Spread(oracle_of("random"), project_name="toy"),
        directory=tmp_path,
        num_parallel_trials=workers,
    )
    seen = again("random", project_of(tmp_path), Spread).seen
    assert seen == 5 if workers == 0 else 1 <= seen <= 5


def test_search_that_has_not_ended_says_where_to_look(tmp_path: Path) -> None:
    """People would find weights, and nothing that tells of which trials."""

    class Killed(Toy):
        def run_trial(self, trial: Any) -> Any:
            if trial.trial_id == "3":
                raise KeyboardInterrupt
            return super().run_trial(trial)

    def search(tuner: Any) -> Any:
        def make() -> Any:
            return tuner(oracle_of("random"), project_name="toy")

        return tuner_component.tune(make, directory=tmp_path)

    with pytest.raises(KeyboardInterrupt):
        search(Killed)
    project = project_of(tmp_path)
    note = (project / project_files.NOTE).read_text()
    assert f"tuner-component status {project.parents[1]}" in note
    assert not list(project.glob("tuner0.json"))


def test_finished_search_of_before_is_made_readable(tmp_path: Path) -> None:
    """Searches of earlier releases, and those killed at their very end, would stay so."""

    def search() -> Any:
        def make() -> Any:
            return Toy(oracle_of("random"), project_name="toy")

        return tuner_component.tune(make, directory=tmp_path)

    search()
    project = project_of(tmp_path)
    for path in [*project.glob("*"), *project.glob("trial_*/trial.json")]:
        if path.is_file():
            path.unlink()
    result = search()
    best = again("random", project).get_best_hyperparameters()[0]
    assert best.values == result.trials[0].hyperparameters


def test_search_of_someone_else_in_the_same_place_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The trials of a search with KerasTuner alone would be overwritten."""
    place = str(tmp_path / "mine")
    theirs = Toy(oracle_of("grid"), directory=place, project_name="toy")
    theirs.search()
    before = {p: p.read_bytes() for p in Path(place).rglob("*.json")}
    run_in(tmp_path, place, caplog)
    assert {p: p.read_bytes() for p in Path(place).rglob("*.json")} == before
    assert any("files of another search stay" in text for text in caplog.messages)


def run_in(root: Path, place: str, caplog: pytest.LogCaptureFixture) -> None:
    """Searches with a tuner whose project is outside of the study."""
    from tuner_component.search.events import Audience
    from tuner_component.search.in_process.search import search_in_process
    from tuner_component.search.options import SearchOptions

    class Made:
        fit_kwargs: dict[str, Any] = {}  # noqa: RUF012

        def __init__(self) -> None:
            self.tuner = Toy(oracle_of("random"), directory=place, project_name="toy")

    with caplog.at_level(logging.INFO, logger="tuner_component"):
        search_in_process(
            Made,
            str(root / "study"),
            {"a": "b"},
            SearchOptions(preflight=False),
            lambda seed: None,
            Audience([]),
        )


def test_own_search_of_before_in_the_same_place_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Trials of a search with more trials would be mixed with those of this one."""
    place = tmp_path / "mine" / "toy"
    stale = place / "trial_9" / "trial.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    (place / project_files.NOTE).write_text("Study of before\n")
    (place / "oracle.json").write_text("{}")
    (place / "tuner0.json").write_text("{}")
    run_in(tmp_path, str(place.parent), caplog)
    assert not stale.exists()
    assert len(json.loads((place / "oracle.json").read_text())["end_order"]) == 5
    assert len(again("random", place).oracle.trials) == 5


def test_what_cannot_be_written_costs_no_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An oracle of the user's own whose state is no JSON would end a finished search."""

    class Odd(ORACLES.RandomSearchOracle):  # type: ignore[misc]
        def get_state(self) -> dict[str, Any]:
            return {**super().get_state(), "odd": {1}}

    def make() -> Any:
        oracle = Odd(max_trials=5, hyperparameters=space(), seed=3)
        return Toy(oracle, project_name="toy")

    with caplog.at_level(logging.WARNING, logger="tuner_component"):
        result = tuner_component.tune(make, directory=tmp_path)
    assert len(result.trials) == 4
    assert any("will not know the trials" in text for text in caplog.messages)
    assert not (project_of(tmp_path) / "tuner0.json").exists()
