"""The component's executor, called on files instead of artifacts of a pipeline."""

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Any

from absl import logging
from tfx.types import standard_artifacts
from tfx.types import standard_component_specs as specs

from tuner_component.cli import data, look
from tuner_component.executor import Executor
from tuner_component.pipeline import user_module
from tuner_component.report.loading import load_study


def search(args: argparse.Namespace, out: str, properties: dict[str, Any]) -> None:
    """Runs a search on files.

    Args:
        args: Of the command `tune`.
        out: Directory for everything that it writes.
        properties: The executor's properties.

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
        Executor(context).Do(inputs, outputs, properties)
    except user_module.UserModuleError as error:
        raise ValueError(str(error)) from error
    results = outputs["tuner_results"][0].uri
    print("\n".join(look.summary(load_study(results))))
    print(f"Report: {os.path.join(results, 'report.html')}")


def make_importable(properties: Mapping[str, Any]) -> None:
    """Has Python find the user's modules, here and in all processes of the search.

    First beside the module, as if it were run as a script; then in the working directory.

    Args:
        properties: The executor's properties.
    """
    file = properties.get(specs.MODULE_FILE_KEY)
    beside = [os.path.dirname(os.path.realpath(file))] if file else []
    sys.path[:0] = [*beside, os.getcwd()]
