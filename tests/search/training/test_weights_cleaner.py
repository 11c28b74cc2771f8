"""Deleting weights that are not needed any more."""

from __future__ import annotations

import itertools
import os
import random
import shutil
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.support.keras_trials import DATA, build
from tuner_component.search.storage import files
from tuner_component.search.training.instrument import instrument
from tuner_component.search.training.weights_cleaner import WeightsCleaner


class Simulated:
    """A search whose trials only write the files that KerasTuner's tuners write."""

    def __init__(self, directory: Path, oracle: Any, keep: int = 2) -> None:
        self.tuner = keras_tuner.Tuner(oracle, _hypermodel, directory=directory)
        self.oracle = oracle
        oracle.verbose = 0
        self.cleaner = WeightsCleaner(self.tuner, oracle, str(directory), keep)
        self.directory = directory / "untitled_project"

    def begin(self, tuner_id: str = "tuner0") -> Any:
        return self.oracle.create_trial(tuner_id)

    def end(self, trial: Any, score: float | None) -> list[str]:
        """Ends a trial, as a failure without a score; returns what was deleted."""
        directory = Path(self.tuner.get_trial_dir(trial.trial_id))
        for name in ("checkpoint.weights.h5", "build_config.json"):
            (directory / name).write_bytes(b"x")
        if score is None:
            trial.status = "FAILED"
        else:
            self.oracle.update_trial(trial.trial_id, {"score": score})
            trial.status = "COMPLETED"
        self.oracle.end_trial(trial)
        return self.cleaner.trial_ended(trial.trial_id)

    def run(self, *scores: float | None) -> list[list[str]]:
        return [self.end(self.begin(), score) for score in scores]

    @property
    def weights(self) -> set[str]:
        """The trials that have weights."""
        found = self.directory.glob("trial_*/checkpoint.weights.h5")
        return {path.parent.name.removeprefix("trial_") for path in found}


def _hypermodel(hp: Any) -> None:
    hp.Float("x", 0, 1)


def random_oracle(direction: str = "max") -> Any:
    return keras_tuner.oracles.RandomSearchOracle(
        keras_tuner.Objective("score", direction),
        max_trials=9,
        seed=1,
        max_consecutive_failed_trials=99,
    )


@pytest.mark.parametrize(
    ("direction", "best"), [("max", {"3", "4"}), ("min", {"0", "2"})]
)
def test_the_best_keep_their_weights(
    tmp_path: Path, direction: str, best: set[str]
) -> None:
    """`get_best_models` would find nothing, or disks would fill up."""
    search = Simulated(tmp_path, random_oracle(direction))
    search.run(1.0, 3.0, 2.0, 5.0, 4.0)
    assert search.weights == best


def test_a_front_keeps_its_weights_whatever_its_scores(tmp_path: Path) -> None:
    """A model of the front could not be loaded."""
    search, asked = Simulated(tmp_path, random_oracle()), []

    def also(keep: int) -> list[str]:
        asked.append(keep)
        return [i for i in ("0", "2") if i in search.oracle.trials]

    search.cleaner = WeightsCleaner(
        search.tuner, search.oracle, str(tmp_path), keep=1, also=also
    )
    search.run(1.0, 3.0, 2.0, 5.0, 4.0)
    assert search.weights == {"0", "2", "3"}
    assert set(asked) == {1}


def test_failed_trials_keep_no_weights(tmp_path: Path) -> None:
    """Failures would be kept in the place of good trials."""
    search = Simulated(tmp_path, random_oracle())
    assert search.run(1.0, None, 2.0) == [[], ["1"], []]
    assert search.weights == {"0", "2"}


def test_a_trial_that_no_tuner_ended_leaves_nothing(tmp_path: Path) -> None:
    """What belongs to trials whose workers died would stay for ever."""
    search = Simulated(tmp_path, random_oracle())
    search.run(1.0)
    dead = search.begin()
    weights = Path(search.tuner.get_trial_dir(dead.trial_id), "checkpoint.weights.h5")
    weights.write_bytes(b"x")
    training = tmp_path / "trials" / dead.trial_id / "training" / "fit-00000.state"
    training.parent.mkdir(parents=True)
    training.write_bytes(b"x")
    assert search.cleaner.search_ended() == []
    dead.status = "FAILED"
    search.oracle.end_trial(dead)
    assert search.cleaner.search_ended() == [dead.trial_id]
    assert not weights.exists() and not training.parent.exists()


def test_a_paused_trial_keeps_all_until_it_is_let_go(tmp_path: Path) -> None:
    """It would go on without its best epoch, or leave its training for ever."""
    search = Simulated(tmp_path, random_oracle(), keep=1)
    paused = search.begin()
    del search.oracle.ongoing_trials["tuner0"]
    weights = Path(search.tuner.get_trial_dir(paused.trial_id), "checkpoint.weights.h5")
    training = tmp_path / "trials" / paused.trial_id / "training" / "fit-00000.state"
    training.parent.mkdir(parents=True)
    for path in (weights, training):
        path.write_bytes(b"x")
    search.run(3.0, 2.0)
    assert search.cleaner.let_go(paused.trial_id) == []  # It has not ended.
    assert search.cleaner.search_ended() == []
    assert weights.exists() and training.exists()
    search.oracle.ongoing_trials["tuner0"] = paused
    search.oracle.update_trial(paused.trial_id, {"score": 1.0})
    paused.status = "COMPLETED"
    search.oracle.end_trial(paused)
    assert search.cleaner.let_go(paused.trial_id) == [paused.trial_id]
    assert not weights.exists() and not training.parent.exists()


def test_a_running_trial_keeps_its_weights(tmp_path: Path) -> None:
    """The best epoch would vanish from under a training."""
    search = Simulated(tmp_path, random_oracle(), keep=1)
    running = search.begin("other")
    weights = Path(
        search.tuner.get_trial_dir(running.trial_id), "checkpoint.weights.h5"
    )
    weights.write_bytes(b"x")
    search.run(3.0, 2.0)
    assert search.weights == {running.trial_id, "1"}
    search.end(running, 1.0)
    assert search.weights == {"1"}


def test_only_what_kerastuner_wrote_is_deleted(tmp_path: Path) -> None:
    """Files of the user would be lost."""
    search = Simulated(tmp_path, random_oracle(), keep=1)
    others = [
        search.directory / "trial_0" / "my_plot.png",
        search.directory / "trial_0" / "sub" / "checkpoint.weights.h5",
        search.directory / "trial_of_mine" / "checkpoint.weights.h5",
        search.directory / "trial_7" / "checkpoint.weights.h5",  # Not started yet.
        tmp_path / "trial_0" / "checkpoint.weights.h5",
    ]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    kept = search.directory / "trial_0" / "checkpoint.kept-0-3.weights.h5"
    kept.write_bytes(b"x")
    search.run(1.0, 2.0)
    assert search.weights == {"1", "7", "of_mine"}
    assert all(path.exists() for path in others)
    assert not kept.exists()


def test_an_empty_directory_goes(tmp_path: Path) -> None:
    """Ten thousand trials would leave ten thousand directories."""
    search = Simulated(tmp_path, random_oracle(), keep=1)
    search.oracle._save_trial = lambda trial: None  # As under a journal.
    search.run(1.0, 2.0, 3.0)
    assert [path.name for path in search.directory.glob("trial_*")] == ["trial_2"]


def test_a_resumed_search_deletes_what_the_earlier_part_left(tmp_path: Path) -> None:
    """Each interruption would leave a generation of weights for ever."""
    search = Simulated(tmp_path, random_oracle(), keep=1)
    search.run(5.0)
    search.cleaner.trial_ended = lambda trial_id: []  # type: ignore[method-assign]
    search.run(3.0, 4.0)
    assert search.weights == {"0", "1", "2"}
    search.cleaner = WeightsCleaner(search.tuner, search.oracle, str(tmp_path), keep=1)
    search.run(1.0)
    assert search.weights == {"0"}


class MyOracle(keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """An oracle whose trials may continue from any other."""


def test_an_oracle_of_the_user_keeps_all_weights(tmp_path: Path) -> None:
    """Population-based training would lose its population."""
    objective = keras_tuner.Objective("score", "max")
    search = Simulated(tmp_path, MyOracle(objective, max_trials=5, seed=1), keep=1)
    search.run(1.0, 2.0, 3.0)
    assert search.weights == {"0", "1", "2"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("workers", [1, 5])
def test_hyperband_finds_what_it_continues_from(
    tmp_path: Path, seed: int, workers: int
) -> None:
    """A trial would begin with weights that are gone, and fail."""
    rng = random.Random(seed)
    oracle = keras_tuner.oracles.HyperbandOracle(
        keras_tuner.Objective("score", "max"), max_epochs=27, seed=seed
    )
    search = Simulated(tmp_path, oracle)
    running: dict[str, Any] = {}
    most, ended = 0, 0
    while True:
        for tuner_id in map(str, range(workers)):
            if tuner_id not in running:
                trial = search.begin(tuner_id)
                if trial.status == "RUNNING":
                    running[tuner_id] = trial
        if not running:
            break
        needed = [
            t.hyperparameters.values.get("tuner/trial_id") for t in running.values()
        ]
        assert search.weights.issuperset(filter(None, needed))
        search.end(running.pop(rng.choice(sorted(running))), rng.random())
        most, ended = max(most, len(search.weights)), ended + 1
    assert ended > 60
    best = {trial.trial_id for trial in oracle.get_best_trials(2)}
    # Those that the best are built from; the last bracket has no round to come.
    parents = {
        oracle.trials[trial_id].hyperparameters.values.get("tuner/trial_id")
        for trial_id in best
    }
    assert search.weights == best | (parents - {None})
    assert most < 18, most  # A third of the largest round, and a few.


def test_what_a_failed_trial_was_to_continue_from_stays(tmp_path: Path) -> None:
    """Run again, it would fail again: its weights to begin with would be gone."""
    oracle = keras_tuner.oracles.HyperbandOracle(
        keras_tuner.Objective("score", "max"),
        max_epochs=4,
        factor=2,
        seed=1,
        max_consecutive_failed_trials=99,
    )
    search = Simulated(tmp_path, oracle, keep=1)
    parents = set()
    for score in itertools.count():
        trial = search.begin()
        if trial.status != "RUNNING":
            break
        parent = trial.hyperparameters.values.get("tuner/trial_id")
        search.end(trial, float(score) if parent is None else None)
        parents |= {parent} - {None}
    assert parents and search.weights >= parents


@pytest.mark.slow
def test_a_real_search_keeps_loadable_models(tmp_path: Path) -> None:
    """The weights that are kept could not be loaded."""
    tuner = keras_tuner.Hyperband(
        build, "val_loss", max_epochs=4, seed=1, directory=tmp_path
    )
    cleaner = WeightsCleaner(tuner, tuner.oracle, str(tmp_path), keep=3)
    instrument(tuner, str(tmp_path), 5, cleaner=cleaner)
    tuner.search(**DATA)
    assert len(tuner.oracle.trials) > 5
    models = tuner.get_best_models(3)
    scores = [trial.score for trial in tuner.oracle.get_best_trials(3)]
    x, y = DATA["x"][60:], DATA["y"][60:]
    losses = [model.evaluate(x, y, verbose=0) for model in models]
    assert losses == pytest.approx(scores)
    assert len(list(tmp_path.rglob("*.weights.h5"))) <= 6


@pytest.mark.slow
def test_scikit_learn_models_are_deleted_too(tmp_path: Path) -> None:
    """Forests can be as large as networks."""
    linear_model = pytest.importorskip("sklearn.linear_model")

    def make(hp: Any) -> Any:
        return linear_model.Ridge(alpha=hp.Float("alpha", 0.1, 10.0))

    tuner = keras_tuner.SklearnTuner(random_oracle(), make, directory=tmp_path)
    cleaner = WeightsCleaner(tuner, tuner.oracle, str(tmp_path), keep=2)
    instrument(tuner, str(tmp_path), 5, cleaner=cleaner)
    tuner.search(DATA["x"], DATA["y"][:, 0])
    assert len(list(tmp_path.rglob("model.pickle"))) == 2
    assert len(tuner.get_best_models(2)) == 2


@pytest.mark.parametrize("remote", [False, True])
def test_a_trial_without_files_costs_one_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: bool
) -> None:
    """Each trial that trains no Keras model would cost five requests to a bucket."""
    monkeypatch.setattr(files, "is_remote", lambda path: remote)
    monkeypatch.setattr(files, "exists", os.path.exists)
    simulated = Simulated(tmp_path, random_oracle(), keep=0)
    trial = simulated.begin()
    trial.status = "FAILED"
    simulated.oracle.end_trial(trial)
    shutil.rmtree(simulated.directory / f"trial_{trial.trial_id}")
    monkeypatch.setattr(files, "remove_tree", lambda path: None)  # Of checkpoints.
    removed: list[str] = []
    monkeypatch.setattr(files, "remove", removed.append)
    simulated.cleaner._present = set()
    simulated.cleaner.trial_ended(trial.trial_id)
    assert not removed and not simulated.cleaner._present
