"""The connection to the driver of a process that does not speak for its trial."""

import collections
import os
import queue
from typing import Any

from tuner_component.search.parallel import engine, protocol, pulse
from tuner_component.search.parallel.worker import link

# When the trial has failed here, the process that speaks for it must find that out in this
# time. It may wait for this one: then only the end of this one ends that.
_PATIENCE_S = 10.0
_STATUS = 1


class FollowerLink(link.DriverLink):
    """Follows the process that speaks for the trial: gets the answers that it gets.

    What all of them ask for at the same points of the same code is asked for once, and
    answered to all; so they start the same trials, and stop after the same epochs. What
    one asks for by itself is answered to that one.

    Args:
        channel: The connection.
        beat_s: How often to show the driver that this process is alive, in seconds.
    """

    def __init__(self, channel: engine.Channel, beat_s: float = pulse.BEAT_S) -> None:
        super().__init__(channel, beat_s)
        self._told: dict[str, queue.SimpleQueue[protocol.Told]] = (
            collections.defaultdict(queue.SimpleQueue)
        )
        for method in protocol.SHARED:
            self._told[method]  # Two threads use them from now on.

    def take(self, message: Any) -> None:
        """Takes a message of the driver's."""
        if isinstance(message, protocol.Told):
            self._told[message.method].put(message)
        else:
            super().take(message)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a method of the driver's oracle, or waits until that is done."""
        if method not in protocol.SHARED:
            return super().call(method, *args, **kwargs)
        has_failed = protocol.hands_in_failure(method, args)
        try:
            told = self._told[method].get(timeout=_PATIENCE_S if has_failed else None)
        except queue.Empty:
            print(
                "The trial has failed in this process, and goes on in the one that speaks "
                "for it. All of its processes end.",
                flush=True,
            )
            os._exit(_STATUS)
        return link.value_of(told)
