"""Which framework computes in this process: what may be forked, and what may not."""

import sys


def running_framework() -> str | None:
    """The framework that computes in this process, if one has started to.

    A forked process would inherit its state without its threads, and hang.
    """
    eager = sys.modules.get("tensorflow.python.eager.context")
    if getattr(getattr(eager, "_context", None), "_initialized", False):
        return "TensorFlow"
    if getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", None):
        return "JAX"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "PyTorch on a GPU"
    return None
