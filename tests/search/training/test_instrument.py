"""Searches that are interrupted in the middle of a trial, and go on."""

from __future__ import annotations

import collections
import copy
import dataclasses
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import keras
import keras_tuner
import numpy as np
import pytest

from tests.search.conftest import Mount
from tests.support.keras_trials import (
    DATA,
    EveryEpoch,
    Interrupt,
    InterruptAt,
    X,
    Y,
    build,
    build_traced,
    outcome,
)
from tuner_component.search.errors import StorageError
from tuner_component.search.training.instrument import instrument
from tuner_component.search.training.write_budget import WriteBudget

pytestmark = pytest.mark.slow


def run(
    tuner: Any,
    study: Path,
    interrupt_after: int | None = None,
    budget: WriteBudget | None = None,
    **fit_kwargs: Any,
) -> bool:
    """Searches; returns whether it came to its end."""
    instrument(tuner, str(study), 5, budget=budget or EveryEpoch())
    InterruptAt.after(interrupt_after)
    callbacks = [InterruptAt(), *fit_kwargs.pop("callbacks", [])]
    try:
        tuner.search(**{**DATA, "epochs": 4, "callbacks": callbacks, **fit_kwargs})
    except Interrupt:
        return False
    return True


def random_search(study: Path, hypermodel: Any = build, **kwargs: Any) -> Any:
    kwargs = {"objective": "val_loss", "max_trials": 1, "seed": 3, **kwargs}
    return keras_tuner.RandomSearch(hypermodel, directory=study / "workdir", **kwargs)


def leftovers(study: Path) -> list[Path]:
    """Files of saved trainings and kept weights."""
    return [*study.glob("trials/*/training/*"), *study.rglob("*.kept-*")]


@pytest.mark.parametrize("hypermodel", [build, build_traced])
def test_an_interrupted_trial_ends_as_if_it_never_was(
    tmp_path: Path, hypermodel: Any
) -> None:
    """An interruption would cost the epochs before it, or change the result."""
    whole = random_search(tmp_path / "a", hypermodel)
    assert run(whole, tmp_path / "a")
    assert not run(random_search(tmp_path / "b", hypermodel), tmp_path / "b", 3)
    again = random_search(tmp_path / "b", hypermodel)
    assert run(again, tmp_path / "b")
    # Epoch 2 was finished, and not saved yet.
    assert InterruptAt.epochs == [2, 3]
    assert outcome(again) == outcome(whole)
    assert leftovers(tmp_path) == []


def test_the_best_epoch_counts_though_it_was_before_the_interruption(
    tmp_path: Path,
) -> None:
    """The score would be that of the epochs after it, the weights would be lost."""

    class Diverging(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = 0.05 if epoch < 2 else 5.0

    def search(interrupt_after: int | None) -> Any:
        tuner = random_search(tmp_path)
        done = run(tuner, tmp_path, interrupt_after, epochs=6, callbacks=[Diverging()])
        return tuner if done else None

    assert search(5) is None
    tuner = search(None)
    assert InterruptAt.epochs == [4, 5]
    (trial,) = tuner.oracle.get_best_trials()
    assert trial.best_step in (0, 1)
    (model,) = tuner.get_best_models()
    assert model.evaluate(X[60:], Y[60:], verbose=0) == pytest.approx(trial.score)


def test_executions_go_on_in_the_right_one(tmp_path: Path) -> None:
    """Earlier executions would be trained again, or their results be lost."""
    whole = random_search(tmp_path / "a", executions_per_trial=3)
    assert run(whole, tmp_path / "a")
    study = tmp_path / "b"
    assert not run(random_search(study, executions_per_trial=3), study, 7)
    assert not run(random_search(study, executions_per_trial=3), study, 3)
    assert InterruptAt.epochs == [2, 3, 0]
    again = random_search(study, executions_per_trial=3)
    assert run(again, study)
    assert InterruptAt.epochs == [0, 1, 2, 3]
    assert outcome(again) == outcome(whole)


def test_hyperband_goes_on_in_a_trial_that_continues_another(tmp_path: Path) -> None:
    """It would train from the other trial's weights again, or from none."""

    def hyperband(study: Path) -> Any:
        return keras_tuner.Hyperband(
            build,
            "val_loss",
            max_epochs=4,
            factor=4,
            seed=3,
            directory=study / "workdir",
            # One bracket: one epoch for a few trials, then 4 for the best of them.
            hyperband_iterations=1,
        )

    whole = hyperband(tmp_path / "a")
    assert run(whole, tmp_path / "a")
    epochs = list(InterruptAt.epochs)
    first = next(i for i, epoch in enumerate(epochs) if epoch == 2)
    study = tmp_path / "b"
    assert not run(hyperband(study), study, first + 1)
    again = hyperband(study)
    assert run(again, study)
    assert InterruptAt.epochs == epochs[first:]
    assert outcome(again) == outcome(whole)


class Phases(keras_tuner.HyperModel):  # type: ignore[misc]
    """Trains twice, with another optimizer, and evaluates by itself."""

    def build(self, hp: Any) -> Any:
        return build(hp)

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        first = model.fit(*args, **kwargs)
        model.compile(keras.optimizers.SGD(hp.Float("second", 1e-3, 1e-2)), "mse")
        between = model.evaluate(X, Y, verbose=0)
        model.fit(*args, **kwargs)
        return {
            "val_loss": model.evaluate(X, Y, verbose=0) + between,
            "first": min(first.history["val_loss"]),
        }


@pytest.fixture(scope="module")
def whole_phases(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The trial of a search that nobody interrupted."""
    study = tmp_path_factory.mktemp("whole")
    whole = random_search(study, Phases())
    assert run(whole, study)
    assert InterruptAt.epochs == [0, 1, 2, 3, 0, 1, 2, 3]
    (trial,) = whole.oracle.get_best_trials()
    return trial


@pytest.mark.parametrize("interrupt_after", [3, 4, 5, 7])
def test_phases_of_a_users_fit_go_on(
    tmp_path: Path, whole_phases: Any, interrupt_after: int
) -> None:
    """An override of HyperModel.fit would see a model it did not leave so."""
    assert not run(random_search(tmp_path, Phases()), tmp_path, interrupt_after)
    again = random_search(tmp_path, Phases())
    assert run(again, tmp_path)
    assert len(InterruptAt.epochs) == 8 - interrupt_after + 1
    (received,) = again.oracle.get_best_trials()
    assert received.score == whole_phases.score
    assert received.metrics.get_config() == whole_phases.metrics.get_config()


class NotAtTheEnd(EveryEpoch):
    """Writes after every epoch, but never the state after a whole training."""

    def allows(self, size: int, at_end: bool = False) -> bool:
        return not at_end


class StallsInSecondPhase(keras.callbacks.Callback):  # type: ignore[misc]
    """Makes the first epoch of the second phase the best of all."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if isinstance(self.model.optimizer, keras.optimizers.SGD) and epoch > 0:
            self.model.optimizer.learning_rate = 0.0


def test_epochs_gone_through_again_leave_the_best_weights_alone(tmp_path: Path) -> None:
    """The weights would be those of an earlier phase, not those of the best epoch."""

    def search(study: Path, after: int | None) -> Any:
        tuner = random_search(study, Phases())
        callbacks = [StallsInSecondPhase()]
        done = run(tuner, study, after, NotAtTheEnd(), callbacks=callbacks)
        return tuner if done else None

    whole = search(tmp_path / "a", None)
    assert search(tmp_path / "b", 6) is None
    again = search(tmp_path / "b", None)
    # The last epoch of the first phase, then the second phase after its first epoch.
    assert InterruptAt.epochs == [3, 1, 2, 3]
    assert outcome(again) == outcome(whole)


class Folds(keras_tuner.RandomSearch):  # type: ignore[misc]
    """A cross-validation that looks at the models themselves."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        losses = []
        for fold in range(2):
            model = self.hypermodel.build(trial.hyperparameters)
            x, y = X[fold::2], Y[fold::2]
            callbacks = [InterruptAt()]
            model.fit(x, y, None, 4, 0, callbacks)  # Callbacks by position.
            losses.append(model.evaluate(X[1 - fold :: 2], Y[1 - fold :: 2], verbose=0))
        return float(np.mean(losses))


def test_a_users_run_trial_goes_on(tmp_path: Path) -> None:
    """Cross-validations would begin with their first fold again."""

    def search(study: Path, after: int | None) -> Any:
        tuner = Folds(
            build, "val_loss", max_trials=1, seed=3, directory=study / "workdir"
        )
        return tuner if run(tuner, study, after) else None

    whole = search(tmp_path / "a", None)
    assert search(tmp_path / "b", 6) is None
    again = search(tmp_path / "b", None)
    assert InterruptAt.epochs == [1, 2, 3]
    (expected,), (received,) = (t.oracle.get_best_trials() for t in (whole, again))
    assert received.score == expected.score


class LoadsTheBest(keras_tuner.HyperModel):  # type: ignore[misc]
    """Evaluates the epoch that a callback saved, from a file that only it knows."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._path = str(directory / "best.weights.h5")

    def build(self, hp: Any) -> Any:
        return build(hp)

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        saving = keras.callbacks.ModelCheckpoint(
            self._path,
            "val_loss",
            mode="max",
            save_best_only=True,
            save_weights_only=True,
        )
        kwargs["callbacks"] = [*kwargs["callbacks"], saving]
        model.fit(*args, **kwargs)
        model.load_weights(self._path)
        return {"val_loss": model.evaluate(X, Y, verbose=0)}


def test_a_file_that_the_users_code_reads_is_there(tmp_path: Path) -> None:
    """A trial whose worker died would fail for a file that went with the worker."""

    def search(study: Path, name: str, after: int | None) -> Any:
        (directory := tmp_path / name).mkdir()
        tuner = random_search(study, LoadsTheBest(directory))
        return tuner if run(tuner, study, after) else None

    whole = search(tmp_path / "a", "work a", None)
    assert search(tmp_path / "b", "work b", 3) is None
    again = search(tmp_path / "b", "work b again", None)
    (expected,), (received,) = (t.oracle.get_best_trials() for t in (whole, again))
    assert received.score == expected.score


class Shuffled(keras.utils.PyDataset):  # type: ignore[misc]
    """Two batches, in another order after each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.order = np.arange(len(X))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return X[self.order[index::2]], Y[self.order[index::2]]

    def on_epoch_end(self) -> None:
        np.random.shuffle(self.order)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"batch_size": 8, "steps_per_epoch": 2}, "steps_per_epoch"),
        (
            {"x": Shuffled(), "y": None, "validation_split": 0.0},
            "Shuffled.on_epoch_end",
        ),
        ({}, None),
    ],
    ids=["steps_per_epoch", "a PyDataset", "arrays"],
)
def test_data_that_begin_anew_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: Any, why: str | None
) -> None:
    """A trial would have another score than undisturbed, and nobody be told."""
    data = {"validation_data": (X, Y), "validation_split": 0.0, **changes}
    assert not run(random_search(tmp_path), tmp_path, 2, **data)
    with caplog.at_level(logging.WARNING):
        assert run(random_search(tmp_path), tmp_path, **data)
    said = [text for text in caplog.messages if "its data begin anew" in text]
    assert [why in text for text in said] == [True] * (why is not None)


def test_early_stopping_stops_where_it_would_have(tmp_path: Path) -> None:
    """Each interruption would grant a trial its whole patience again."""

    def search(study: Path, after: int | None) -> Any:
        stopping = keras.callbacks.EarlyStopping(
            "val_loss", min_delta=1e9, patience=4, restore_best_weights=True
        )
        tuner = random_search(study)
        return tuner if run(tuner, study, after, epochs=20, callbacks=[stopping]) else 0

    whole = search(tmp_path / "a", None)
    assert InterruptAt.epochs == [0, 1, 2, 3, 4]
    assert not search(tmp_path / "b", 3)
    again = search(tmp_path / "b", None)
    assert InterruptAt.epochs == [2, 3, 4]
    assert outcome(again) == outcome(whole)


def test_a_torn_checkpoint_starts_the_training_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A power loss would fail the trial, or have it train on garbage."""
    assert not run(random_search(tmp_path), tmp_path, 3)
    (state,) = tmp_path.glob("trials/*/training/fit-*")
    state.write_bytes(state.read_bytes()[:-100])
    with caplog.at_level(logging.WARNING):
        tuner = random_search(tmp_path)
        assert run(tuner, tmp_path)
    assert InterruptAt.epochs == [0, 1, 2, 3]
    assert "starts over" in caplog.text
    assert tuner.oracle.get_best_trials()[0].score is not None


def test_a_checkpoint_of_another_model_starts_the_training_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A module edited in a study that was named by hand would fail its trial."""
    assert not run(random_search(tmp_path), tmp_path, 3)

    def larger(hp: Any) -> Any:
        hp.Int("units", 4, 8), hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
        model = keras.Sequential([keras.layers.Dense(9), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    with caplog.at_level(logging.WARNING):
        assert run(random_search(tmp_path, larger), tmp_path)
    assert InterruptAt.epochs == [0, 1, 2, 3]
    assert "starts over" in caplog.text


def test_a_full_disk_does_not_stop_the_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A checkpoint is a help; without it the trial must still end."""
    (tmp_path / "trials").write_text("no directory can be made here")
    with caplog.at_level(logging.WARNING):
        assert run(random_search(tmp_path), tmp_path)
    assert "training goes on" in caplog.text


def test_a_failed_run_is_retried_from_the_start_with_another_seed(
    tmp_path: Path,
) -> None:
    """KerasTuner's own retry would repeat the failure, from its last epoch."""
    kernels = []

    class Fails(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 0:
                kernels.append(self.model.get_weights()[0].tolist())
            if epoch == 2 and len(kernels) < 3:
                raise RuntimeError("diverged")

    tuner = random_search(tmp_path, max_retries_per_trial=2)
    assert run(tuner, tmp_path, callbacks=[Fails()])
    assert InterruptAt.epochs == [0, 1, 2, 0, 1, 2, 0, 1, 2, 3]
    assert kernels[0] != kernels[1] != kernels[2]
    assert leftovers(tmp_path) == []


def test_a_run_that_had_no_memory_goes_on_from_where_it_was(tmp_path: Path) -> None:
    """The next attempt, with the machine to itself, would repeat what went well."""
    failures = [MemoryError()]

    class Fails(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2 and failures:
                raise failures.pop()

    tuner = random_search(tmp_path, max_retries_per_trial=1)
    assert run(tuner, tmp_path, callbacks=[Fails()])
    assert InterruptAt.epochs == [0, 1, 2, 2, 3]
    assert leftovers(tmp_path) == []


def test_a_run_that_had_no_space_goes_on_from_where_it_was(
    tmp_path: Path, mount: Mount
) -> None:
    """The trial would fail for its weights, or start over once there is space."""
    whole = random_search(tmp_path / "a")
    assert run(whole, tmp_path / "a")
    study, disk = tmp_path / "b", mount("size=4m")
    study.mkdir()
    (study / "workdir").symlink_to(disk)
    ballast = disk / "ballast"

    class Fills(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                status = os.statvfs(disk)
                ballast.write_bytes(bytes(status.f_bavail * status.f_bsize))

    with pytest.raises(StorageError, match="trial 0 to find space"):
        run(random_search(study), study, callbacks=[Fills()])
    ballast.unlink()
    again = random_search(study)
    assert run(again, study)
    assert InterruptAt.epochs == [2, 3]
    assert outcome(again) == outcome(whole)
    assert leftovers(tmp_path) == []


def test_the_same_study_seed_gives_the_same_scores(tmp_path: Path) -> None:
    """No search could be repeated."""
    outcomes = []
    for name in ("a", "b"):
        tuner = random_search(tmp_path / name, max_trials=2, executions_per_trial=2)
        assert run(tuner, tmp_path / name)
        outcomes.append(outcome(tuner))
    assert outcomes[0] == outcomes[1]
    assert len(set(outcomes[0]["scores"])) == 2


def test_a_seed_set_in_build_wins(tmp_path: Path) -> None:
    """A user who fixes the initial weights would not get them."""
    kernels = []

    def seeded(hp: Any) -> Any:
        keras.utils.set_random_seed(1)
        model = build(hp)
        model.build((None, 4))
        kernels.append(model.get_weights()[0].tolist())
        return model

    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Fixed("units", 4)
    tuner = random_search(
        tmp_path, seeded, max_trials=2, hyperparameters=hyperparameters
    )
    assert run(tuner, tmp_path, epochs=1)
    assert len(kernels) > 2 and all(kernel == kernels[0] for kernel in kernels)


@dataclasses.dataclass(frozen=True)
class Frozen(keras_tuner.HyperModel):  # type: ignore[misc]
    """A hypermodel whose attributes cannot be set."""

    most_units: int = 8

    def build(self, hp: Any) -> Any:
        hp.Int("units", 4, self.most_units)
        return build(hp)


def test_a_frozen_hypermodel_is_searched(tmp_path: Path) -> None:
    """The search would end with an error before its first trial."""
    assert run(random_search(tmp_path, Frozen()), tmp_path, epochs=1)


def test_seeds_are_noted(tmp_path: Path) -> None:
    """The record of a trial would lack what it takes to repeat it."""
    noted: dict[str, Any] = {}
    tuner = random_search(tmp_path, max_trials=2)

    def note(trial_id: str, **facts: Any) -> None:
        noted[trial_id] = facts

    instrument(tuner, str(tmp_path), 5, note=note)
    tuner.search(**DATA, epochs=1)
    assert set(noted) == {"0", "1"}
    assert noted["0"]["seed"] != noted["1"]["seed"]


class OwnLoop(keras_tuner.HyperModel):  # type: ignore[misc]
    """Trains by hand, and calls the callbacks it was given by hand."""

    def build(self, hp: Any) -> Any:
        return build(hp)

    def fit(self, hp: Any, model: Any, **kwargs: Any) -> float:
        for callback in kwargs["callbacks"]:
            callback.set_model(model)
        for epoch in range(2):
            loss = float(model.train_on_batch(X, Y))
            for callback in kwargs["callbacks"]:
                callback.on_epoch_end(epoch, {"val_loss": loss})
        return loss


def test_a_users_own_training_loop_is_left_alone(tmp_path: Path) -> None:
    """It would be handed callbacks that do not fit into it."""
    tuner = random_search(tmp_path, OwnLoop())
    assert run(tuner, tmp_path)
    assert InterruptAt.epochs == [0, 1]
    assert tuner.get_best_models()


class OwnFit(keras.Sequential):  # type: ignore[misc]
    """A model with a `fit` of its own signature."""

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        return super().fit(*args, **kwargs)


def test_a_model_with_its_own_fit_goes_on(tmp_path: Path) -> None:
    """Only models with Keras' own signature could be interrupted."""

    def own(hp: Any) -> Any:
        hp.Int("units", 4, 8)
        model = OwnFit([keras.layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    assert not run(random_search(tmp_path, own), tmp_path, 3)
    assert run(random_search(tmp_path, own), tmp_path)
    assert InterruptAt.epochs == [2, 3]


class TrainsTwice(keras.Sequential):  # type: ignore[misc]
    """A model whose `fit` is two trainings with the callbacks that it is given."""

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        super().fit(*args, **kwargs)
        self.optimizer.learning_rate = 0.05
        return super().fit(*args, **kwargs)


class WarmsUp(keras.Sequential):  # type: ignore[misc]
    """A model whose `fit` calls itself."""

    def fit(self, *args: Any, warm: bool = False, **kwargs: Any) -> Any:
        if not warm:
            self.fit(*args, warm=True, **kwargs)
            self.optimizer.learning_rate = 0.05
        return super().fit(*args, **kwargs)


@pytest.mark.parametrize("interrupt_after", [3, 5, 7])
@pytest.mark.parametrize("cls", [TrainsTwice, WarmsUp])
def test_several_trainings_in_one_fit_are_what_they_are_in_stock(
    tmp_path: Path, cls: Any, interrupt_after: int
) -> None:
    """The second would be mixed up with the first: in its curve, or when it goes on."""

    def own(hp: Any) -> Any:
        hp.Int("units", 4, 8)
        model = cls([keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.001), "mse", run_eagerly=True)
        return model

    whole = random_search(tmp_path / "a", own)
    assert run(whole, tmp_path / "a")
    assert InterruptAt.epochs == [0, 1, 2, 3, 0, 1, 2, 3]
    (expected,) = whole.oracle.get_best_trials()
    assert expected.best_step == 3
    study = tmp_path / "b"
    assert not run(random_search(study, own), study, interrupt_after)
    again = random_search(study, own)
    assert run(again, study)
    # Of the second one, nothing is saved.
    first = [2, 3] if interrupt_after == 3 else [3]
    assert InterruptAt.epochs == [*first, 0, 1, 2, 3]
    (received,) = again.oracle.get_best_trials()
    assert (received.score, received.best_step) == (expected.score, expected.best_step)


def test_a_model_can_be_trained_and_saved_after_the_search(tmp_path: Path) -> None:
    """Hooks would outlive the search, or end up in saved models."""
    tuner = random_search(tmp_path / "study")
    assert run(tuner, tmp_path / "study")
    (model,) = tuner.get_best_models()
    assert "fit" not in vars(model)
    models = []
    tuner = random_search(
        tmp_path / "other", lambda hp: models.append(build(hp)) or models[-1]
    )
    assert run(tuner, tmp_path / "other")
    models[-1].fit(X, Y, verbose=0)
    models[-1].save(tmp_path / "model.keras")
    keras.models.load_model(tmp_path / "model.keras")
    assert leftovers(tmp_path) == []


def test_the_default_budget_spares_short_trainings(tmp_path: Path) -> None:
    """Searches of tiny models would spend their time writing checkpoints."""
    tuner = random_search(tmp_path)
    assert run(tuner, tmp_path, 2, budget=WriteBudget(1e-6)) is False
    assert list(tmp_path.glob("trials/*/training/*")) == []


class Clock:
    """Each process has its own."""

    seconds: ClassVar[float] = 0.0


class TimeStopping(keras.callbacks.Callback):  # type: ignore[misc]
    """As TensorFlow Addons': a training may take so many seconds."""

    def on_train_begin(self, logs: Any = None) -> None:
        self.stopping_time = Clock.seconds + 20

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if Clock.seconds >= self.stopping_time:
            self.model.stop_training = True


def test_a_time_limit_does_not_end_the_training_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The trial would be completed with the score of its first epochs."""
    callbacks = [TimeStopping()]
    assert not run(random_search(tmp_path), tmp_path, 3, callbacks=callbacks)
    monkeypatch.setattr(Clock, "seconds", 1000.0)
    with caplog.at_level(logging.WARNING):
        assert run(random_search(tmp_path), tmp_path, callbacks=callbacks)
    assert InterruptAt.epochs == [2, 3]
    assert "this is not as it was: TimeStopping.stopping_time" in caplog.text


class Gathering(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps what it has seen in all kinds of ways, and who runs it."""

    process = 1
    told: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        super().__init__()
        self.last = collections.deque[int](maxlen=2)
        self.kinds = collections.Counter[str]()
        self.distinct: set[int] = set()
        self.histogram = np.zeros(3, "int64")

    def on_train_begin(self, logs: Any = None) -> None:
        self.owner = self.process  # As `os.getpid()`, or a descriptor of a file.

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.last.append(epoch)
        self.kinds["odd" if epoch % 2 else "even"] += 1
        self.distinct.add(epoch)
        self.histogram[epoch % 3] += 1
        seen = (self.last, self.kinds, self.distinct, self.histogram.tolist())
        self.told[:] = [self.owner, *copy.deepcopy(seen)]


def test_callbacks_go_on_with_what_they_have_seen_in_the_new_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts would silently begin again, and ids be those of the process that died."""
    callbacks = [Gathering()]
    assert run(random_search(tmp_path / "a"), tmp_path / "a", callbacks=callbacks)
    expected = [2, *Gathering.told[1:]]
    study = tmp_path / "b"
    assert not run(random_search(study), study, 3, callbacks=callbacks)
    monkeypatch.setattr(Gathering, "process", 2)
    assert run(random_search(study), study, callbacks=callbacks)
    assert InterruptAt.epochs == [2, 3]
    assert Gathering.told == expected


class Pair(keras.Model):  # type: ignore[misc]
    """Two parts with an optimizer each, in a container."""

    def __init__(self, container: type[Any]) -> None:
        super().__init__()
        self.parts = [
            keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
            for _ in range(2)
        ]
        optimizers = [keras.optimizers.Adam(1e-2 * n) for n in (1, 2)]
        self.opts = container(enumerate(optimizers))
        self.built = True

    def call(self, x: Any) -> Any:
        return self.parts[0](x) + self.parts[1](x)

    def train_step(self, data: Any) -> Any:
        import tensorflow as tf

        x, y = data
        with tf.GradientTape(persistent=True) as tape:
            loss = self.compute_loss(x, y, self(x))
        for number, optimizer in dict(self.opts).items():
            weights = self.parts[number].trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        self._loss_tracker.update_state(loss)
        return {"loss": self._loss_tracker.result()}


class Counting(keras.Sequential):  # type: ignore[misc]
    """Has another aim with each step, which it counts without Keras."""

    def __init__(self) -> None:
        import tensorflow as tf

        super().__init__([keras.Input((4,)), keras.layers.Dense(1)])
        self.steps = tf.Variable(0.0, trainable=False)

    def train_step(self, data: Any) -> Any:
        x, y = data
        self.steps.assign_add(1.0)
        return super().train_step((x, y + self.steps))


@pytest.mark.parametrize(
    "make",
    [lambda: Pair(dict), lambda: Pair(list), Counting],
    ids=["optimizers in a dictionary", "optimizers in a list", "a variable"],
)
def test_what_keras_does_not_know_of_a_model_goes_on(
    tmp_path: Path, make: Callable[[], Any]
) -> None:
    """Slots or counters would begin again, and the trial end with another score."""

    def made(hp: Any) -> Any:
        hp.Int("units", 4, 8)
        model = make()
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    whole = random_search(tmp_path / "a", made)
    assert run(whole, tmp_path / "a")
    study = tmp_path / "b"
    assert not run(random_search(study, made), study, 3)
    again = random_search(study, made)
    assert run(again, study)
    assert InterruptAt.epochs == [2, 3]
    (expected,), (received,) = (t.oracle.get_best_trials() for t in (whole, again))
    assert received.score == expected.score


def test_a_model_that_cannot_be_saved_starts_over_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It would go on with a part of its state, or start over without a word."""

    def with_noise(hp: Any) -> Any:
        model = build(hp)
        model.noise = iter([1, 2, 3])
        return model

    with caplog.at_level(logging.WARNING):
        assert not run(random_search(tmp_path, with_noise), tmp_path, 3)
    assert "After an interruption it starts over" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert run(random_search(tmp_path, with_noise), tmp_path)
    assert InterruptAt.epochs == [0, 1, 2, 3]
    assert "starts over" in caplog.text and "noise: an iterator" in caplog.text
    assert leftovers(tmp_path) == []
