"""Earlier searches, from the component's optional inputs."""

import logging
from collections.abc import Mapping

from tfx import types

from tuner_component.report.loading import load_study
from tuner_component.report.record import RECORD_FILE
from tuner_component.results import loading
from tuner_component.search.errors import StorageError
from tuner_component.search.options import Known
from tuner_component.search.stopping.rule import is_final
from tuner_component.search.storage import files

PRIOR_RESULTS_KEY = "prior_results"
INITIAL_HYPERPARAMETERS_KEY = "initial_hyperparameters"

# How many of the best points of each earlier search are tried first.
_BEST = 3

_LOG = logging.getLogger(__name__)


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
    found = []
    for artifact, search in zip(
        input_dict.get(PRIOR_RESULTS_KEY) or [], searches, strict=True
    ):
        stopped = _stopped(artifact.uri)
        found += [(t.hyperparameters, t.score, stopped.get(t.trial_id)) for t in search]
    return Known(tuple(points), tuple(found))


def _stopped(uri: str) -> dict[str, int]:
    """The trials of a search that a rule stopped, and after how many epochs.

    The stock Tuner stops none, and leaves no record that could tell.
    """
    if not files.exists(files.join(uri, RECORD_FILE)):
        return {}
    try:
        study = load_study(uri)
    except (StorageError, ValueError) as error:
        _LOG.warning("Which trials in %s were stopped is not known: %s", uri, error)
        return {}
    return {
        trial.trial_id: trial.stopped.epoch + 1
        for trial in study.trials
        if trial.stopped is not None
        and trial.stopped.epoch is not None
        and not is_final(trial.stopped.rule)
    }
