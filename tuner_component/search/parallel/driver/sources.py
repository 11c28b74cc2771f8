"""What the driver waits for: hundreds of connections, nearly always the same ones."""

import math
import select
from collections.abc import Iterable
from typing import Any


class Sources:
    """Waits as `multiprocessing.connection.wait` does, and remembers what for.

    To tell the system of each connection anew would cost more than what comes in.
    """

    def __init__(self) -> None:
        # Not epoll: an engine may put another connection behind a descriptor.
        self._poll = select.poll()
        self._numbers: dict[Any, int] = {}
        self._by_number: dict[int, Any] = {}

    def wait(self, sources: Iterable[Any], timeout: float) -> set[Any]:
        """Waits until some are readable.

        Args:
            sources: Objects with a descriptor.
            timeout: At most so many seconds.

        Returns:
            Those that are; none of them after the timeout.
        """
        wanted = set(sources)
        if wanted != self._numbers.keys():
            self._change(wanted)
        found = self._poll.poll(math.ceil(1e3 * timeout))
        return {self._by_number[number] for number, _ in found}

    def _change(self, wanted: set[Any]) -> None:
        # First what is gone: its descriptor may be another one's by now.
        for source in self._numbers.keys() - wanted:
            number = self._numbers.pop(source)
            del self._by_number[number]
            self._poll.unregister(number)
        for source in wanted - self._numbers.keys():
            number = self._numbers[source] = source.fileno()
            self._by_number[number] = source
            self._poll.register(number, select.POLLIN)
