"""Ray on this replica: a head, or a node of one, for as long as it is wanted."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from tuner_component.extensions.flock.board import Machine
from tuner_component.search.machine import output, posix, ray_package

# What each replica has one of, and each trial takes: it has the machine for itself.
PLACE = "flock_place"
# Ray is told to end; then its processes are ended.
_END_S = 10.0


class RayNode:
    """Ray's processes on this replica.

    Args:
        address: This replica's own.
        machine: What it has.
        token: The secret of the cluster.
        head: The head's host and port; None to be the head.
        port: Where to listen as the head.
    """

    def __init__(
        self,
        address: str,
        machine: Machine,
        token: str,
        *,
        head: str | None = None,
        port: int = 0,
    ) -> None:
        ray_package.require()
        role = [f"--address={head}"] if head else ["--head", f"--port={port}"]
        if not head:
            role += ["--disable-usage-stats", "--include-dashboard=false"]
        if place := os.environ.get("RAY_TMPDIR"):
            # A node that is no head would take the head's directory.
            role.append(f"--temp-dir={os.path.join(place, 'ray')}")
        with tempfile.NamedTemporaryFile("wb", suffix=".log", delete=False) as log:
            self._log = log.name
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block"),
                    *role,
                    f"--node-ip-address={address}",
                    f"--num-cpus={max(1, int(machine.cpus))}",
                    f"--num-gpus={machine.gpus}",
                    f"--resources={json.dumps({PLACE: 1})}",
                    "--include-log-monitor=false",
                ],
                env={**os.environ, **environment(token)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        """Whether it has ended, by itself or because it cannot reach the head."""
        return self._process.poll() is not None

    def said(self) -> str:
        """The last that Ray said."""
        return output.tail(self._log) or "(nothing)"

    def close(self) -> None:
        """Ends all of it."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            posix.kill_session(self._process.pid)
            self._process.wait()
            os.unlink(self._log)


def environment(token: str) -> Mapping[str, str]:
    """The variables for all processes that have to do with the cluster."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}


def listens(address: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True
