"""Callbacks, as people write them."""

import os
from typing import Any

import keras

from tests.scenarios.common import build, data, search


def _with(*callbacks: Any, **changes: Any) -> dict[str, Any]:
    return data(callbacks=list(callbacks), **changes)


def early_stopping(fn_args: Any) -> Any:
    stopping = keras.callbacks.EarlyStopping(
        "val_loss", patience=1, restore_best_weights=True
    )
    return search(fn_args, fit_kwargs=_with(stopping, epochs=2))


def model_checkpoint(fn_args: Any) -> Any:
    path = os.path.join(fn_args.working_dir, "best.weights.h5")
    saving = keras.callbacks.ModelCheckpoint(
        path, monitor="val_loss", save_best_only=True, save_weights_only=True
    )
    return search(fn_args, fit_kwargs=_with(saving))


def tensorboard(fn_args: Any) -> Any:
    board = keras.callbacks.TensorBoard(
        os.path.join(fn_args.working_dir, "board"), write_graph=False
    )
    return search(fn_args, fit_kwargs=_with(board))


def csv_log(fn_args: Any) -> Any:
    path = os.path.join(fn_args.working_dir, "log.csv")
    return search(fn_args, fit_kwargs=_with(keras.callbacks.CSVLogger(path)))


def lambda_callback(fn_args: Any) -> Any:
    seen: list[int] = []
    noting = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch)
    )
    return search(fn_args, fit_kwargs=_with(noting))


def learning_rate_schedules(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
        return build(hp, optimizer=keras.optimizers.SGD(rate))

    return search(fn_args, model)


def learning_rate_callbacks(fn_args: Any) -> Any:
    return search(
        fn_args,
        fit_kwargs=_with(
            keras.callbacks.ReduceLROnPlateau("val_loss", patience=1),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
            keras.callbacks.TerminateOnNaN(),
            epochs=2,
        ),
    )


class _HoldsTuner(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, tuner: Any) -> None:
        super().__init__()
        self.tuner = tuner

    def on_train_begin(self, logs: Any = None) -> None:
        trials = self.tuner.oracle.trials
        assert self.tuner.oracle.get_trial(list(trials)[-1]).hyperparameters.values


def callback_that_holds_the_tuner(fn_args: Any) -> Any:
    result = search(fn_args)
    result.fit_kwargs["callbacks"] = [_HoldsTuner(result.tuner)]
    return result


def callback_that_the_model_needs(fn_args: Any) -> Any:
    class Warm(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            self.model.weight = 0.5

    class Weighted(keras.Sequential):  # type: ignore[misc]
        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            return self.weight * super().compute_loss(*args, **kwargs)

    def model(hp: Any) -> Any:
        made = Weighted([keras.Input((4,)), keras.layers.Dense(hp.Int("units", 1, 1))])
        made.compile("sgd", "mse", run_eagerly=True)
        return made

    return search(fn_args, model, _with(Warm()), max_trials=1)


class _Tracker:
    """As MLflow's fluent interface: one run per process is active."""

    active: str | None = None

    @classmethod
    def start_run(cls, name: str) -> None:
        if cls.active is not None:
            raise RuntimeError(f"Run {cls.active} is already active")
        cls.active = name


def tracker(fn_args: Any) -> Any:
    _Tracker.start_run("tuning")

    class Log(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            assert _Tracker.active

    return search(fn_args, fit_kwargs=_with(Log()))
