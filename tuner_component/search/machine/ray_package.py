"""Ray, which is there only if the extra [ray] is installed."""

import importlib.util

from tuner_component.search.errors import SearchError


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
