"""A search whose processes wait at each fault point until the test lets them continue.

So a test can kill or look at any process of a search while one of them is exactly at a
transition.
"""

from collections.abc import Callable, Iterator
from multiprocessing import connection

from tests.support import families, limits, meeting, processes, scripts
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel.protocol import EntryPoint

# The fault points that are passed only when Keras models are trained.
IN_TRAININGS = {"training.write.before", "training.write.after"}
# Those that are passed only where the oracle pauses trials.
IN_PAUSES = {"trial.paused.before", "trial.paused.after"}
# Those that are passed only if somebody asks something of the search: `test_steering`.
IN_REQUESTS = {
    *("request.asked.before", "request.asked.after"),
    *("request.answered.before", "request.answered.after"),
}


class Stage:
    """One run of a search.

    Args:
        executors: Starts the executor.
        place: Where the processes wait, at a `point` or in a `trial` that waits itself;
            their news say which. Guests that an earlier run left there are forgotten.
        search: The function that runs it, such as `scripts.search`.
        entry: The entry point that makes the tuner.
        study: The study's directory.
        options: How to run the search.
    """

    def __init__(
        self,
        executors: processes.Executors,
        place: meeting.Meeting,
        search: Callable[[EntryPoint, str, SearchOptions], SearchResult],
        entry: EntryPoint,
        study: str,
        options: SearchOptions,
    ) -> None:
        place.clear()
        self._executors = executors
        self._place = place
        self.executor = executors.start(
            scripts.on_stage, place.address, search, entry, study, options
        )

    def guests(self) -> Iterator[meeting.Guest]:
        """The processes that come and wait, until the executor has ended."""
        while True:
            ready = connection.wait([self.executor, self._place], limits.WAIT_S)
            assert ready, "no process came, and the search did not end"
            if self.executor in ready:
                return
            yield self._place.next()

    def family(self) -> families.Family:
        """The processes that run now."""
        return families.of(self.executor.pid)

    def kill(self, pid: int) -> None:
        """Kills a process and waits until it is gone."""
        processes.kill(pid)
        processes.wait_until_gone([pid], 10)

    def wait_until_gone(self) -> None:
        """Waits until no process of the search is left, which takes seconds at most."""
        while left := families.left(self._executors):
            processes.wait_until_gone(left, 10)
