"""What a model has gathered besides its layers' variables."""

import functools
import itertools
import logging
import random
from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

from tuner_component.search.storage import arrays
from tuner_component.search.training.training_state import (
    MismatchError,
    NotCapturedError,
    TrainingState,
)

X = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)


class Module(tf.Module):  # type: ignore[misc]
    """Variables that Keras does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.table = tf.Variable([0.0, 0.0])


class Part:
    """An object of the user's own."""

    def __init__(self) -> None:
        self.count = 0
        self.layer = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        self.optimizer = keras.optimizers.SGD(0.1, momentum=0.9)


class Gathering(keras.Model):  # type: ignore[misc]
    """Holds a state in all the ways that models do; trains by itself."""

    in_class: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        super().__init__()
        # Not before the test runs: other tests fork processes without TensorFlow.
        if not self.in_class:
            self.in_class.append(tf.Variable(0.0))
        self.maker = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
        self.judge = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        self.opts = {
            "maker": keras.optimizers.Adam(1e-2),
            "judge": [
                keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(momentum=0.9))
            ],
        }
        self.steps = tf.Variable(0.0, trainable=False)
        self.ema = (tf.Variable([0.0, 0.0]),)
        self.part = Part()
        self.noted = functools.partial(print, tf.Variable(0.0))
        self.module = Module()
        self.draws = {
            "tensorflow": tf.random.Generator.from_seed(1),
            "numpy": np.random.default_rng(1),
            "python": random.Random(1),
        }
        self.in_closure = self._counter()
        self.count = 0
        self.seen: list[int] = []
        self.by_kind = {"a": 0}
        self.last = None
        self.built = True

    @staticmethod
    def _counter() -> Any:
        count = tf.Variable(0.0)
        return lambda: count.assign_add(1.0)

    def call(self, x: Any) -> Any:
        return self.judge(x)

    def step(self) -> None:
        """What a `train_step` of their own does."""
        x = tf.constant(X)
        part = self.part
        nets = [self.maker, self.judge, part.layer]
        optimizers = [self.opts["maker"], self.opts["judge"][0], part.optimizer]
        for net, optimizer in zip(nets, optimizers):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(net(x) - 1.0))
            weights = net.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        self.steps.assign_add(1.0)
        self.ema[0].assign_add([1.0, 2.0])
        self.noted.args[0].assign_add(1.0)
        self.module.table.assign_add([1.0, 2.0])
        self.in_closure()
        self.in_class[0].assign_add(1.0)
        drawn = self.draws["tensorflow"].normal(())
        self.last = loss + drawn + self.draws["numpy"].random()
        self.last += self.draws["python"].random()
        self.count += 1
        part.count += 1
        self.seen.append(self.count)
        self.by_kind["a"] += 1


def told(model: Gathering) -> list[Any]:
    """All that another step depends on."""
    optimizers = [model.opts["maker"], model.opts["judge"][0], model.part.optimizer]
    variables = [
        *model.variables,
        *model.part.layer.variables,
        *[v for optimizer in optimizers for v in optimizer.variables],
        model.steps,
        model.ema[0],
        model.noted.args[0],
        model.module.table,
        model.in_closure.__closure__[0].cell_contents,
        model.in_class[0],
    ]
    values = [np.asarray(variable.numpy()).tolist() for variable in variables]
    plain = [model.count, model.part.count, list(model.seen), dict(model.by_kind)]
    return [*values, *plain, float(model.last)]


def compiled(model: Any) -> Any:
    model.compile(run_eagerly=True)
    return model


def saved(state: TrainingState) -> Any:
    return arrays.decode(arrays.encode(state.capture(set())))


def test_all_that_a_model_gathers_comes_back() -> None:
    """Slots and counters would begin again, and the trial end with another score."""
    keras.utils.set_random_seed(1)
    Gathering.in_class.clear()
    model = compiled(Gathering())
    before = TrainingState(model, [])
    model.step()
    model.step()
    state, expected = saved(before), told(model)
    model.step()
    final = told(model)
    Gathering.in_class.clear()
    fresh = compiled(Gathering())
    after = TrainingState(fresh, [])
    assert not after.restore(state)
    assert told(fresh) == expected
    fresh.step()
    assert told(fresh) == final
    assert isinstance(fresh.last, tf.Tensor)


class Holding(keras.Model):  # type: ignore[misc]
    """Holds one thing more."""

    def __init__(self, thing: Any) -> None:
        super().__init__()
        self.net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        self.things = {"it": thing}
        self.built = True

    def call(self, x: Any) -> Any:
        return self.net(x)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (itertools.count, "an iterator"),
        (lambda: (n for n in [1]), "an iterator"),
        (lambda: iter(tf.data.Dataset.range(3)), "an iterator"),
        (
            lambda: tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0),
            "a MutableHashTable of TensorFlow's",
        ),
        (lambda: tf.Variable("text"), "that cannot be read"),
    ],
)
def test_a_state_that_cannot_be_read_is_named(
    make: Callable[[], Any], what: str
) -> None:
    """The training would go on with a part of its state, without a word."""
    state = TrainingState(compiled(Holding(make())), [])
    with pytest.raises(NotCapturedError, match="Expected .* Received: ") as error:
        state.capture(set())
    assert f"Holding.things['it']: {what}" in str(error.value) or what in str(
        error.value
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: tf.data.Dataset.range(3),
        lambda: tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(["a"], [1]), default_value=0
        ),
        lambda: logging.getLogger("own"),
        lambda: keras.layers.StringLookup(vocabulary=["a", "b"]),
        lambda: keras.layers.Normalization(),
        lambda: tf.function(lambda x: x),
        lambda: np.zeros(3),
        lambda: ["a", "b"],
        lambda: None,
    ],
)
def test_what_has_no_state_does_not_matter(make: Callable[[], Any]) -> None:
    """Models as people write them would start over at every interruption."""
    thing = make()
    model = compiled(Holding(thing))
    state = TrainingState(model, [])
    TrainingState(compiled(Holding(thing)), []).restore(saved(state))


class LeavesSymbols(Holding):
    """Keeps what a traced function only stands for."""

    def train_step(self, data: Any) -> Any:
        self.last_input = data
        self.traced = True
        return super().train_step(data)


def test_what_tracing_leaves_behind_does_not_matter() -> None:
    """A symbol of a graph would be taken for a state that cannot be read."""
    model = LeavesSymbols(None)
    model.compile("sgd", "mse")
    state = TrainingState(model, [])
    model.fit(X, X[:, :1], verbose=0)
    saved(state)


class Lazy(Holding):
    """Makes a variable in its first step."""

    def step(self) -> None:
        self.late = tf.Variable(3.0)


def test_a_variable_that_is_made_in_a_step_is_a_mismatch() -> None:
    """It would begin again without a word."""
    model = compiled(Lazy(None))
    state = TrainingState(model, [])
    model.step()
    with pytest.raises(MismatchError, match="Expected Lazy.late to be .* Received: "):
        TrainingState(compiled(Lazy(None)), []).restore(saved(state))


class Referring(Holding):
    """Uses an object of its module."""

    def train_step(self, data: Any) -> Any:
        return next(_rows)


_rows = itertools.count()


def test_what_the_methods_refer_to_counts() -> None:
    """Globals and closures hold a state as attributes do."""
    state = TrainingState(compiled(Referring(None)), [])
    with pytest.raises(NotCapturedError, match=r"train_step<_rows>: an iterator"):
        state.capture(set())


def test_objects_in_a_circle_come_to_an_end() -> None:
    """A model that knows its parent would never be saved."""
    part = Part()
    part.parent = [part]  # type: ignore[attr-defined]
    model = compiled(Holding(part))
    state = TrainingState(model, [])
    part.count = 7
    fresh = compiled(Holding(Part()))
    TrainingState(fresh, []).restore(saved(state))
    assert fresh.things["it"].count == 7
