"""A model of tf_keras, which is Keras 2, in a tuner with a `run_trial` of its own.

KerasTuner builds models of Keras 3 only. A tuner whose `run_trial` trains by itself may
train what it likes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner
import tf_keras
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data, report_epoch

COLUMNS = ("age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search."""
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("val_loss", "min"), max_trials=3, seed=1
    )
    tuner = Legacy(oracle, directory=fn_args.working_dir, project_name="legacy")
    fit_kwargs = {
        "train": data.table(fn_args, "train", COLUMNS, label="target"),
        "held": data.table(fn_args, "eval", COLUMNS, label="target"),
    }
    return TunerFnResult(tuner=tuner, fit_kwargs=fit_kwargs)


class Legacy(keras_tuner.engine.base_tuner.BaseTuner):
    """Trains models of tf_keras."""

    def run_trial(
        self,
        trial: keras_tuner.engine.trial.Trial,
        train: tuple[Any, Any],
        held: tuple[Any, Any],
    ) -> dict[str, float]:
        """Trains one model, and keeps its weights in the trial's directory."""
        hp = trial.hyperparameters
        model = tf_keras.Sequential(
            [
                tf_keras.layers.Dense(hp.Int("units", 8, 32, step=8), "relu"),
                tf_keras.layers.Dense(1),
            ]
        )
        model.compile(
            tf_keras.optimizers.Adam(hp.Float("rate", 1e-4, 1e-1, sampling="log")),
            "mse",
        )
        told = tf_keras.callbacks.LambdaCallback(on_epoch_end=_reporting(model))
        history = model.fit(
            *train, validation_data=held, epochs=4, verbose=0, callbacks=[told]
        )
        model.save_weights(Path(self.get_trial_dir(trial.trial_id), "weights.h5"))
        return {"val_loss": min(history.history["val_loss"])}

    def load_model(self, trial: keras_tuner.engine.trial.Trial) -> Any:
        """Models of Keras 2 are loaded by whoever needs them."""
        raise NotImplementedError("Load the weights in the trial's directory.")


def _reporting(model: Any) -> Any:
    def report(epoch: int, logs: dict[str, float]) -> None:
        if report_epoch({"val_loss": float(logs["val_loss"])}, epoch):
            model.stop_training = True

    return report
