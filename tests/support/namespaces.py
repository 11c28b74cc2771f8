"""Machines that are apart: network and mount namespaces, made and removed by the tests.

A node in a network namespace has an address of its own, on a bridge to which this machine
is connected as well, and can be cut off. In a mount namespace it sees other files.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator, Mapping

_LIBC = ctypes.CDLL(None, use_errno=True)
_FS, _NEWNS, _NEWNET = 0x200, 0x00020000, 0x40000000  # Of <sched.h>.
_NEWUTS, _NEWPID = 0x04000000, 0x20000000
_PRIVATE = (1 << 14) | (1 << 18)  # MS_REC | MS_PRIVATE of <sys/mount.h>.
_BIND = 1 << 12  # MS_BIND of the same.


class Network:
    """A bridge, and machines on it.

    Args:
        machines: How many.

    Attributes:
        address: This machine's, on the bridge.
        hosts: The addresses of the others.

    Raises:
        PermissionError: If none can be made here.
    """

    def __init__(self, machines: int) -> None:
        self._name = f"tct{os.getpid()}"
        net = f"10.213.{os.getpid() % 250}"
        self.address = f"{net}.1"
        self.hosts = [f"{net}.{number + 2}" for number in range(machines)]
        self._names = {
            host: f"{self._name}-{number}" for number, host in enumerate(self.hosts)
        }
        try:
            self._make()
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            said = getattr(error, "stderr", "") or error
            raise PermissionError(f"it takes root's rights: {said}") from error

    def _make(self) -> None:
        _ip("link", "add", self._name, "type", "bridge")
        _ip("addr", "add", f"{self.address}/24", "dev", self._name)
        _ip("link", "set", self._name, "up")
        for host, name in self._names.items():
            _ip("netns", "add", name)
            cable = ("type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "add", name, *cable)
            _ip("link", "set", name, "master", self._name, "up")
            _ip("-n", name, "addr", "add", f"{host}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", name, "link", "set", device, "up")

    def namespace(self, host: str) -> str:
        """The namespace of a machine, as a file."""
        return f"/run/netns/{self._names[host]}"

    def host_of(self, pid: int) -> str:
        """The machine that a process runs on; "" if on none of them."""
        there = os.stat(f"/proc/{pid}/ns/net")
        found = (h for h in self.hosts if os.path.samestat(there, self._stat(h)))
        return next(found, "")

    def _stat(self, host: str) -> os.stat_result:
        return os.stat(self.namespace(host))

    def cut(self, host: str) -> None:
        """Cuts a machine off: whatever is sent is lost, and no one is told."""
        _ip("link", "set", self._names[host], "nomaster", "down")

    def mute(self, host: str) -> None:
        """Has all that a machine sends be lost, but not what is sent to it."""
        _ip(*self._neighbour(host, "replace"), "lladdr", "02:00:00:00:00:00")

    def mend(self, host: str) -> None:
        """Connects it again."""
        _ip("link", "set", self._names[host], "master", self._name, "up")
        with contextlib.suppress(subprocess.CalledProcessError):  # It was not mute.
            _ip(*self._neighbour(host, "del"))

    def _neighbour(self, host: str, what: str) -> tuple[str, ...]:
        where = ("-n", self._names[host], "neigh", what, self.address)
        return (*where, "dev", "eth0")

    def close(self) -> None:
        """Removes all of it."""
        for name in self._names.values():
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                # A namespace stays while a process is in it, and so would its cable.
                _ip("link", "del", name)
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                _ip("netns", "del", name)
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            _ip("link", "del", self._name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def missing() -> str:
    """Why no mount namespace can be made here; "" if one can."""
    command = ["unshare", "--mount", "true"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stderr and f"mount namespaces cannot be made: {done.stderr.strip()}"


@contextlib.contextmanager
def entered(network: str | None, hidden: Mapping[str, str]) -> Iterator[None]:
    """This thread, and what it starts, is elsewhere while it lasts.

    Args:
        network: A network namespace, as a file.
        hidden: Directories that have something else in them there: what another
            directory has, if an absolute path is given; otherwise a filesystem in memory
            with these options of `mount`.
    """
    with contextlib.ExitStack() as back:
        if network:
            back.enter_context(_returning("net", _NEWNET))
            _join(network, _NEWNET)
        if hidden:
            back.enter_context(_returning("mnt", _NEWNS))
            _done(_LIBC.unshare(_NEWNS))
            _done(_LIBC.mount(None, b"/", None, _PRIVATE, None))
            for directory, options in hidden.items():
                target, other = os.fsencode(directory), os.fsencode(options)
                if other.startswith(b"/"):
                    _done(_LIBC.mount(other, target, None, _BIND, None))
                    continue
                kind = b"tmpfs"
                _done(_LIBC.mount(kind, target, kind, 0, other or None))
        yield


def join(pid: int) -> None:
    """This process is where another one is, from now on, and so are its children.

    Only they have ids that the other one knows, if those are not the ones here.
    """
    kinds = {"pid": _NEWPID, "uts": _NEWUTS, "net": _NEWNET, "mnt": _NEWNS}
    with contextlib.ExitStack() as stack:
        # All are opened first: afterwards /proc is the other one's.
        files = [
            (stack.enter_context(open(f"/proc/{pid}/ns/{name}")), kind)
            for name, kind in kinds.items()
        ]
        for file, kind in files:
            _done(_LIBC.setns(file.fileno(), kind))


def has_other_ids(pid: int) -> bool:
    """Whether a process has ids of processes that are not the ones here."""
    there, here = (os.stat(f"/proc/{who}/ns/pid") for who in (pid, "self"))
    return not os.path.samestat(there, here)


@contextlib.contextmanager
def _returning(name: str, kind: int) -> Iterator[None]:
    """Has this thread afterwards be where it was, in the same directory."""
    directory = os.getcwd()
    with open(f"/proc/thread-self/ns/{name}") as home:
        try:
            yield
        finally:
            # Threads that were started there share this one's place, and stay.
            _done(_LIBC.unshare(_FS))
            _done(_LIBC.setns(home.fileno(), kind))
            os.chdir(directory)


def _join(path: str, kind: int) -> None:
    with open(path) as file:
        _done(_LIBC.setns(file.fileno(), kind))


def _done(status: int) -> None:
    if status:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
