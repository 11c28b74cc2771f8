"""What the driver does about requests of people, beside what its oracle does.

They are read in a thread of their own, done in the oracle's, and what the workers have to
hear of them is said in the main one.
"""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError

from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.driver import instructions as todo
from tuner_component.search.parallel.driver.dispatcher import Dispatcher
from tuner_component.search.parallel.driver.oracle_thread import OracleThread, Task
from tuner_component.search.parallel.driver.workers import Workers
from tuner_component.search.study import requests
from tuner_component.search.study.request_files import Requests
from tuner_component.search.study.request_watch import RequestWatch
from tuner_component.search.study.requests import Request

# More processes are no number that anyone means.
MOST_WORKERS = 1000

Outcome = tuple[str, str]


class Steering:
    """Does what people ask of a search in workers.

    Args:
        oracle: Asked in its thread alone.
        thread: That one.
        workers: The search's.
        dispatcher: Knows who runs what.
        handle: Tells the dispatcher what has happened.
    """

    def __init__(
        self,
        oracle: DurableOracle,
        thread: OracleThread,
        workers: Workers,
        dispatcher: Dispatcher,
        handle: Callable[[todo.Stimulus], None],
    ) -> None:
        self._oracle, self._thread = oracle, thread
        self._workers, self._dispatcher = workers, dispatcher
        self._handle = handle
        self._under_way: Future[Outcome | None] | None = None
        self._closed = False
        # How many requests the oracle has been told to do, and has not done.
        self._begun = 0

    @property
    def is_busy(self) -> bool:
        """Whether there may be more to do for the search than there seems to be."""
        return self._begun > 0

    def close(self) -> None:
        """Does no more: what comes from now on waits for the next run, or is refused."""
        self._closed = True

    @contextlib.contextmanager
    def looking(self, directory: str, study: str) -> Iterator[None]:
        """Looks for requests as long as the context lasts.

        Args:
            directory: Path or URI of the study.
            study: The study's id.
        """
        with RequestWatch(Requests(directory, study), self.do).looking():
            try:
                yield
            finally:
                self.close()
                if (under_way := self._under_way) is not None:
                    under_way.cancel()

    def do(self, request: Request) -> Outcome | None:
        """Does what a request says, and waits until that is durable.

        For the thread that looks for requests.

        Returns:
            The outcome and a message; None if the search has ended first.
        """
        under_way: Future[Outcome | None] = Future()
        self._under_way = under_way
        if self._closed:
            return None

        self._thread.submit(
            Task(
                lambda: self._oracle.is_done(request),
                lambda is_done, _: self._begin(request, under_way, bool(is_done)),
            )
        )
        try:
            return under_way.result()
        except CancelledError:
            return None

    def _begin(
        self, request: Request, under_way: Future[Outcome | None], is_done: bool
    ) -> None:
        """Has the oracle do it. The number of workers comes first, which may be refused."""
        if self._closed:
            self._end(under_way, None)
            return
        # What a run before has done, and not answered, was for that run.
        resizes = request.kind == requests.WORKERS and not is_done
        if resizes and (why := self._resize(request)):
            self._end(under_way, (requests.REFUSED, why))
            return

        def done(outcome: Outcome | None, error: BaseException | None) -> None:
            self._begun -= 1
            if outcome is None:
                outcome = requests.REFUSED, f"Expected to do it. Received: {error!r}."
            elif outcome[0] == requests.DONE:
                self._tell(request)
            self._end(under_way, outcome)

        self._begun += 1
        self._thread.submit(Task(lambda: self._oracle.do(request, workers=True), done))

    def _end(self, under_way: Future[Outcome | None], outcome: Outcome | None) -> None:
        with contextlib.suppress(InvalidStateError):  # Nobody waits any more.
            under_way.set_result(outcome)

    def _resize(self, request: Request) -> str | None:
        """Has another number of places; returns why that cannot be."""
        count = request.workers or 0
        if not 1 <= count <= MOST_WORKERS:
            return (
                f"Expected 1 to {MOST_WORKERS} trials at a time. Received: "
                f"{request.workers}. Stop the search to have none."
            )
        try:
            self._workers.engine.resize(count)
        except ValueError as error:
            return str(error)
        return None

    def _tell(self, request: Request) -> None:
        """Tells the workers, and who hands out trials."""
        if request.kind == requests.WORKERS:
            self._handle(todo.Resized(self._workers.surplus))
            return
        stops = request.kind in (requests.STOP_TRIAL, requests.STOP_SEARCH)
        for attempt in self._dispatcher.running if stops else ():
            worker = self._workers.get(attempt.worker_id)
            if worker and request.trial in (None, attempt.trial_id):
                self._workers.send(worker, protocol.Ask())
        self._handle(todo.Steered())
