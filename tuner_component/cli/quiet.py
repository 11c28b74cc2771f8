"""What a person at a terminal wants to read of a run, and no more."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO

from tuner_component.search.machine import output


def quieten(stream: TextIO | None = None) -> None:
    """Shows only what this package logs, in plain lines, and errors.

    Args:
        stream: Where to; standard output if None.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    errors = logging.StreamHandler()
    errors.setLevel(logging.ERROR)
    logging.basicConfig(
        format="%(message)s", level=logging.INFO, handlers=[errors], force=True
    )
    # A pipeline's log has prefixes, which are of no use to someone at a terminal.
    own = logging.getLogger(__name__.partition(".")[0])
    own.setLevel(logging.INFO)
    own.propagate = False
    own.handlers = [logging.StreamHandler(stream or sys.stdout)]


@contextlib.contextmanager
def standard_output_kept(keep: bool) -> Iterator[None]:
    """Has everything that is printed go to standard error.

    What a program reads is printed afterwards, and nothing else is in between: neither
    what the user's code prints, nor libraries in C, nor processes that are started.

    Args:
        keep: False to do nothing.
    """
    if not keep:
        yield
        return
    sys.stdout.flush()
    own = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        # What is still buffered would be written there after all.
        output.flush_all()
        os.dup2(own, 1)
        os.close(own)
