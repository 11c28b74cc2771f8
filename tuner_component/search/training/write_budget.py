"""The rule that keeps checkpoints from costing more than they can save.

A checkpoint is worth its price only if it is small beside the training it protects.
The price is not known in advance (model size, disk, object store), so it is measured,
and a write is allowed once enough training has been done to pay for it.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

# Assumed before the first write was measured. Pessimistic on purpose: a first write that
# comes a little late loses little, one that comes too early breaks the promise.
_ASSUMED_BYTES_PER_SECOND = 50e6
_ASSUMED_FIXED_SECONDS = 0.02

# However cheap a write is: less training than this is not worth protecting.
_LEAST_SECONDS_BETWEEN = 1.0


class WriteBudget:
    """Allows writes while they cost at most a share of the time spent training.

    With share `s`, a write is allowed when what was spent so far plus what this write
    will probably cost is at most `s` times the training time so far, so the total
    exceeds the share by at most the error of one estimate, and a write that was
    slower than expected is paid back before the next one. A crash loses at most about
    `cost / s` seconds of training: 20 times one write at 5 %. Cheap writes are a second
    of training apart and cost less than the share.

    Args:
        share: Largest part of the training time that writes may take, in (0, 1).
        clock: Returns seconds; monotonic.
        is_ending: Whether this process will soon be ended. Then every write is allowed:
            what is not written is lost for certain, not by chance.
    """

    def __init__(
        self,
        share: float = 0.05,
        clock: Callable[[], float] = time.monotonic,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> None:
        if not 0 < share < 1:
            raise ValueError(
                f"Expected a share of the training time in (0, 1). Received: {share}."
            )
        self._share = share
        self._clock = clock
        self._is_ending = is_ending
        self._trained = 0.0
        self._spent = 0.0
        self._started: float | None = None
        self._last = 0.0
        self._measured: tuple[float, int] | None = None

    def begin_trial(self) -> None:
        """Starts a new account; what is known of the cost of a write is kept."""
        self._trained = self._spent = self._last = 0.0
        self._started = None

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """Counts the time inside as training (writes inside are taken off)."""
        self._started = self._clock()
        try:
            yield
        finally:
            self._trained += self._clock() - self._started
            self._started = None

    @contextlib.contextmanager
    def writing(self, size: int) -> Iterator[None]:
        """Measures a write, whether it succeeds or not.

        Args:
            size: Bytes written.
        """
        begin = self._clock()
        try:
            yield
        finally:
            cost = self._clock() - begin
            self._spent += cost
            self._measured = (cost, max(size, 1))
            if self._started is not None:
                self._trained -= cost
            self._last = self.trained

    def allows(self, size: int, at_end: bool = False) -> bool:
        """Whether a write fits into the budget now.

        Args:
            size: Bytes to write.
            at_end: Whether it is the end of a training, which may be followed by many
                more: then only the share counts.
        """
        if self._is_ending():
            return True
        if not at_end and self.trained - self._last < _LEAST_SECONDS_BETWEEN:
            return False
        return self._spent + self.estimate(size) <= self._share * self.trained

    def estimate(self, size: int) -> float:
        """Returns what a write of `size` bytes will probably cost, in seconds."""
        if self._measured is None:
            return _ASSUMED_FIXED_SECONDS + size / _ASSUMED_BYTES_PER_SECOND
        cost, measured_size = self._measured
        # Never less than measured: the fixed part dominates small writes.
        return cost * max(1.0, size / measured_size)

    @property
    def trained(self) -> float:
        """Seconds of training in this trial so far, without the writes."""
        running = 0.0 if self._started is None else self._clock() - self._started
        return self._trained + running

    @property
    def spent(self) -> float:
        """Seconds spent writing in this trial so far."""
        return self._spent
