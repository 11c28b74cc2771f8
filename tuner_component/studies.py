"""Where the study of a search is kept."""

import os
from collections.abc import Mapping

from tfx.dsl.components.base import base_executor

from tuner_component.proto import tuner_pb2
from tuner_component.search import fingerprint

_DIRECTORY = "studies"


def directory(
    tune_args: tuner_pb2.TuneArgs,
    context: base_executor.BaseExecutor.Context,
    parts: Mapping[str, str],
) -> str:
    """Returns the directory of the study with this fingerprint.

    It outlives the execution, unlike TFX's temporary directory: by default it lies in
    the node's `.system`, under the pipeline root.

    Args:
        tune_args: May name where studies are kept.
        context: Of the executor.
        parts: The fingerprint.
    """
    parent = tune_args.study_dir or _default_parent(context)
    return os.path.join(parent, fingerprint.study_id(parts))


def _default_parent(context: base_executor.BaseExecutor.Context) -> str:
    if context.stateful_working_dir:
        # <node>/.system/stateful_working_dir/<index>
        system = os.path.dirname(os.path.dirname(context.stateful_working_dir))
        return os.path.join(system, _DIRECTORY)
    # Without an orchestrator there is nothing else that could outlive the execution.
    temporary = os.path.dirname(context.get_tmp_path().rstrip("/"))
    return os.path.join(temporary, _DIRECTORY)
