"""Iterators over datasets that end without being waited for."""

import gc
import threading
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tuner_component.search import dataset_iterators


class Ending:
    """Belongs to an iterator, and takes note of the thread in which that ends.

    Like TensorFlow's own, its end may take long: here until `may_end`.
    """

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.ended = threading.Event()
        self.thread: threading.Thread | None = None

    def of(self, iterator: Any) -> None:
        iterator.ending = _Probe(self)

    def await_thread(self) -> threading.Thread:
        assert self.ended.wait(30)
        assert self.thread is not None
        return self.thread


class _Probe:
    def __init__(self, ending: Ending) -> None:
        self._ending = ending

    def __del__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            self._ending.may_end.wait(30)
        self._ending.thread = threading.current_thread()
        self._ending.ended.set()


def test_the_end_of_an_iterator_is_not_waited_for() -> None:
    """Trials on busy cores would stand still at the end of every epoch."""
    ending = Ending()
    with dataset_iterators.ended_in_background():
        iterator = iter(tf.data.Dataset.range(3))
        ending.of(iterator)
        next(iterator)
        del iterator
        assert not ending.ended.is_set()
    ending.may_end.set()
    assert ending.await_thread() is not threading.main_thread()


def test_what_an_iterator_holds_is_let_go() -> None:
    """A worker would keep the data of every epoch that it ever ran."""
    ending = Ending()
    ending.may_end.set()
    with dataset_iterators.ended_in_background():
        for _ in ending_loop(ending):
            pass
    ending.await_thread()


def ending_loop(ending: Ending) -> Any:
    iterator = iter(tf.data.Dataset.range(3))
    ending.of(iterator)
    yield from iterator


def test_models_train_as_ever() -> None:
    """A search would find something else than its tuner does alone."""

    def losses() -> list[float]:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(loss="mse")
        x = np.arange(8.0)[:, None]
        numbers = tf.data.Dataset.from_tensor_slices((x, 2 * x)).batch(4)
        history = model.fit(numbers, validation_data=numbers, epochs=2, verbose=0)
        found: list[float] = history.history["val_loss"]
        return found

    expected = losses()
    with dataset_iterators.ended_in_background():
        assert losses() == expected


def test_loops_in_graphs_are_left_alone() -> None:
    """A function of the user that loops over a dataset would not be traced."""

    @tf.function
    def total() -> tf.Tensor:
        found = tf.constant(0, tf.int64)
        for number in tf.data.Dataset.range(4):
            found += number
        return found

    with dataset_iterators.ended_in_background():
        assert total() == 6


def test_other_searches_of_the_process_are_left_alone() -> None:
    """What runs in the pipeline's process after a search would behave otherwise."""
    make_iterator = tf.data.Dataset.__iter__
    with pytest.raises(KeyError), dataset_iterators.ended_in_background():
        raise KeyError
    assert tf.data.Dataset.__iter__ is make_iterator
    ending = Ending()
    iterator = iter(tf.data.Dataset.range(3))
    ending.of(iterator)
    del iterator
    gc.collect()
    assert ending.thread is threading.main_thread()
