"""Earlier searches, from the component's optional inputs."""

from collections.abc import Mapping

from tfx import types

from tuner_component.results import loading
from tuner_component.search.options import Known

PRIOR_RESULTS_KEY = "prior_results"
INITIAL_HYPERPARAMETERS_KEY = "initial_hyperparameters"

# How many of the best points of each earlier search are tried first.
_BEST = 3


def known(input_dict: Mapping[str, list[types.Artifact]]) -> Known:
    """Reads the inputs `initial_hyperparameters` and `prior_results`.

    Args:
        input_dict: Input artifacts by the keys of `TunerSpec`.

    Returns:
        The points to try first (the given hyperparameters, then the best of each
        search), and all results to learn from.

    Raises:
        FileNotFoundError: If an artifact has no such file.
        ValueError: If the content of one does not fit its type.
    """
    points = [
        loading.load_best_hyperparameters(artifact.uri).values
        for artifact in input_dict.get(INITIAL_HYPERPARAMETERS_KEY) or []
    ]
    searches = [
        loading.load_tuner_results(artifact.uri)
        for artifact in input_dict.get(PRIOR_RESULTS_KEY) or []
    ]
    for place in range(_BEST):
        points += [
            search[place].hyperparameters for search in searches if place < len(search)
        ]
    found = [(t.hyperparameters, t.score) for search in searches for t in search]
    return Known(tuple(points), tuple(found))
