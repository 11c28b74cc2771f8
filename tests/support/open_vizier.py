"""Open-source Vizier itself, in a process and an environment of its own."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support import environments, ports

# 0.1.24 needs a newer protobuf, and equinox 0.11.7, which this one pins, an older JAX.
REQUIREMENTS = ["google-vizier[jax]==0.1.21", "jax<0.6"]
_SERVER = """
import sys
from vizier.service import servers

server = servers.DefaultVizierServer(
    host="127.0.0.1", port=int(sys.argv[1]), database_url=sys.argv[2]
)
print("ready", flush=True)
sys.stdin.read()
"""


class OpenVizier:
    """The service.

    Args:
        directory: Where its database is.

    Attributes:
        endpoint: Its host and port.
    """

    def __init__(self, directory: Path) -> None:
        # It takes seconds to start, and is there again where it was.
        self._held = ports.hold()
        self._port = ports.number(self._held)
        self.endpoint = f"127.0.0.1:{self._port}"
        self._database = f"sqlite:///{directory / 'vizier.db'}"
        self._said = directory / "vizier.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it is there."""
        python = environments.interpreter("vizier", REQUIREMENTS)
        command = [python, "-c", _SERVER, str(self._port), self._database]
        pipe = subprocess.PIPE
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=said
            )
        assert self._process.stdout is not None
        ready = self._process.stdout.readline() == b"ready\n"
        assert ready, self._said.read_text(errors="replace")

    def kill(self) -> None:
        """Ends it as the kernel would."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def close(self) -> None:
        """Ends it for good."""
        self.kill()
        self._held.close()


@contextlib.contextmanager
def serving(directory: Path) -> Iterator[OpenVizier]:
    """Runs the service; making its environment takes a minute once."""
    server = OpenVizier(directory)
    try:
        server.start()
        yield server
    finally:
        server.close()
