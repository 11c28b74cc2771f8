"""What executor and driver say to each other, where a network is between them."""

import contextlib
import threading
from multiprocessing import connection
from typing import Any

from tuner_component.search.parallel.ray import meeting

# The driver's last words may still be on their way when it has ended.
_LAST_WORDS_S = 10.0


class DriverWire:
    """Passes on whole messages, as they are: the executor must not wait for half of one.

    Args:
        executor: Connection to the executor.
    """

    def __init__(self, executor: connection.Connection) -> None:
        self._executor = executor
        self._lock = threading.Lock()
        self._driver: connection.Connection | None = None
        self._from_driver = threading.Thread(target=self._listen, daemon=True)

    def connect(self, driver: connection.Connection) -> None:
        """Begins to pass on.

        Args:
            driver: Connection to the driver.
        """
        self._driver = driver
        self._from_driver.start()
        threading.Thread(target=self._tell, args=(driver,), daemon=True).start()

    def send(self, message: Any) -> None:
        """Sends a message to the executor; that it has gone is noticed elsewhere."""
        with self._lock, contextlib.suppress(OSError):
            self._executor.send(message)

    def drained(self) -> None:
        """Waits until all that the driver has said was passed on."""
        if self._driver is not None:
            self._from_driver.join(_LAST_WORDS_S)

    def end_with(self, message: Any) -> None:
        """Hears the driver no longer, and sends the executor a last message."""
        if self._driver is not None:
            meeting.hang_up(self._driver)
        self.drained()
        self.send(message)

    def _listen(self) -> None:
        assert self._driver is not None
        with contextlib.suppress(EOFError, OSError):
            while True:
                message = self._driver.recv_bytes()
                with self._lock:
                    self._executor.send_bytes(message)

    def _tell(self, driver: connection.Connection) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                driver.send_bytes(self._executor.recv_bytes())
        meeting.hang_up(driver)
