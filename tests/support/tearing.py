"""Puts a fault point into the middle of each write that is no whole file.

A process that is killed by a signal ends its call of the system first; only a crash of
the machine tears a write. So a test has to tear it. Production code has no part in it.
"""

import os

from tuner_component.search.storage import faults

TORN = faults.declare(
    "test.write.torn", "the first bytes of what is appended to a file are written"
)

# Less than any content that vouches for itself.
_TORN_AT = 64


def tear_writes() -> None:
    """From now on, in this process and its children."""
    pwrite = os.pwrite

    def torn(descriptor: int, data: bytes, offset: int) -> int:
        written = pwrite(descriptor, data[:_TORN_AT], offset)
        faults.point(TORN)
        return written + pwrite(descriptor, data[_TORN_AT:], offset + written)

    os.pwrite = torn  # type: ignore[assignment]
