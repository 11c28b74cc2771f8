"""Containers for kfp.local's DockerRunner: podman, as far as it works here."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

# Without a systemd, within a container or a small virtual machine: no limits that this
# process could not set.
_SETTINGS = """\
[containers]
default_ulimits = ["nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
"""


class NoContainersError(Exception):
    """This machine cannot run containers; says why."""


@contextlib.contextmanager
def engine(image: str, tag: str) -> Iterator[dict[str, str]]:
    """Serves podman on a socket of its own.

    Args:
        image: An image that is on this machine.
        tag: What the pipelines call it.

    Yields:
        Environment variables for its clients.

    Raises:
        NoContainersError: If podman cannot run that image.
    """
    for program in ("podman", "runc"):
        if shutil.which(program) is None:
            raise NoContainersError(f"no {program} (Debian: apt-get install {program})")
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        settings, socket = Path(directory, "containers.conf"), Path(directory, "socket")
        settings.write_text(
            _SETTINGS.format(
                nofile=_limit(resource.RLIMIT_NOFILE),
                nproc=_limit(resource.RLIMIT_NPROC),
            )
        )
        environment = {
            "CONTAINERS_CONF": str(settings),
            "DOCKER_HOST": f"unix://{socket}",
        }
        try:
            in_container(environment, image, "true")
            podman(environment, "tag", image, tag)
        except subprocess.CalledProcessError as error:
            raise NoContainersError(error.stderr.strip()) from error
        stack.callback(podman, environment, "untag", tag, tag)
        service = stack.enter_context(
            subprocess.Popen(
                ["podman", "system", "service", "--time=0", f"unix://{socket}"],
                env={**os.environ, **environment},
            )
        )
        stack.callback(service.terminate)
        _wait_for(socket)
        yield environment


def in_container(environment: Mapping[str, str], image: str, *command: str) -> str:
    """Runs a command in a container of its own, without a network.

    Returns:
        What it printed.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    options = ("--rm", "--network=none", "--pull=never")
    return podman(environment, "run", *options, image, *command)


def podman(environment: Mapping[str, str], *command: str) -> str:
    """Runs a command of podman's own.

    Returns:
        What it printed.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    done = subprocess.run(
        ["podman", *command],
        check=True,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    return done.stdout


def _limit(which: int) -> int:
    """Enough for a container, and no more than this process has."""
    hard = resource.getrlimit(which)[1]
    return 8192 if hard == resource.RLIM_INFINITY else min(hard, 8192)


def _wait_for(socket: Path) -> None:
    """Waits for the service: it says nothing when it is ready."""
    until = time.monotonic() + 30
    while not socket.exists():
        if time.monotonic() > until:
            raise NoContainersError("podman's service does not start")
        time.sleep(0.05)
