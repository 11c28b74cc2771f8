"""What the driver waits for: hundreds of connections, nearly always the same ones."""

import math
import select
from typing import Any


class Sources:
    """Waits as `multiprocessing.connection.wait` does, for what it was told once.

    To tell the system of each connection anew, or to look through all of them for what has
    changed, would cost more than what comes in.
    """

    def __init__(self) -> None:
        # Not epoll: an engine may put another connection behind a descriptor.
        self._poll = select.poll()
        self._numbers: dict[Any, int] = {}
        self._by_number: dict[int, Any] = {}

    def add(self, source: Any) -> None:
        """Waits for an object with a descriptor, too."""
        number = self._numbers[source] = source.fileno()
        self._by_number[number] = source
        self._poll.register(number, select.POLLIN)

    def remove(self, source: Any) -> None:
        """Does not wait for it any more; to be called before it is closed."""
        number = self._numbers.pop(source, None)
        if number is not None:
            del self._by_number[number]
            self._poll.unregister(number)

    def wait(self, timeout: float) -> list[Any]:
        """Waits until some are readable.

        Args:
            timeout: At most so many seconds.

        Returns:
            Those that are; none of them after the timeout.
        """
        found = self._poll.poll(math.ceil(1e3 * timeout))
        return [self._by_number[number] for number, _ in found]
