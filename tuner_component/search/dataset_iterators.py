"""Letting go of `tf.data` iterators without waiting for TensorFlow.

When an iterator ends, TensorFlow waits for the thread that tunes its input pipeline.
It wakes that thread, and only then marks the iterator as cancelled. Where the thread
runs in between, as it does when all cores are busy, it finds nothing to do and sleeps
on: to its next turn, which may be as far away as the iterator is old, up to a minute.
Whoever trains one model beside another meets that at the end of epochs and of trials
(`RootDataset::Iterator` and `Model::OptimizeLoop`, seen in TensorFlow 2.16 and 2.21).
"""

import contextlib
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def ended_in_background() -> Iterator[None]:
    """Lets iterators over `tf.data` datasets end in threads of their own.

    What they deliver, and how they are tuned, stays as it is. The input pipeline itself
    ends at once; what waits in the thread is but its bookkeeping. Iterators of graphs and
    of several devices are left alone. Without TensorFlow nothing happens.
    """
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        yield
        return
    dataset = tensorflow.data.Dataset
    make_iterator = dataset.__iter__

    def __iter__(self: Any) -> Any:
        iterator = make_iterator(self)
        if tensorflow.executing_eagerly():
            # Its attributes outlive it so, and with them what it holds of TensorFlow.
            ending = weakref.finalize(iterator, _end, vars(iterator))
            ending.atexit = False
        return iterator

    dataset.__iter__ = __iter__
    try:
        yield
    finally:
        dataset.__iter__ = make_iterator


def _end(attributes: dict[str, Any]) -> None:
    ending = threading.Thread(
        target=attributes.clear, name="tuner_component_iterator", daemon=True
    )
    # Towards the end of the interpreter there are no new threads, nor is there haste.
    with contextlib.suppress(RuntimeError):
        ending.start()
