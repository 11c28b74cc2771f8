"""Importing modules for processes that will be forked from this one."""

import gc
import importlib
import threading
import time
import traceback
from collections.abc import Sequence

from tuner_component.search.machine.forked import running_framework


def preload(names: Sequence[str]) -> str | None:
    """Imports modules.

    One that cannot be imported is left to the processes that need it: from there the
    error gets to the user.

    Args:
        names: The modules.

    Returns:
        The first module whose import has set a framework running: forked processes
        would inherit its state without its threads, and hang. None if all is well.
    """
    # Imports allocate a lot and free little: collecting garbage meanwhile would take a
    # tenth of the time of TensorFlow's and TFX's imports, and find nothing.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for name in names:
            _import(name)
            framework = running_framework()
            if framework is not None:
                print(f"{name} runs {framework} when it is imported.")
                return name
        # What is there now stays: collections in the children need not touch it, and its
        # pages remain shared.
        gc.collect()
        gc.freeze()
    finally:
        if collecting:
            gc.enable()
    if threading.active_count() > 1:
        print(f"Threads that forked processes will lack: {threading.enumerate()}")
    return None


def _import(name: str) -> None:
    started = time.monotonic()
    try:
        importlib.import_module(name)
    except (Exception, SystemExit):  # noqa: BLE001
        print(f"Could not preload {name}:\n{traceback.format_exc()}")
    else:
        print(f"Preloaded {name} in {time.monotonic() - started:.1f} s.")
