"""Publishing what a search found: the files of the output artifacts."""

import json
import os
from collections.abc import Mapping

from absl import logging
from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils

from tuner_component.results import BEST_HYPERPARAMETERS_FILE, TUNER_RESULTS_FILE
from tuner_component.search.result import SearchResult


def publish(
    result: SearchResult, output_dict: Mapping[str, list[types.Artifact]]
) -> None:
    """Writes `best_hyperparameters.txt` and `tuner_results.json`, or neither.

    Args:
        result: Of a search with at least one completed trial.
        output_dict: The component's output artifacts by their keys.
    """
    best = result.best_hyperparameters
    rows = [
        {"trial_id": trial["trial_id"], "score": trial["score"], **values}
        for trial in result.completed
        if (values := trial["hyperparameters"]["values"])
    ]
    # Both are text before either is written: a value that JSON cannot hold leaves
    # no artifact behind.
    files = {
        _path(output_dict, specs.TUNER_RESULTS_KEY, TUNER_RESULTS_FILE): json.dumps(
            rows
        ),
        _path(
            output_dict, specs.BEST_HYPERPARAMETERS_KEY, BEST_HYPERPARAMETERS_FILE
        ): json.dumps(best),
    }
    written: list[str] = []
    try:
        for path, text in files.items():
            written.append(path)
            io_utils.write_string_file(path, text)
    except Exception:
        for path in written:
            if fileio.exists(path):
                fileio.remove(path)
        raise
    logging.info("Best hyperparameters: %s", best["values"])
    for path in files:
        logging.info("Written: %s", path)


def _path(output_dict: Mapping[str, list[types.Artifact]], key: str, name: str) -> str:
    return os.path.join(artifact_utils.get_single_uri(output_dict[key]), name)
