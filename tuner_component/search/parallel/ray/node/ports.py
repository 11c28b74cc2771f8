"""Ports of a node on which processes of one trial can find each other.

The processes of the trial listen there themselves: TensorFlow and JAX want to know before
which port that will be.
"""

import contextlib
import random
import socket

_NUMBER = 64
# Above those that Ray gives its workers, and below those that systems give to outgoing
# connections, one of which could take a port before it is used.
_CANDIDATES = range(20000, 32768)


def free() -> tuple[int, ...]:
    """Returns some on which nothing listens now."""
    found: list[int] = []
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if len(found) == _NUMBER:
            break
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("", port))
            found.append(port)
    return tuple(found)
