"""A worker's connection to the driver."""

import builtins
import contextlib
import itertools
import logging
import os
import queue
import sys
import threading
from typing import Any

from tuner_component.search.parallel import engine, protocol, pulse


class DriverTraceback(Exception):
    """Where in the driver an exception came from; the cause of the one raised."""

    def __init__(self, traceback: str) -> None:
        super().__init__()
        self._traceback = traceback

    def __str__(self) -> str:
        return f"\n{self._traceback}"


class DriverLink:
    """Asks the driver, and shows it that this process is alive.

    Two threads serve the connection. When it ends, so does the process: what a worker
    computes for a driver that is gone is of no use. So it does when something comes that
    is no message, since an answer may be lost with it.

    Args:
        channel: The connection.
        beat_s: How often to show it, in seconds.
    """

    def __init__(self, channel: engine.Channel, beat_s: float = pulse.BEAT_S) -> None:
        self._channel = channel
        self._beat_s = beat_s
        self._sending = threading.Lock()
        self._ids = itertools.count()
        self._waiting: dict[int, queue.SimpleQueue[protocol.Reply]] = {}
        self._closing = threading.Event()
        self._ending = threading.Event()
        self._asks = threading.Event()

    def start(self) -> None:
        """Starts to listen, and to send heartbeats."""
        for loop in (self._listen, self._beat):
            name = f"tuner_component{loop.__name__}"
            threading.Thread(target=loop, name=name, daemon=True).start()

    def tell(self, message: Any) -> None:
        """Sends a message that needs no answer."""
        try:
            with self._sending:
                self._channel.send(message)
        except OSError:
            self._lost()

    def warn(self, message: str) -> None:
        """Has a warning logged where people look: by the process that wants the result."""
        self.tell(protocol.Logged("tuner_component", logging.WARNING, message))

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a method of the driver's oracle and returns what it answers.

        Raises:
            Exception: What the method raised: of the same type if that is a built-in
                one, otherwise a RuntimeError; caused by a `DriverTraceback`.
        """
        request = protocol.Request(self.expect(), method, args, kwargs)
        self.tell(request)
        return self.answer(request.request_id)

    def expect(self) -> int:
        """Returns the id of a request that is sent as a part of another one."""
        request_id = next(self._ids)
        self._waiting[request_id] = queue.SimpleQueue()
        return request_id

    def answer(self, request_id: int) -> Any:
        """Waits for the answer to a request.

        Raises:
            Exception: As `call` does.
        """
        reply = self._waiting[request_id].get()
        self.forget(request_id)
        return value_of(reply)

    def forget(self, request_id: int) -> None:
        """Nobody waits for the answer to a request any more, and none will come."""
        del self._waiting[request_id]

    def take(self, message: Any) -> None:
        """Takes a message of the driver's."""
        if isinstance(message, protocol.Reply):
            self._waiting[message.request_id].put(message)
        elif isinstance(message, protocol.Ending):
            self._ending.set()
        elif isinstance(message, protocol.Ask):
            self._asks.set()

    def is_to_ask(self) -> bool:
        """Whether the driver wants to be asked after each epoch."""
        return self._asks.is_set()

    def is_ending(self) -> bool:
        """Whether the driver has said that it will soon end this process."""
        return self._ending.is_set()

    def close(self) -> None:
        """Says that the end of the connection is expected from now on."""
        self._closing.set()

    def _listen(self) -> None:
        try:
            while True:
                self.take(self._channel.recv())
        except (EOFError, OSError):
            self._lost()
        except Exception as error:  # noqa: BLE001 - what is it, and what was lost with it?
            self._lost(f"what is no message of the driver's ({error!r})")

    def _beat(self) -> None:
        while not self._closing.wait(self._beat_s):
            self.tell(protocol.Heartbeat())

    def _lost(self, received: str = "") -> None:
        if self._closing.is_set():
            return
        if received:
            # Whoever waits for an answer here would do so for ever, and this process would
            # still show that it is alive.
            text = (
                "Expected the connection of a worker to be used by nobody else. Received: "
                f"{received}. The worker ends, which costs its trial an attempt."
            )
            with contextlib.suppress(Exception):  # The log's disk may be full.
                print(text, file=sys.stderr, flush=True)
            self.warn(text)
        # Not sys.exit: the user's code may be in the middle of anything.
        os._exit(1)


def value_of(reply: protocol.Reply | protocol.Told) -> Any:
    """What the driver has answered.

    Raises:
        Exception: What it says was raised; see `DriverLink.call`.
    """
    if reply.error is not None:
        raise _exception(reply.error) from DriverTraceback(reply.error.traceback)
    return reply.value


def _exception(error: protocol.RemoteError) -> Exception:
    kind = getattr(builtins, error.type_name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(error.message)
        except TypeError:
            pass  # UnicodeDecodeError and the like take more than a message.
    return RuntimeError(f"{error.type_name}: {error.message}")
