"""The component's executor, called on files instead of artifacts of a pipeline."""

import argparse
import os
from typing import Any

from absl import logging
from tfx.types import standard_artifacts

from tuner_component.cli.importing import make_importable
from tuner_component.executor import Executor
from tuner_component.inputs import data
from tuner_component.pipeline import user_module


def search(args: argparse.Namespace, out: str, properties: dict[str, Any]) -> str:
    """Runs a search on files.

    Args:
        args: Of the command `tune`.
        out: Directory for everything that it writes.
        properties: The executor's properties.

    Returns:
        The directory of its results.

    Raises:
        SearchError: If the search fails or is interrupted.
        ValueError: If there is a mistake in the data or in the module.
    """
    logging.set_verbosity(logging.INFO)
    inputs = data.artifacts(args, os.path.join(out, "data"))
    outputs = {
        "best_hyperparameters": [standard_artifacts.HyperParameters()],
        "tuner_results": [standard_artifacts.TunerResults()],
    }
    outputs["best_hyperparameters"][0].uri = os.path.join(out, "best_hyperparameters")
    outputs["tuner_results"][0].uri = os.path.join(out, "results")
    context = Executor.Context(tmp_dir=os.path.join(out, "tmp"), unique_id="tune")
    make_importable(properties)
    try:
        executor = Executor(context)
        executor.only_study = args.only_study
        executor.Do(inputs, outputs, properties)
    except user_module.UserModuleError as error:
        raise ValueError(str(error)) from error
    return str(outputs["tuner_results"][0].uri)
