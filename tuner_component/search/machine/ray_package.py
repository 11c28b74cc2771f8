"""Ray, which is there only if the extra [ray] is installed."""

import importlib.util

from tuner_component.search.errors import SearchError

# The variable with the address of the node that a process is on, if it is known. Ray itself
# would take any node of this machine, where there are several, and the head first.
NODE = "TUNER_COMPONENT_RAY_NODE"


def require() -> None:
    """Checks that Ray is installed; does not import it, which takes seconds.

    Raises:
        SearchError: If it is not.
    """
    if importlib.util.find_spec("ray") is None:
        raise SearchError(
            "Expected the package 'ray' for a search on a cluster. Received: none. Install "
            "it where the pipeline runs, and the same version on all nodes of the cluster: "
            "pip install 'tfx-tuner-component[ray]'; or leave cluster out."
        )
