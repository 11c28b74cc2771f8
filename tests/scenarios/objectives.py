"""Losses, metrics and objectives, as people write them."""

from typing import Any

import keras
import keras_tuner
import tensorflow as tf

from tests.scenarios.common import (
    LABELS,
    X,
    Y,
    batch,
    build,
    compiled,
    data,
    layers,
    search,
)


def _maximize(name: str) -> keras_tuner.Objective:
    return keras_tuner.Objective(name, "max")


def metric_without_a_name(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        kinds = [keras.metrics.AUC(num_thresholds=9), keras.metrics.Precision()]
        return build(hp, loss="binary_crossentropy", metrics=kinds)

    return search(fn_args, model, objective=_maximize("val_auc"))


def built_once_by_hand(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        return build(hp, loss="binary_crossentropy", metrics=[keras.metrics.Recall()])

    model(keras_tuner.HyperParameters()).summary(print_fn=lambda text, **_: None)
    return search(fn_args, model, objective=_maximize("val_recall"))


def accuracy(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        return build(hp, loss="binary_crossentropy", metrics=["accuracy"])

    return search(fn_args, model, objective="val_accuracy")


def metric_function(fn_args: Any) -> Any:
    def rmse(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.sqrt(keras.ops.mean(keras.ops.square(y_true - y_pred)))

    def model(hp: Any) -> Any:
        return build(hp, metrics=[rmse])

    minimize = keras_tuner.Objective("val_rmse", "min")
    return search(fn_args, model, objective=minimize)


def loss_function(fn_args: Any) -> Any:
    def pinball(y_true: Any, y_pred: Any) -> Any:
        error = y_true - y_pred
        return keras.ops.mean(keras.ops.maximum(0.9 * error, -0.1 * error))

    return search(fn_args, lambda hp: build(hp, loss=pinball))


def loss_class(fn_args: Any) -> Any:
    focal = keras.losses.BinaryFocalCrossentropy(gamma=2.0)
    return search(fn_args, lambda hp: build(hp, loss=focal))


def training_loss(fn_args: Any) -> Any:
    return search(fn_args, fit_kwargs=data(validation_data=None), objective="loss")


def added_loss(fn_args: Any) -> Any:
    class Penalty(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            self.add_loss(0.1 * keras.ops.mean(keras.ops.square(inputs)))
            return inputs

    def model(hp: Any) -> Any:
        return compiled(keras.Sequential([keras.Input((4,)), Penalty(), *layers(hp)]))

    return search(fn_args, model)


def several_objectives(fn_args: Any) -> Any:
    both = [keras_tuner.Objective("val_loss", "min"), _maximize("val_accuracy")]
    return search(fn_args, lambda hp: build(hp, metrics=["accuracy"]), objective=both)


def several_outputs(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(hp.Int("units", 2, 16))(inputs)
        outputs = {
            "price": keras.layers.Dense(1, name="price")(hidden),
            "sold": keras.layers.Dense(1, "sigmoid", name="sold")(hidden),
        }
        losses = {"price": "mse", "sold": "binary_crossentropy"}
        metrics = {"sold": ["accuracy"]}
        return compiled(keras.Model(inputs, outputs), loss=losses, metrics=metrics)

    targets = {"price": Y, "sold": LABELS}
    return search(
        fn_args,
        model,
        data(x=batch(y=targets), validation_data=batch(y=targets)),
        objective=_maximize("val_sold_accuracy"),
    )


def objective_of_a_callback(fn_args: Any) -> Any:
    class F1(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            guess = self.model.predict_on_batch(X) > 0.5
            hits = float((guess * LABELS).sum())
            logs["val_f1"] = 2 * hits / float(guess.sum() + LABELS.sum() + 1e-7)

    return search(
        fn_args, fit_kwargs=data(callbacks=[F1()]), objective=_maximize("val_f1")
    )


def objective_of_a_train_step(fn_args: Any) -> Any:
    class Own(keras.Sequential):  # type: ignore[misc]
        def train_step(self, batch: Any) -> Any:
            x, y = batch
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
            found = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(
                zip(found, self.trainable_variables, strict=True)
            )
            return {"loss": loss, "steepness": tf.linalg.global_norm(found)}

    def model(hp: Any) -> Any:
        return compiled(Own([keras.Input((4,)), *layers(hp)]))

    minimize = keras_tuner.Objective("steepness", "min")
    return search(fn_args, model, data(validation_data=None), objective=minimize)


def metric_of_the_tuner(fn_args: Any) -> Any:
    return search(fn_args, loss="mae", metrics=["mae"], objective="val_mae")


def metric_that_some_trials_lack(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        # The first trial has 4 units, the second one 16.
        return build(hp, metrics=["mae"] if hp.Int("units", 2, 16) > 10 else [])

    return search(fn_args, model, objective="val_mae")


def objective_that_nothing_reports(fn_args: Any) -> Any:
    minimize = keras_tuner.Objective("val_rmse", "min")
    return search(fn_args, objective=minimize, max_trials=4)


def validation_at_some_epochs(fn_args: Any) -> Any:
    return search(fn_args, fit_kwargs=data(validation_freq=2, epochs=2), max_trials=4)
