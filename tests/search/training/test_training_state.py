"""What a training consists of between two epochs."""

import random
from typing import Any

import keras
import numpy as np
import pytest

from tuner_component.search.storage import arrays
from tuner_component.search.training import training_state

X = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4)
Y = X[:, :1]


def make_model(units: int = 3, optimizer: Any = "adam") -> Any:
    """Built by Keras at its first batch only."""
    model = keras.Sequential(
        [keras.layers.Dense(units), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    model.compile(optimizer, "mse")
    return model


def trained(**kwargs: Any) -> Any:
    model = make_model(**kwargs)
    model.fit(X, Y, verbose=0)
    return model


def stored(model: Any) -> dict[str, Any]:
    state: dict[str, Any] = arrays.decode(
        arrays.encode(training_state.capture_model(model))
    )
    return state


def values(model: Any) -> list[Any]:
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.Adam(amsgrad=True),
        lambda: keras.optimizers.SGD(
            keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.9), momentum=0.9
        ),
        lambda: keras.optimizers.Adam(use_ema=True, gradient_accumulation_steps=2),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.RMSprop()),
    ],
)
def test_model_and_optimizer_come_back_into_an_unbuilt_model(optimizer: Any) -> None:
    """Slots, iterations or dropout seeds would start over, and the curve with them."""
    model = trained(optimizer=optimizer())
    fresh = make_model(optimizer=optimizer())
    assert not fresh.built
    training_state.restore_model(fresh, stored(model))
    assert len(values(fresh)) == len(values(model)) > 8
    for expected, received in zip(values(model), values(fresh)):
        np.testing.assert_array_equal(expected, received)


def test_training_goes_on_as_if_never_interrupted() -> None:
    """Something that training depends on would be missing from the state."""
    model = trained()
    fresh = make_model()
    training_state.restore_model(fresh, stored(model))
    for each in (model, fresh):
        # TensorFlow takes the order of the batches from the seed before `fit`. JAX draws
        # a batch to build what is not built yet, and goes on from the seed after that.
        keras.utils.set_random_seed(1)
        seed = keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: keras.utils.set_random_seed(1)
        )
        each.fit(X, Y, epochs=3, verbose=0, callbacks=[seed])
    for expected, received in zip(values(model), values(fresh)):
        np.testing.assert_array_equal(expected, received)


def test_the_state_of_another_model_changes_nothing() -> None:
    """A model would be half restored."""
    model = trained(units=5)
    before = values(model)
    with pytest.raises(training_state.MismatchError, match="Expected .* Received: "):
        training_state.restore_model(model, stored(trained(units=3)))
    for expected, received in zip(before, values(model)):
        np.testing.assert_array_equal(expected, received)


class Unbuildable(keras.Sequential):  # type: ignore[misc]
    def build_from_config(self, config: Any) -> None:
        raise OSError("the vocabulary has moved")


def test_a_model_that_cannot_be_built_is_a_mismatch() -> None:
    """What the user's model raises would fail the trial instead of starting it over."""
    model = Unbuildable([keras.layers.Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(training_state.MismatchError, match="the vocabulary has moved"):
        training_state.restore_model(model, stored(trained()))


def test_models_with_more_optimizers_are_left_alone() -> None:
    """The slots of a GAN's optimizers would silently start over."""
    model = make_model()
    assert training_state.can_be_captured(model)
    model.generator_optimizer = keras.optimizers.Adam()
    assert not training_state.can_be_captured(model)


def test_random_generators_come_back() -> None:
    """Shuffling would repeat the epochs before the interruption."""
    random.seed(1)
    np.random.seed(1)
    state = arrays.decode(arrays.encode(training_state.capture_random()))
    expected = random.random(), random.gauss(0, 1), np.random.random()
    random.random()
    training_state.restore_random(state)
    assert (random.random(), random.gauss(0, 1), np.random.random()) == expected


def counted(callback: Any) -> Any:
    (state,) = training_state.capture_callbacks([callback])
    return arrays.decode(arrays.encode(state["counted"]))


def after_epochs(callback: Any, *losses: float) -> Any:
    model = trained()
    callback.set_model(model)
    callback.set_params({"epochs": 9})
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"loss": loss})
    return callback


def test_early_stopping_keeps_its_patience_and_best_weights() -> None:
    """Each interruption would grant the trial its whole patience again."""

    def make() -> Any:
        return keras.callbacks.EarlyStopping(
            "loss", patience=3, restore_best_weights=True
        )

    before = after_epochs(make(), 1.0, 0.5, 0.6, 0.7)
    after = after_epochs(make())
    training_state.restore_callbacks(
        [after], training_state.capture_callbacks([before])
    )
    assert (after.wait, after.best, after.best_epoch) == (2, 0.5, 1)
    for expected, received in zip(before.best_weights, after.best_weights):
        np.testing.assert_array_equal(expected, received)
    after.on_epoch_end(4, {"loss": 0.8})
    assert after.model.stop_training


def test_min_delta_keeps_its_sign() -> None:
    """Keras turns it once per training: restored, it would be turned back."""

    def make() -> Any:
        return keras.callbacks.ReduceLROnPlateau("loss", patience=5, min_delta=0.1)

    before = after_epochs(make(), 1.0)
    after = after_epochs(make())
    training_state.restore_callbacks(
        [after], training_state.capture_callbacks([before])
    )
    after.on_epoch_end(1, {"loss": 0.95})  # Not better by min_delta.
    assert after.wait == 1
    assert after.min_delta == before.min_delta == -0.1


class Counting(keras.callbacks.Callback):  # type: ignore[misc]
    """A user's callback."""

    def __init__(self, path: str = "here") -> None:
        super().__init__()
        self.path = path
        self.validation_data = (X, Y)
        self.losses: list[float] = []
        self.file = open  # Stands for anything that is no data.

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.losses.append(logs["loss"])


def test_a_users_callback_keeps_what_it_counted_and_nothing_else() -> None:
    """Its paths would be those of the interrupted run, its data in every checkpoint."""
    before = after_epochs(Counting("there"), 1.0, 0.5)
    assert counted(before) == {"losses": [1.0, 0.5]}
    after = after_epochs(Counting("here"))
    training_state.restore_callbacks(
        [after], training_state.capture_callbacks([before])
    )
    assert (after.losses, after.path) == ([1.0, 0.5], "here")


def test_callbacks_with_handles_are_left_alone() -> None:
    """A profiler that is said to run, and does not, fails when it is stopped."""
    assert counted(keras.callbacks.CSVLogger("log.csv")) == {}


def test_other_callbacks_at_the_same_place_are_left_alone() -> None:
    """A changed list of callbacks would mix their counts up."""
    states = training_state.capture_callbacks([after_epochs(Counting(), 1.0)])
    stopping = keras.callbacks.EarlyStopping("loss")
    training_state.restore_callbacks([stopping], states)
    assert not hasattr(stopping, "losses")
