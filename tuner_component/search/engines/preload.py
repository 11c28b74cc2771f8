"""Importing modules for processes that will be forked from this one."""

import gc
import importlib
import sys
import threading
import time
import traceback
from collections.abc import Sequence


def preload(names: Sequence[str]) -> str | None:
    """Imports modules.

    One that cannot be imported is left to those who need it: there the error reaches
    the user.

    Args:
        names: The modules.

    Returns:
        The first module whose import has set a framework running: forked processes
        would inherit its state without its threads, and hang. None if all is well.
    """
    for name in names:
        started = time.monotonic()
        try:
            importlib.import_module(name)
        except (Exception, SystemExit):  # noqa: BLE001
            print(f"Could not preload {name}:\n{traceback.format_exc()}")
        else:
            print(f"Preloaded {name} in {time.monotonic() - started:.1f} s.")
        framework = running_framework()
        if framework is not None:
            print(f"{name} runs {framework} when it is imported.")
            return name
    if threading.active_count() > 1:
        print(f"Threads that forked processes will lack: {threading.enumerate()}")
    # What is there now stays: collections in the children need not touch it, and its
    # pages remain shared.
    gc.collect()
    gc.freeze()
    return None


def running_framework() -> str | None:
    """The framework that has begun to compute in this process, if there is one."""
    eager = sys.modules.get("tensorflow.python.eager.context")
    if getattr(getattr(eager, "_context", None), "_initialized", False):
        return "TensorFlow"
    if getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", None):
        return "JAX"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "PyTorch on a GPU"
    return None
