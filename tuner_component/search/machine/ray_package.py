"""Ray, which is there only if the extra [ray] is installed."""

import importlib
from types import ModuleType


def imported() -> ModuleType:
    """Imports Ray and returns it. Takes a second or more the first time.

    Raises:
        ImportError: If it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ImportError(
            f"Expected the package 'ray' for a search on a cluster. Received: {error}. "
            "Install it where the pipeline runs, and the same version on all nodes of "
            "the cluster: pip install 'tfx-tuner-component[ray]'; or leave cluster out."
        ) from error
