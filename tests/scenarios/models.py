"""Models, as people write them."""

from typing import Any

import keras
import keras_tuner
import tensorflow as tf

from tests.scenarios.common import (
    LABELS,
    X,
    arrays,
    batch,
    build,
    compiled,
    data,
    layers,
    search,
)


def functional(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        inputs = keras.Input((4,))
        hidden = inputs
        for number in range(hp.Int("layers", 1, 3)):
            hidden = keras.layers.Dense(hp.Int(f"units_{number}", 2, 8))(hidden)
        return compiled(keras.Model(inputs, keras.layers.Dense(1)(hidden)))

    return search(fn_args, model)


def subclass(fn_args: Any) -> Any:
    class Model(keras.Model):  # type: ignore[misc]
        def __init__(self, units: int) -> None:
            super().__init__()
            self.hidden = keras.layers.Dense(units)
            self.out = keras.layers.Dense(1)

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.out(self.hidden(inputs))

    return search(fn_args, lambda hp: compiled(Model(hp.Int("units", 2, 8))))


def fit_of_the_models_own(fn_args: Any) -> Any:
    class Phases(keras.Sequential):  # type: ignore[misc]
        def fit(self, x: Any, y: Any, validation_data: Any, callbacks: Any) -> Any:
            super().fit(x, y, epochs=1, verbose=0)
            return super().fit(
                x, y, validation_data=validation_data, callbacks=callbacks, verbose=0
            )

    def model(hp: Any) -> Any:
        return compiled(Phases([keras.Input((4,)), *layers(hp)]))

    few = {"x": X, "y": LABELS, "validation_data": (X, LABELS)}
    return search(fn_args, model, few)


def normalization_adapted_in_build(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        normalize = keras.layers.Normalization()
        normalize.adapt(X)
        return compiled(keras.Sequential([keras.Input((4,)), normalize, *layers(hp)]))

    return search(fn_args, model)


def dropout_and_batch_normalization(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        regular = [
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(hp.Float("rate", 0.0, 0.5, step=0.1)),
        ]
        return compiled(keras.Sequential([keras.Input((4,)), *regular, *layers(hp)]))

    return search(fn_args, model)


def mixed_precision(fn_args: Any) -> Any:
    keras.mixed_precision.set_global_policy("mixed_float16")
    return search(fn_args)


def compiled_to_a_graph(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        return build(hp, eager=False, jit_compile=False, steps_per_execution=2)

    few = data(x=batch().unbatch().batch(8))
    return search(fn_args, model, few)


def build_without_a_shape(fn_args: Any) -> Any:
    return search(fn_args, lambda hp: compiled(keras.Sequential(layers(hp))))


def too_large(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        hp.Choice("units", [2, 4])
        return build(hp)

    return search(fn_args, model, max_model_size=5, max_trials=4)


def mirrored(fn_args: Any) -> Any:
    devices = tf.config.list_physical_devices("CPU")
    if len(tf.config.get_logical_device_configuration(devices[0]) or ()) < 2:
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(devices[0], two)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    def model(hp: Any) -> Any:
        # Not as large as the default one: devices add up what has the same shape.
        return compiled(keras.Sequential([keras.Input((4,)), *layers(hp)]), eager=False)

    few = data(x=batch().unbatch().batch(16), validation_data=None)
    return search(
        fn_args,
        model,
        few,
        distribution_strategy=strategy,
        max_trials=1,
        objective="loss",
    )


def one_device(fn_args: Any) -> Any:
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    return search(fn_args, distribution_strategy=strategy)


def hypermodel_class(fn_args: Any) -> Any:
    class Hyper(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return build(hp)

    return search(fn_args, Hyper(name="mine", tunable=True))


def hypermodel_with_a_fit(fn_args: Any) -> Any:
    class Hyper(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return build(hp)

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            kwargs["batch_size"] = hp.Choice("batch_size", [8, 16])
            history = model.fit(*args, **kwargs)
            return {"cost": history.history["val_loss"][-1]}

    minimize = keras_tuner.Objective("cost", "min")
    return search(fn_args, Hyper(), arrays(batch_size=None), objective=minimize)
