"""Iterators over datasets that end without being waited for."""

import gc
import threading
import weakref
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tuner_component.search.training import dataset_iterators


class Ending:
    """The end of an iterator that takes long, as TensorFlow's own may: until `may_end`.

    Takes note of the thread in which it happens.
    """

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.ended = threading.Event()
        self.thread: threading.Thread | None = None

    def iterator(self) -> Any:
        """An iterator that ends so."""
        iterator = iter(tf.data.Dataset.range(3))
        next(iterator)
        iterator._iterator_resource = _Resource(self)
        return iterator

    def await_thread(self) -> threading.Thread:
        assert self.ended.wait(30)
        assert self.thread is not None
        return self.thread


class _Resource:
    def __init__(self, ending: Ending) -> None:
        self._ending = ending

    def __del__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            self._ending.may_end.wait(30)
        self._ending.thread = threading.current_thread()
        self._ending.ended.set()


def ends_elsewhere() -> bool:
    """Whether iterators end in threads of their own now."""
    ending = Ending()
    ending.may_end.set()
    ending.iterator()
    return ending.await_thread() is not threading.main_thread()


def test_the_end_of_an_iterator_is_not_waited_for() -> None:
    """Trials on busy cores would stand still at the end of every epoch."""
    ending = Ending()
    with dataset_iterators.ended_in_background():
        iterator = ending.iterator()
        del iterator
        assert not ending.ended.is_set()
    ending.may_end.set()
    assert ending.await_thread() is not threading.main_thread()


def test_the_end_of_the_input_pipeline_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache file that was read in part would still be locked at the next epoch."""
    monkeypatch.setattr(dataset_iterators, "_PIPELINE_ENDS_S", 30)
    numbers = tf.data.Dataset.range(100).cache(str(tmp_path / "cache")).prefetch(2)
    with dataset_iterators.ended_in_background():
        for _ in range(30):
            next(iter(numbers))
        assert len(list(numbers)) == 100


def test_iterators_in_reference_cycles_are_let_go() -> None:
    """A worker would keep the data of every epoch that it ever ran."""
    with dataset_iterators.ended_in_background():
        iterator = iter(tf.data.Dataset.range(3))
        iterator.owner = [iterator]
        gone = weakref.ref(iterator)
        del iterator
        gc.collect()
    assert gone() is None


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


def test_ends_with_the_last_search_of_the_process() -> None:
    """What the pipeline's process runs afterwards would behave otherwise."""
    first = dataset_iterators.ended_in_background()
    second = dataset_iterators.ended_in_background()
    with pytest.raises(KeyError), first:
        second.__enter__()
        raise KeyError
    assert ends_elsewhere()
    second.__exit__(None, None, None)
    assert not ends_elsewhere()
