"""The executor of the component, called by hand."""

import argparse
import os
import sys
from typing import Any

from absl import logging
from tfx.types import standard_artifacts

from tuner_component.cli import look, on_files
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
        ValueError: If the data or the module are not as they should be.
    """
    logging.set_verbosity(logging.INFO)
    inputs = on_files.artifacts(args, os.path.join(out, "data"))
    outputs = {
        "best_hyperparameters": [standard_artifacts.HyperParameters()],
        "tuner_results": [standard_artifacts.TunerResults()],
    }
    outputs["best_hyperparameters"][0].uri = os.path.join(out, "best_hyperparameters")
    outputs["tuner_results"][0].uri = os.path.join(out, "results")
    context = Executor.Context(tmp_dir=os.path.join(out, "tmp"), unique_id="tune")
    # A packaged module is looked for where Python looks, like the user's own here.
    sys.path.insert(0, os.getcwd())
    try:
        Executor(context).Do(inputs, outputs, properties)
    except user_module.UserModuleError as error:
        raise ValueError(str(error)) from error
    results = outputs["tuner_results"][0].uri
    print("\n".join(look.summary(load_study(results))))
    print(f"Report: {os.path.join(results, 'report.html')}")
