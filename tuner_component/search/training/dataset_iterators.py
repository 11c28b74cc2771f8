"""Letting go of `tf.data` iterators without waiting for TensorFlow.

When an iterator ends, TensorFlow waits for the thread that tunes its input pipeline.
It wakes that thread, and only then marks the iterator as cancelled. If the thread runs
in between, as it does when all cores are busy, it finds nothing to do and sleeps on: to
its next turn, which may be as far away as the iterator is old, up to a minute. Trainings
that run side by side wait for that at the end of epochs and of trials: two workers on
two cores lost a fifth to a third of their time
(`RootDataset::Iterator` and `Model::OptimizeLoop`, seen in TensorFlow 2.16 and 2.21).
"""

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

# The input pipeline itself ends before TensorFlow waits for the other thread. It is
# waited for: a file of `cache` that was read in part is locked until then, and the next
# epoch would fail. A tenth of a second is plenty, and little beside an epoch.
_PIPELINE_ENDS_S = 0.1

_lock = threading.Lock()
_searches = 0


@contextlib.contextmanager
def ended_in_background() -> Iterator[None]:
    """Lets iterators over `tf.data` datasets end in threads of their own.

    What they deliver, and how they are tuned, stays as it is. Iterators of graphs and of
    several devices are left alone. Without TensorFlow nothing happens.
    """
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        yield
        return
    _count(tensorflow, 1)
    try:
        yield
    finally:
        _count(tensorflow, -1)


def _count(tensorflow: Any, change: int) -> None:
    """Hooks into iterators while there is a search: several threads may run one each.

    Into their end, not into their making: that had to keep what iterators hold, and
    leaked those in reference cycles.
    """
    global _searches

    def __del__(self: Any) -> None:
        # What TensorFlow holds ends with its last reference: the one in the list.
        resource = vars(self).pop("_iterator_resource", None)
        if resource is not None and not tensorflow.is_symbolic_tensor(resource):
            held = [resource]
            del resource
            _let_go(held)

    with _lock:
        before, _searches = _searches, _searches + change
        if not before:
            tensorflow.data.Iterator.__del__ = __del__
        elif not _searches:
            del tensorflow.data.Iterator.__del__


def _let_go(held: list[Any]) -> None:
    """Empties the list, in a thread: the last references to what TensorFlow holds."""
    ending = threading.Thread(
        target=held.clear, name="tuner_component_iterator", daemon=True
    )
    # When the interpreter ends, no thread can be started, and none is needed.
    with contextlib.suppress(RuntimeError):
        ending.start()
        ending.join(_PIPELINE_ENDS_S)
