"""The process of a broker, as those see it who start it and who talk to it.

It is started before the driver is: the fork server imports much first. The driver gets it
from there, with all that it has said.
"""

import contextlib
import os
import subprocess
import sys
import time
from multiprocessing import spawn
from typing import Any

from tuner_component.search import errors
from tuner_component.search.machine import output
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.local.engine import pair
from tuner_component.search.parallel.ray import shipping
from tuner_component.search.parallel.ray.messages import AskForPlaces, Connect

# Ray tries for so long to reach a cluster.
_CONNECT_S = 180.0
# Ray imports jsonschema, which checks addresses of the web with a library that takes three
# seconds to import, if it is installed; a broker has none to check.
_BOOTSTRAP = (
    "import sys; sys.path[:] = {path!r}; sys.modules['rfc3987_syntax'] = None; "
    "from tuner_component.search.parallel.ray.engine import broker; "
    "broker.serve_descriptor({number})"
)


class BrokerProcess:
    """Starts a broker that joins a cluster; then watches it, in the driver.

    Args:
        job: The search.
        silence_s: After so many seconds without a word from it the cluster is lost.

    Attributes:
        wire: Connection to it.
        heard: When it last gave a sign of life, by the monotonic clock.
    """

    def __init__(self, job: protocol.Job, silence_s: float) -> None:
        self._job = job
        self._silence_s = silence_s
        self._has_spoken = False
        self._log = job.logs.process("cluster")
        self.heard = time.monotonic()
        self.wire, theirs = pair()
        with theirs, open(self._log, "ab") as log:
            code = _BOOTSTRAP.format(path=sys.path, number=theirs.fileno())
            # It ends with this process, and with whoever has this connection to it.
            subprocess.Popen(
                [spawn.get_executable(), "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
            )
        name = os.path.basename(job.study_directory.rstrip("/"))
        path = shipping.user_path(job.context.path)
        self.wire.send(Connect(name, job.options, path))

    def begin(self) -> None:
        """Has it ask the cluster for places; what it says is listened to from now on."""
        self.heard = time.monotonic()
        self.tell(AskForPlaces())

    def news(self) -> Any:
        """The next of its messages; None if there is none now.

        Raises:
            SearchInterruptedError: If it has ended.
        """
        try:
            if not self.wire.poll():
                return None
            message = self.wire.recv()
        except (EOFError, OSError) as error:
            raise self._lost("the process that talks to it has ended") from error
        self.heard, self._has_spoken = time.monotonic(), True
        return message

    def tell(self, message: Any) -> None:
        """Sends a message; that it has ended is noticed elsewhere."""
        with contextlib.suppress(OSError):
            self.wire.send(message)

    def require_life(self) -> None:
        """Looks how long it has been silent.

        Raises:
            SearchInterruptedError: If that is too long.
        """
        limit = self._silence_s if self._has_spoken else _CONNECT_S
        if time.monotonic() > self.heard + limit:
            raise self._lost(f"no sign of life from it for {limit:g} seconds")

    def _lost(self, what: str) -> errors.SearchInterruptedError:
        cluster = self._job.options.cluster
        return errors.SearchInterruptedError(
            "Expected the cluster to be there until the search ends. Received: "
            f"{cluster.address if cluster else ''} is lost, {what}. "
            f"{errors.how_to_go_on(self._job.study_directory)} The log "
            f"{self._job.logs.public(self._log)} ends with:\n"
            f"{output.tail(self._log) or '(nothing)'}"
        )
