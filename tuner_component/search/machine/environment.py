"""The variables with which KerasTuner would distribute a search by itself.

It reads them process-wide: a tuner takes itself for the chief and serves trials for ever,
or waits for a chief that is not there.
"""

import contextlib
import logging
import os
from collections.abc import Iterator

_PREFIX = "KERASTUNER_"

_log = logging.getLogger("tuner_component")


def remove_roles() -> dict[str, str]:
    """Removes the variables of KerasTuner; returns those that were set."""
    return {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if name.startswith(_PREFIX)
    }


@contextlib.contextmanager
def without_roles() -> Iterator[None]:
    """While it lasts, KerasTuner's variables are not set; a warning names them."""
    removed = remove_roles()
    if removed:
        _log.warning(
            "Expected no variables of KerasTuner's own distributed search. Received: "
            "%s. They are ignored: num_parallel_trials=N runs trials in parallel.",
            ", ".join(f"{name}={value}" for name, value in sorted(removed.items())),
        )
    try:
        yield
    finally:
        os.environ.update(removed)
