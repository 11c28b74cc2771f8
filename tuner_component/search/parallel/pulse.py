"""Signs of life between the processes of a search, so that a hang is noticed.

They are counted in time that the one who waits has spent waiting: a machine that sleeps,
or a container that is suspended, stops all processes of a search together, and the first
one that wakes up must not take the others for dead.
"""

import contextlib
import faulthandler
import sys
import threading
import time
from collections.abc import Callable, Iterator

# How often a process shows that it is alive.
BEAT_S = 1.0
# A loop that stands still for so long hangs: nothing that it does takes a second.
STALL_S = 60.0

# Signs of life of all workers together that the driver hears in a second, about.
_BEATS_A_SECOND = 4
# Some may be late without anything being wrong.
_BEATS_AT_LEAST = 10


def worker_beat_s(workers: int, limit_s: float) -> float:
    """How often each worker of a search shows that it is alive.

    To hear each of them each second would be much of what the driver does, and with
    hundreds of them most of it.

    Args:
        workers: How many there are.
        limit_s: A worker that is silent for so long is taken for dead.
    """
    return max(BEAT_S, min(workers / _BEATS_A_SECOND, limit_s / _BEATS_AT_LEAST))


class Pulse:
    """Beats in a thread of its own, but only while the loop that it watches goes round.

    Args:
        beat: Gives a sign of life.
    """

    def __init__(self, beat: Callable[[], object]) -> None:
        self._beat = beat
        self._watched = False
        self._last = 0.0
        self._over = threading.Event()
        self._told = False

    @contextlib.contextmanager
    def beating(self) -> Iterator["Pulse"]:
        """Beats while it lasts."""
        thread = threading.Thread(target=self._work, daemon=True, name="pulse")
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    @contextlib.contextmanager
    def of_loop(self) -> Iterator[None]:
        """While it lasts, there are beats only if `advance` is called now and then."""
        self.advance()
        self._watched = True
        try:
            yield
        finally:
            self._watched = False

    def advance(self) -> None:
        """The loop has gone round."""
        self._last = time.monotonic()

    def _work(self) -> None:
        while not self._over.wait(BEAT_S):
            if self._watched and time.monotonic() - self._last > STALL_S:
                self._tell_where()
            else:
                self._beat()

    def _tell_where(self) -> None:
        """Leaves in the log where the loop stands still."""
        if not self._told:
            self._told = True
            print(f"Nothing has moved for {STALL_S:g} seconds:", file=sys.stderr)
            sys.stderr.flush()
            faulthandler.dump_traceback(2)


class Silence:
    """How long a process has given no sign of life.

    Args:
        limit_s: After so many seconds of waiting it hangs.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._seconds = 0.0

    @property
    def is_too_long(self) -> bool:
        """Whether it hangs."""
        return self._seconds > self.limit_s

    def broken(self, limit_s: float | None = None) -> None:
        """There was a sign of life.

        Args:
            limit_s: The limit from now on, if it is another one.
        """
        self._seconds = 0.0
        if limit_s is not None:
            self.limit_s = limit_s

    def waited(self, seconds: float) -> None:
        """Nothing was heard while one waited, for at most `BEAT_S` if all is well.

        Whoever has waited for longer did not run itself.
        """
        self._seconds += min(seconds, 2 * BEAT_S)
