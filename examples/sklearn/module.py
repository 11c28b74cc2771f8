"""Gradient boosting and forests of scikit-learn on tf.Examples; no Keras model.

    tuner-component tune examples/sklearn/module.py --train DATA --out OUT \
        -- --model=boosting
"""

from __future__ import annotations

import keras_tuner
from sklearn import base, ensemble, model_selection
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data

COLUMNS = ("mean radius", "mean texture", "mean smoothness", "mean concavity")


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search: the mean accuracy of three folds is maximized."""
    oracle = keras_tuner.oracles.BayesianOptimizationOracle(
        objective=keras_tuner.Objective("score", "max"), max_trials=5, seed=1
    )
    tuner = keras_tuner.SklearnTuner(
        oracle,
        {"boosting": boosting, "forest": forest}[fn_args.custom_config["model"]],
        cv=model_selection.StratifiedKFold(3, shuffle=True, random_state=1),
        directory=fn_args.working_dir,
        project_name="sklearn",
    )
    x, y = data.table(
        fn_args, "train", COLUMNS, label="diagnosis", classes=["malignant", "benign"]
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={"X": x, "y": y})


def boosting(hp: keras_tuner.HyperParameters) -> base.ClassifierMixin:
    """Builds gradient boosting."""
    return ensemble.GradientBoostingClassifier(
        n_estimators=hp.Int("trees", 10, 40, step=10),
        max_depth=hp.Int("depth", 1, 4),
        learning_rate=hp.Float("rate", 0.03, 0.3, sampling="log"),
        random_state=1,
    )


def forest(hp: keras_tuner.HyperParameters) -> base.ClassifierMixin:
    """Builds a forest."""
    return ensemble.RandomForestClassifier(
        n_estimators=hp.Int("trees", 10, 40, step=10),
        max_depth=hp.Int("depth", 2, 10),
        max_features=hp.Choice("features", ["sqrt", "log2"]),
        random_state=1,
    )
