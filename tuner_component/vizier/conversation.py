"""What is said to a service, in a thread of its own: nobody waits who need not.

What is said is said in order. When the connection is lost it is said again, later and later,
until it is given up.
"""

import collections
import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from tuner_component.vizier.service import Service, ServiceError, UnreachableError

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 15.0
# A thread that has nothing to say for so long ends: a search that fails closes nothing.
_SILENCE_S = 60.0

_log = logging.getLogger("tuner_component")


@dataclasses.dataclass
class _Saying:
    say: Callable[[Service], Any]
    answer: "Future[Any]"


class Conversation:
    """Talks to a service.

    Args:
        connect: Makes the connection.
        give_up_after_s: For so long the service may give no answer, until the search ends.
    """

    def __init__(self, connect: Callable[[], Service], give_up_after_s: float) -> None:
        self._connect = connect
        self._limit_s = give_up_after_s
        self._said: collections.deque[_Saying] = collections.deque()
        # What can wait: it comes when there is nothing else to say.
        self._later: collections.deque[_Saying] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self._lost_since: float | None = None
        self._given_up: ServiceError | None = None
        self._service: Service | None = None
        self._thread: threading.Thread | None = None

    def say(
        self, what: Callable[[Service], Any], *, later: bool = False
    ) -> "Future[Any]":
        """Has something said; returns the answer to come.

        Args:
            what: Called with the service in the thread of the conversation.
            later: Whether it may wait until nothing else is to be said.
        """
        saying = _Saying(what, Future())
        with self._changed:
            if self._given_up is not None:
                saying.answer.set_exception(self._given_up)
                return saying.answer
            (self._later if later else self._said).append(saying)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._talk, daemon=True, name="vizier"
                )
                self._thread.start()
            self._changed.notify_all()
        return saying.answer

    def close(self) -> None:
        """Ends it; what has not been said is not said any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()
        if self._service is not None:
            self._service.close()

    def _talk(self) -> None:
        while (saying := self._next()) is not None:
            try:
                answer = self._until_answered(saying.say)
            # What this thread raises would go unseen.
            except BaseException as error:  # noqa: BLE001
                saying.answer.set_exception(error)
            else:
                saying.answer.set_result(answer)

    def _next(self) -> _Saying | None:
        with self._changed:
            self._changed.wait_for(self._is_wanted, _SILENCE_S)
            if self._closed or not self._is_wanted():
                self._thread = None  # What is said later has another one.
                return None
            return (self._said or self._later).popleft()

    def _is_wanted(self) -> bool:
        return bool(self._said or self._later or self._closed)

    def _until_answered(self, say: Callable[[Service], Any]) -> Any:
        pause = _FIRST_PAUSE_S
        while True:
            if self._given_up is not None:
                raise self._given_up
            try:
                self._service = self._service or self._connect()
                answer = say(self._service)
            except UnreachableError as error:
                self._note_loss(error)
            else:
                self._note_answer()
                return answer
            with self._changed:
                self._changed.wait_for(lambda: self._closed, pause)
                if self._closed:
                    raise ServiceError("The search has ended.")
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _note_loss(self, error: UnreachableError) -> None:
        now = time.monotonic()
        if self._lost_since is None:
            self._lost_since = now
            _log.warning(
                "No answer: %s. It is tried again for %g seconds; trials that run go on.",
                *(error, self._limit_s),
            )
        if now - self._lost_since >= self._limit_s:
            self._given_up = ServiceError(
                f"Expected an answer within {self._limit_s:g} seconds. Received: none; "
                f"{error}. Results are kept: run the same search again when the service "
                "is there, to go on."
            )

    def _note_answer(self) -> None:
        if self._lost_since is not None:
            _log.info("The service answers again.")
        self._lost_since = None
