"""Containers for kfp.local's DockerRunner, with podman and without a registry.

The image is made of this machine: its system libraries and the environment that the
tests run in, at the same paths. What the Dockerfile sets (user, directory, variables) is
set in it, too. The Dockerfile itself cannot be built where there is no registry.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.penguin import ROOT

# The system below the interpreter: libraries, a shell, certificates.
_SYSTEM = ["/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/etc/ssl"]
_LINKS = ["/bin", "/lib", "/lib64", "/usr/lib/os-release", "/etc/os-release"]
_NEEDLESS = ["*/dri/*", "*libLLVM*", "*/gcc/*", "*/perl*", "*/bazel*", "*/test/*"]

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
def engine() -> Iterator[dict[str, str]]:
    """Serves podman on a socket of its own.

    Yields:
        Environment variables for its clients.

    Raises:
        NoContainersError: If there is no podman that works.
    """
    for program in ("podman", "runc"):
        if shutil.which(program) is None:
            raise NoContainersError(f"no {program} (Debian: apt-get install {program})")
    with tempfile.TemporaryDirectory() as directory:
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
        info = subprocess.run(
            ["podman", "info"],
            check=False,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
        if info.returncode:
            raise NoContainersError(f"podman info: {info.stderr.strip()}")
        with subprocess.Popen(
            ["podman", "system", "service", "--time=1800", environment["DOCKER_HOST"]],
            env={**os.environ, **environment},
        ) as service:
            try:
                _wait_for(socket)
                yield environment
            finally:
                service.terminate()


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


def build_image(tag: str, environment: dict[str, str]) -> None:
    """Makes the image of this machine.

    Args:
        tag: Its name.
        environment: Of `engine`.
    """
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory)
        (top / "etc").mkdir()
        (top / "etc" / "passwd").write_text("tfx:x:1000:1000::/home/tfx:/bin/sh\n")
        (top / "tmp").mkdir(mode=0o777)
        (top / "tmp").chmod(0o1777)
        (top / "home" / "tfx").mkdir(parents=True)
        os.chown(top / "home" / "tfx", 1000, 1000)
        packages = top / "opt" / "packages"
        shutil.copytree(ROOT / "tuner_component", packages / "tuner_component")
        (top / "opt" / "venv").symlink_to(sys.prefix)
        paths = {*_SYSTEM, *_LINKS, sys.prefix, sys.base_prefix}
        command = [
            *("tar", "--create", "--file=-", "--owner=0", "--group=0"),
            *(f"--exclude={pattern}" for pattern in _NEEDLESS),
            *(path.lstrip("/") for path in sorted(paths) if os.path.lexists(path)),
            *("--directory", directory, "etc/passwd", "tmp", "opt"),
            *("--owner=1000", "home"),
        ]
        changes = [f"--change={line}" for line in _settings()]
        with subprocess.Popen(command, cwd="/", stdout=subprocess.PIPE) as tar:
            subprocess.run(
                ["podman", "import", "--quiet", *changes, "-", tag],
                check=True,
                env={**os.environ, **environment},
                stdin=tar.stdout,
            )
        assert tar.returncode == 0


def _settings() -> list[str]:
    """What the Dockerfile sets in its last stage."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    last = text[text.rindex("FROM ") :]
    # An import does not fill in variables, as a build does.
    last = last.replace("$PATH", "/usr/local/bin:/usr/bin:/bin")
    lines = re.findall(r"^(?:USER|WORKDIR|ENV) .*", last, re.MULTILINE)
    return [*lines, "ENV PYTHONPATH=/opt/packages"]
