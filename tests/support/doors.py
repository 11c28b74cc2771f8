"""What listens in the network."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

_LISTENS = "0A"  # TCP_LISTEN, as /proc writes it.


def listening(pid: int) -> list[tuple[str, int]]:
    """The addresses and ports at which a process accepts connections."""
    sockets = _sockets(pid)
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENS and words[9] in sockets:
                host, _, port = words[1].partition(":")
                found.append((_address(host), int(port, 16)))
    return found


def _sockets(pid: int) -> set[str]:
    """The inodes of a process's sockets."""
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/{pid}/fd/{name}")
            if target.startswith("socket:["):
                found.add(target[len("socket:[") : -1])
    return found


def _address(text: str) -> str:
    """An address, which /proc writes in words of this machine's byte order."""
    words = [bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, len(text), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words))
