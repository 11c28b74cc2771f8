"""For how long an agent may go on without having been heard by its driver.

The driver gives a node's trials to others when it has not heard the node's agent for some
time. Before that, the workers there must have ended, whatever it is that the driver could
not hear: a network that is cut in one direction only, a machine that was suspended, an
agent that hangs. So what counts is not what the agent hears: the driver sends back each
sign of life, and the lease runs from when the last of those was sent.
"""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.ray.messages import Beat

# Shorter limits than this would take a short break of the network for a node's death.
_SHORTEST_S = 15.0
# Of the limit: who holds a lease ends before the other side does without it.
_HOLDERS_SHARE, _OTHERS_SHARE = 0.5, 0.8


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long one may be silent in a search on a cluster, in seconds.

    Attributes:
        silence_s: Anything at all.
        lease_s: What runs on a node, before it ends itself.
        patience_s: The same, before the other side does without it.
    """

    silence_s: float
    lease_s: float
    patience_s: float

    @classmethod
    def of(cls, options: SearchOptions) -> "Limits":
        """Those of a search."""
        limit = max(options.heartbeat_timeout_s, _SHORTEST_S)
        return cls(limit, limit * _HOLDERS_SHARE, limit * _OTHERS_SHARE)


class Lease:
    """Runs out unless signs of life come back.

    Args:
        seconds: From a sign of life that the driver has heard until the end.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = _now() + seconds

    @property
    def is_over(self) -> bool:
        """Whether it has run out."""
        return _now() >= self._until

    def beat(self) -> Beat:
        """A sign of life to send."""
        return Beat(_now())

    def renew(self, beat: Beat) -> None:
        """A sign of life has come back."""
        self._until = max(self._until, beat.sent_at + self._seconds)

    @contextlib.contextmanager
    def guarded(self, end: Callable[[], None]) -> Iterator[None]:
        """While it lasts, something is done as soon as the lease is over.

        Args:
            end: Called in another thread: this one may wait for the network.
        """
        is_left = threading.Event()

        def watch() -> None:
            while not is_left.wait(max(0.0, self._until - _now())):
                if self.is_over:
                    end()
                    return

        thread = threading.Thread(target=watch, daemon=True, name="lease")
        thread.start()
        try:
            yield
        finally:
            is_left.set()
            thread.join()


def _now() -> float:
    """A clock that does not stand still while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
