"""Looking for requests while a search runs, in a thread of its own."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from tuner_component.search.errors import SearchError
from tuner_component.search.study.request_files import Requests
from tuner_component.search.study.requests import REFUSED, Request

# How often to look: to list a directory costs nothing here, and a request of a store.
_LOOK_S = 0.5
_LOOK_REMOTE_S = 10.0

_log = logging.getLogger(__name__)

Do = Callable[[Request], tuple[str, str] | None]


class RequestWatch:
    """Has requests done as they come, one after another, and answers them.

    Args:
        requests: Those of a study that this process owns.
        do: Does what a request says, in the thread that looks; returns the outcome and a
            message when what was done is durable, or None if the request is to wait for
            the next run of the search.
    """

    def __init__(self, requests: Requests, do: Do) -> None:
        self._requests = requests
        self._pause_s = _LOOK_REMOTE_S if requests.is_remote else _LOOK_S
        self._do = do
        self._closed = threading.Event()
        self._said = ""

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Looks as long as the context lasts; what is under way then is waited for."""
        thread = threading.Thread(target=self._look, daemon=True)
        thread.name = "tuner_component_requests"
        thread.start()
        try:
            yield
        finally:
            self._closed.set()
            thread.join()

    def _look(self) -> None:
        while True:
            try:
                for request in self._requests.waiting():
                    if self._closed.is_set():
                        return
                    if outcome := self._done(request):
                        self._requests.answer(request, *outcome)
                self._said = ""
            except SearchError as error:
                # The search itself finds out if it cannot go on.
                self._warn(str(error))
            except Exception as error:  # noqa: BLE001 - the search goes on without this
                self._warn(repr(error))
            if self._closed.wait(self._pause_s):
                return

    def _done(self, request: Request) -> tuple[str, str] | None:
        """Does it; what cannot be done for a fault of ours is refused, and not tried again."""
        try:
            return self._do(request)
        except SearchError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is
            _log.exception("A request to the search could not be done:")
            return REFUSED, f"Expected to do it. Received: {error!r}."

    def _warn(self, message: str) -> None:
        if message != self._said:
            self._said = message
            _log.warning("Requests to the search are not seen: %s", message)
