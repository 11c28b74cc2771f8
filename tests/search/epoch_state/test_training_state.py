"""What a training consists of between two epochs."""

import random
from typing import Any

import keras
import numpy as np
import pytest

from tuner_component.search.epoch_state import training_state
from tuner_component.search.storage import arrays

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


def test_random_generators_come_back() -> None:
    """Shuffling would repeat the epochs before the interruption."""
    random.seed(1)
    np.random.seed(1)
    state = arrays.decode(arrays.encode(training_state.capture_random()))
    expected = random.random(), random.gauss(0, 1), np.random.random()
    random.random()
    training_state.restore_random(state)
    assert (random.random(), random.gauss(0, 1), np.random.random()) == expected


def test_a_state_of_an_older_release_is_a_mismatch() -> None:
    """It has the times that callbacks began at: a training would end at once."""
    state = training_state.TrainingState(make_model(), [])
    with pytest.raises(training_state.MismatchError, match="older release"):
        state.restore(stored(trained()))


class Subset(keras.Model):  # type: ignore[misc]
    """Trains a part of itself only, as distillation does."""

    def __init__(self) -> None:
        super().__init__()
        self.student, self.teacher = keras.layers.Dense(1), keras.layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.student(x) - self.teacher(x)


def test_an_optimizer_that_trains_a_part_comes_back() -> None:
    """It would be built for the whole model, and the training start over."""
    model, fresh = Subset(), Subset()
    for each in (model, fresh):
        each.compile("adam", "mse")
        each(X)
    model.optimizer.build(model.student.trainable_variables)
    model.optimizer.variables[2].assign(np.full((4, 1), 7.0))  # A slot.
    state = stored(model)
    training_state.restore_model(fresh, state)
    assert len(fresh.optimizer.variables) == len(model.optimizer.variables)
    np.testing.assert_array_equal(fresh.optimizer.variables[2].numpy(), [[7.0]] * 4)


def test_states_of_stateful_layers_come_back() -> None:
    """A sequence that spans epochs would begin again: Keras does not list the states."""

    def make() -> Any:
        lstm = keras.layers.LSTM(2, stateful=True)
        model = keras.Sequential([keras.Input(batch_shape=(8, 2, 2)), lstm])
        model.compile("sgd", "mse")
        return model, lstm, training_state.TrainingState(model, [])

    _, lstm, before = make()
    # Not by predicting: JAX does not keep them itself.
    for number, one in enumerate(lstm.states, start=1):
        one.assign(np.full(one.shape, number))
    state = arrays.decode(arrays.encode(before.capture(set())))
    _, fresh, after = make()
    assert not after.restore(state)
    for expected, received in zip(lstm.states, fresh.states):
        assert np.any(expected.numpy())
        np.testing.assert_array_equal(expected.numpy(), received.numpy())
