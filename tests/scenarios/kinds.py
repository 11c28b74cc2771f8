"""Tuners and oracles, as people set them up."""

import math
import os
from typing import Any

import keras
import keras_tuner
import tensorflow as tf
from sklearn import linear_model
from tfx.components.tuner.component import TunerFnResult

from tests.scenarios.common import LABELS, X, batch, build, data, search


def bayesian(fn_args: Any) -> Any:
    return search(fn_args, cls=keras_tuner.BayesianOptimization)


def grid(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        hp.Choice("activation", ["relu", "tanh"])
        hp.Fixed("units", 3)
        return build(hp)

    return search(fn_args, model, cls=keras_tuner.GridSearch, max_trials=2)


def hyperband(fn_args: Any) -> Any:
    return search(
        fn_args,
        fit_kwargs=data(epochs=None),
        cls=keras_tuner.Hyperband,
        max_epochs=2,
        factor=2,
        max_trials=None,
    )


def scikit_learn(fn_args: Any) -> Any:
    def ridge(hp: Any) -> Any:
        return linear_model.Ridge(alpha=hp.Float("alpha", 1e-3, 1, sampling="log"))

    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("score", "max"), max_trials=2, seed=1
    )
    tuner = keras_tuner.SklearnTuner(
        oracle, ridge, directory=fn_args.working_dir, project_name="project"
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={"X": X, "y": LABELS.ravel()})


class _Untrained(keras_tuner.engine.base_tuner.BaseTuner):
    def run_trial(self, trial: Any, offset: float) -> Any:
        return trial.hyperparameters.Float("x", -1.0, 1.0) ** 2 + offset

    def load_model(self, trial: Any) -> Any:
        return None


def base_tuner(fn_args: Any) -> Any:
    oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=3, seed=1)
    tuner = _Untrained(oracle, directory=fn_args.working_dir, project_name="project")
    return TunerFnResult(tuner=tuner, fit_kwargs={"offset": 1.0})


class _Sparse(_Untrained):
    """Tells the oracle by itself, as was usual once, and returns what is of no use."""

    def run_trial(self, trial: Any, offset: float) -> Any:
        value = trial.hyperparameters.Float("x", -1.0, 1.0)
        self.oracle.update_trial(trial.trial_id, {"cost": value})
        return {"something": value}


def base_tuner_that_updates_the_oracle(fn_args: Any) -> Any:
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("cost", "min"), max_trials=2, seed=1
    )
    tuner = _Sparse(oracle, directory=fn_args.working_dir, project_name="project")
    return TunerFnResult(tuner=tuner, fit_kwargs={"offset": 1.0})


class _Folds(keras_tuner.RandomSearch):  # type: ignore[misc]
    def run_trial(self, trial: Any, x: Any, y: Any, **kwargs: Any) -> Any:
        losses = []
        for fold in range(2):
            model = self.hypermodel.build(trial.hyperparameters)
            kept, left = slice(fold, None, 2), slice(1 - fold, None, 2)
            model.fit(batch(x[kept], y[kept]), **kwargs)
            losses.append(model.evaluate(batch(x[left], y[left]), verbose=0))
        return sum(losses) / len(losses)


def cross_validation(fn_args: Any) -> Any:
    folds = {"x": X, "y": LABELS, "verbose": 0}
    return search(fn_args, fit_kwargs=folds, cls=_Folds, objective="loss")


class _TunesFit(keras_tuner.RandomSearch):  # type: ignore[misc]
    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs["epochs"] = trial.hyperparameters.Int("epochs", 1, 2)
        return super().run_trial(trial, *args, **kwargs)


def run_trial_that_tunes_fit(fn_args: Any) -> Any:
    return search(fn_args, fit_kwargs=data(epochs=None), cls=_TunesFit)


class _Searches(keras_tuner.RandomSearch):  # type: ignore[misc]
    def search(self, *args: Any, **kwargs: Any) -> Any:
        super().search(*args, validation_data=(X, LABELS), **kwargs)
        self.get_best_models(1)


def search_that_adds_validation(fn_args: Any) -> Any:
    return search(fn_args, fit_kwargs=data(validation_data=None), cls=_Searches)


class _Prepares(keras_tuner.RandomSearch):  # type: ignore[misc]
    scale: float | None = None

    def on_trial_begin(self, trial: Any) -> None:
        super().on_trial_begin(trial)
        self.scale = 2.0


def build_that_needs_the_trials_begin(fn_args: Any) -> Any:
    tuners: list[Any] = []

    def model(hp: Any) -> Any:
        if tuners:
            hp.Fixed("scale", 1.0 / tuners[0].scale)
        return build(hp)

    result = search(fn_args, model, cls=_Prepares)
    tuners.append(result.tuner)
    return result


def loop_of_gradients(fn_args: Any) -> Any:
    class Loop(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return build(hp)

        def fit(self, hp: Any, model: Any, x: Any, y: Any, callbacks: Any) -> Any:
            for _ in range(2):
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
                weights = model.trainable_variables
                model.optimizer.apply(tape.gradient(loss, weights), weights)
            return float(loss)

    few = {"x": X, "y": LABELS}
    return search(fn_args, Loop(), few, objective="val_loss")


def known_space(fn_args: Any) -> Any:
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 3, 5)
    return search(
        fn_args, hyperparameters=hp, tune_new_entries=False, allow_new_entries=True
    )


def overridden_space(fn_args: Any) -> Any:
    hp = keras_tuner.HyperParameters()
    hp.Fixed("units", 3)
    hp.Choice("other", [1, 2, 3])
    return search(fn_args, hyperparameters=hp)


def conditional_space(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        kind = hp.Choice("kind", ["small", "large"])
        with hp.conditional_scope("kind", ["large"]):
            if kind == "large":
                hp.Float("rate", 0.1, 0.5)
        return build(hp)

    return search(fn_args, model, max_trials=3)


def executions(fn_args: Any) -> Any:
    return search(fn_args, executions_per_trial=2)


def overwriting(fn_args: Any) -> Any:
    return search(fn_args, overwrite=True)


def retries(fn_args: Any) -> Any:
    return search(fn_args, max_retries_per_trial=1)


def _diverging(hp: Any) -> Any:
    rate = hp.Choice("rate", [0.01, 0.02, math.inf])
    return build(hp, optimizer=keras.optimizers.SGD(rate))


def trials_that_diverge(fn_args: Any) -> Any:
    return search(fn_args, _diverging, max_trials=4)


class _Sometimes(_Untrained):
    def run_trial(self, trial: Any, offset: float) -> Any:
        x = trial.hyperparameters.Float("x", -1.0, 1.0)
        if int(trial.trial_id) in (0, 1, 4):
            raise ValueError("no such thing")
        return x + offset


def first_trials_that_fail(fn_args: Any) -> Any:
    oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=5, seed=1)
    tuner = _Sometimes(oracle, directory=fn_args.working_dir, project_name="project")
    return TunerFnResult(tuner=tuner, fit_kwargs={"offset": 1.0})


class _Partial(_Untrained):
    def run_trial(self, trial: Any, offset: float) -> Any:
        history = keras.callbacks.History()
        x = trial.hyperparameters.Float("x", -1.0, 1.0)
        history.history = {"loss": [x]} if trial.trial_id == "0" else {"cost": [x]}
        return history


def first_trial_without_the_objective(fn_args: Any) -> Any:
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("cost", "min"), max_trials=3, seed=1
    )
    tuner = _Partial(oracle, directory=fn_args.working_dir, project_name="project")
    return TunerFnResult(tuner=tuner, fit_kwargs={"offset": 1.0})


def directory_of_its_own(fn_args: Any) -> Any:
    result = search(fn_args, overwrite=True)
    assert os.path.isdir(result.tuner.project_dir)
    return result
