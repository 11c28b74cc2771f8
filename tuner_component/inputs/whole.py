"""Directories that are made once, whole or not at all, whoever else makes them."""

import glob
import os
import shutil
import uuid
from collections.abc import Callable

from tuner_component.search.storage import turns

# In a directory that is whole. (Releases that converted in place wrote it last.)
_COMPLETE = "complete"


def make(path: str, fill: Callable[[str], None]) -> None:
    """Makes a directory, unless it is there: all of it at once, whoever else does.

    It is made aside and then gets its name, so nobody sees it half full.

    Args:
        path: The directory.
        fill: Writes into the directory that it is given.
    """
    complete = os.path.join(path, _COMPLETE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with turns.turn(path) as alone:
        if os.path.exists(complete):
            return
        if alone:
            # Of processes that were killed, and of releases that converted in place.
            for leftover in (path, *glob.glob(glob.escape(f"{path}.part-") + "*")):
                shutil.rmtree(leftover, ignore_errors=True)
        aside = f"{path}.part-{uuid.uuid4().hex}"
        try:
            os.mkdir(aside)
            fill(aside)
            with open(os.path.join(aside, _COMPLETE), "w"):
                pass
            try:
                os.rename(aside, path)
            except OSError:
                # Without locks another process may have been faster.
                if not os.path.exists(complete):
                    raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
