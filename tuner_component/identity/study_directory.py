"""Where the study of a search is kept."""

import os
from collections.abc import Mapping

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs

from tuner_component.proto import tuner_pb2
from tuner_component.search.study import fingerprint

_DIRECTORY = "studies"


def directory(
    tune_args: tuner_pb2.TuneArgs,
    context: base_executor.BaseExecutor.Context,
    output_dict: Mapping[str, list[types.Artifact]],
    parts: Mapping[str, str],
) -> str:
    """Returns the directory of the study with this fingerprint.

    It outlives the execution, unlike TFX's temporary directory, and the next execution
    of the same node finds it: by default it is in the node's `.system`, under the
    pipeline root.

    Args:
        tune_args: May name where studies are kept.
        context: Of the executor.
        output_dict: Output artifacts by the keys of `TunerSpec`.
        parts: The fingerprint.
    """
    above = parent(tune_args, context, output_dict)
    return os.path.join(above, fingerprint.study_id(parts))


def parent(
    tune_args: tuner_pb2.TuneArgs,
    context: base_executor.BaseExecutor.Context,
    output_dict: Mapping[str, list[types.Artifact]],
) -> str:
    """Returns the directory that a component's studies are in.

    Args:
        tune_args: May name it.
        context: Of the executor.
        output_dict: Output artifacts by the keys of `TunerSpec`.
    """
    return tune_args.study_dir or _default_parent(context, output_dict)


def _default_parent(
    context: base_executor.BaseExecutor.Context,
    output_dict: Mapping[str, list[types.Artifact]],
) -> str:
    if context.stateful_working_dir:
        # <node>/.system/stateful_working_dir/<index>
        system = os.path.dirname(os.path.dirname(context.stateful_working_dir))
    else:
        # In a pod the temporary directory may be the pod's own. Its artifacts go to
        # <run>/.../<node>/<output>, and a retried pod is told to write the same ones.
        uri = artifact_utils.get_single_uri(output_dict[specs.BEST_HYPERPARAMETERS_KEY])
        system = os.path.join(os.path.dirname(uri.rstrip("/")), ".system")
    return os.path.join(system, _DIRECTORY)
