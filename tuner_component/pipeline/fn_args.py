"""What `tuner_fn` gets: from artifacts to a message, from the message to FnArgs.

The message, `TunerFnArgs`, can be sent to another process or machine; `FnArgs` holds
functions and cannot. Both directions use TFX's own code, so that the user's module
sees exactly what the stock component would have passed.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfx import types
from tfx.components.experimental.data_view import constants as data_view
from tfx.components.trainer import fn_args_utils
from tfx.components.util import examples_utils, tfxio_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.utils import json_utils

from tuner_component.identity import artifact_content
from tuner_component.identity.parts import ARGV
from tuner_component.pipeline import splits as splits_lib
from tuner_component.proto import tuner_pb2

# Fields with the same name as in FnArgs. In those of `_SAME`, 0 or "" stands for None.
_FILES = ("train_files", "eval_files")
_SAME = (
    "working_dir",
    "train_steps",
    "eval_steps",
    "schema_path",
    "transform_graph_path",
    "base_model",
)
# Fields with the same name as the execution properties that say where `tuner_fn` is.
_OF_MODULE = (specs.MODULE_FILE_KEY, specs.MODULE_PATH_KEY, specs.TUNER_FN_KEY)


def with_payload_format(
    input_dict: Mapping[str, list[types.Artifact]],
) -> dict[str, list[types.Artifact]]:
    """Returns the inputs with examples that name their payload format.

    Examples of old releases, and those of other components, may not. Then TFX takes them
    for tf.Examples, with a warning each time it looks: here it looks once.

    Args:
        input_dict: Input artifacts by the keys of `TunerSpec`; they stay as they are.
    """
    # Copies: to ML Metadata, the artifacts of an execution are what they were.
    examples = copy.deepcopy(input_dict[specs.EXAMPLES_KEY])
    for artifact in examples:
        payload_format = examples_utils.get_payload_format(artifact)
        examples_utils.set_payload_format(artifact, payload_format)
    return {**input_dict, specs.EXAMPLES_KEY: examples}


def from_artifacts(
    input_dict: Mapping[str, list[types.Artifact]],
    exec_properties: Mapping[str, Any],
    working_dir: str,
    study_id: str = "",
    search: str = "",
    best_model: bool = False,
) -> tuner_pb2.TunerFnArgs:
    """Resolves the component's inputs.

    Args:
        input_dict: Input artifacts by the keys of `TunerSpec`.
        exec_properties: Execution properties by the keys of `TunerSpec`.
        working_dir: A directory that the search may write to.
        study_id: The study that the trials belong to.
        search: What is put in the place of the tuner's oracle; empty for nothing.
        best_model: Whether the model of the best trial is wanted.

    Raises:
        ValueError: If a split is not in the examples, if custom_config is not JSON, or
            the examples differ in their payload format.
    """
    examples = input_dict[specs.EXAMPLES_KEY]
    train_splits = splits_lib.resolve(
        examples, exec_properties[specs.TRAIN_ARGS_KEY], "train"
    )
    eval_splits = splits_lib.resolve(
        examples, exec_properties[specs.EVAL_ARGS_KEY], "eval"
    )
    _check_custom_config(exec_properties.get(specs.CUSTOM_CONFIG_KEY))
    common = fn_args_utils.get_common_fn_args(
        dict(input_dict), dict(exec_properties), working_dir
    )
    splits_lib.warn_if_empty(train_splits, common.train_files)
    splits_lib.warn_if_empty(eval_splits, common.eval_files)
    splits = {*train_splits, *eval_splits}
    return tuner_pb2.TunerFnArgs(
        train_splits=train_splits,
        eval_splits=eval_splits,
        custom_config=exec_properties.get(specs.CUSTOM_CONFIG_KEY) or "null",
        num_examples=_num_examples(input_dict.get(specs.STATISTICS_KEY) or [], splits),
        study_id=study_id,
        search=search,
        best_model=best_model,
        argv=exec_properties.get(ARGV) or [],
        **_how_stored(examples),
        # None leaves a field unset.
        **{name: getattr(common, name) for name in (*_FILES, *_SAME)},
        **{name: exec_properties.get(name, "") for name in _OF_MODULE},
    )


def files_read(message: tuner_pb2.TunerFnArgs) -> list[str]:
    """Returns the paths, URIs and patterns of all files that a trial may read."""
    paths = [
        *message.train_files,
        *message.eval_files,
        *(message.schema_path, message.transform_graph_path, message.base_model),
        message.data_view_uri,
    ]
    return [path for path in paths if path]


def to_fn_args(message: tuner_pb2.TunerFnArgs) -> fn_args_utils.FnArgs:
    """Rebuilds the `FnArgs` that the stock Tuner passes to `tuner_fn`.

    `num_examples` (a dictionary from split name to number of examples) is set only
    where statistics were given.
    """
    fn_args = fn_args_utils.FnArgs(
        data_accessor=_data_accessor(message),
        custom_config=json_utils.loads(message.custom_config or "null"),
        **{name: list(getattr(message, name)) for name in _FILES},
        **{name: getattr(message, name) or None for name in _SAME},
    )
    if message.num_examples:
        fn_args.num_examples = dict(message.num_examples)
    return fn_args


def custom_config(exec_properties: Mapping[str, Any]) -> Any:
    """The user's `custom_config`; None if there is none."""
    return json_utils.loads(exec_properties.get(specs.CUSTOM_CONFIG_KEY) or "null")


def _check_custom_config(custom_config: str | None) -> None:
    try:
        json_utils.loads(custom_config or "null")
    except ValueError as error:
        raise ValueError(
            f"Expected custom_config to be JSON. Received: {custom_config!r} "
            f"({error}). Pass a dictionary to the component; it is serialized there."
        ) from error


def _how_stored(examples: list[types.Artifact]) -> dict[str, Any]:
    payload_format, data_view_uri = (
        tfxio_utils.resolve_payload_format_and_data_view_uri(examples)
    )
    return {
        "payload_format": example_gen_pb2.PayloadFormat.Name(payload_format),
        "data_view_uri": data_view_uri,
    }


def _data_accessor(message: tuner_pb2.TunerFnArgs) -> fn_args_utils.DataAccessor:
    """Builds the accessor, from an artifact that has only the format of the data."""
    examples = standard_artifacts.Examples()
    payload_format = example_gen_pb2.PayloadFormat.Value(
        message.payload_format or "FORMAT_TF_EXAMPLE"
    )
    examples_utils.set_payload_format(examples, payload_format)
    if message.data_view_uri:
        examples.set_string_custom_property(
            data_view.DATA_VIEW_URI_PROPERTY_KEY, message.data_view_uri
        )
        # Only compared among several artifacts; here there is one.
        examples.set_string_custom_property(data_view.DATA_VIEW_CREATE_TIME_KEY, "0")
    telemetry = ["Tuner"]
    return fn_args_utils.DataAccessor(
        tf_dataset_factory=tfxio_utils.get_tf_dataset_factory_from_artifact(
            [examples], telemetry
        ),
        record_batch_factory=tfxio_utils.get_record_batch_factory_from_artifact(
            [examples], telemetry
        ),
        data_view_decode_fn=tfxio_utils.get_data_view_decode_fn_from_artifact(
            [examples], telemetry
        ),
    )


def _num_examples(
    statistics: Sequence[types.Artifact], splits: Iterable[str]
) -> dict[str, int]:
    """Counts the examples of each split, over all statistics artifacts."""
    counts: dict[str, int] = {}
    for artifact in statistics:
        known = artifact_utils.decode_split_names(artifact.split_names)
        for split in sorted(set(splits) & set(known)):
            rows = artifact_content.num_examples(artifact, split)
            counts[split] = counts.get(split, 0) + rows
    return counts
