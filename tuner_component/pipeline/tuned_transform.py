"""Hyperparameters of preprocessing: a transform graph for each of their values.

A pipeline's Transform runs once, before the Tuner. Here the same executor of TFX's runs
inside the search, with the hyperparameters as its `custom_config`.
"""

import contextlib
import dataclasses
import functools
import hashlib
import inspect
import json
import os
import tempfile
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.transform import executor as transform
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from tuner_component.search.storage import files, turns
from tuner_component.search.training import seeding

# Beside the project of the user's tuner, and seen by all processes of a search.
_FOLDER = "transforms"
# Names the attempt that was finished.
_MADE = "made"
_BEAM = [
    # One thread of this process: the other cores have trials of their own.
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
    # Nothing starts a container. If none is named, TFX packages itself for one: 2 s.
    "--sdk_container_image=none",
]


@dataclasses.dataclass(frozen=True)
class Transformed:
    """What Transform makes of the examples.

    Attributes:
        graph: The directory of the transform graph, as `fn_args.transform_graph_path`.
        examples: The directories of the transformed examples: one for each of the
            component's artifacts.
    """

    graph: str
    examples: tuple[str, ...]

    def files(self, split: str) -> list[str]:
        """The file patterns of a split, as in `fn_args.train_files`."""
        return [files.join(of, f"Split-{split}", "*") for of in self.examples]


class TunedTransform:
    """Runs Transform with hyperparameters, once for each of their values.

        def build(self, hp):
            made = self.transform({"buckets": hp.Int("buckets", 2, 20)})
            transform_output = tft.TFTransformOutput(made.graph)
            ...

    All trials and processes of a search share what was made, and so do its resumed runs.
    A trial that finds another process making what it needs waits for it, if the study is
    on a filesystem of the machine; in a bucket, or from several machines, both make it,
    and all go on with the first.

    Args:
        fn_args: What `tuner_fn` or `run_fn` was given, with the raw examples of an
            ExampleGen and the schema.
        preprocessing_fn: As for Transform: `preprocessing_fn(inputs, custom_config)`.
        directory: Where to keep it; by default in the study, and without a study (in a
            Trainer) in a temporary directory.

    Raises:
        ValueError: If there is no schema, or there are no examples.
        TypeError: If `preprocessing_fn` takes no `custom_config`.
    """

    def __init__(
        self,
        fn_args: FnArgs,
        preprocessing_fn: Callable[..., Any],
        directory: str | None = None,
    ) -> None:
        if not fn_args.schema_path:
            raise ValueError(
                "Expected a schema for preprocessing. Received: none. Pass the "
                "component schema=schema_gen.outputs['schema']."
            )
        if not (fn_args.train_files and fn_args.eval_files):
            raise ValueError(
                "Expected examples to train and to evaluate on. Received: "
                f"train_files {fn_args.train_files}, eval_files {fn_args.eval_files}. "
                "Pass the component examples=example_gen.outputs['examples']."
            )
        if "custom_config" not in inspect.signature(preprocessing_fn).parameters:
            raise TypeError(
                "Expected preprocessing_fn to take custom_config: it has the "
                f"hyperparameters. Received: {preprocessing_fn!r}. Define "
                "preprocessing_fn(inputs, custom_config)."
            )
        self._fn = preprocessing_fn
        self._schema = os.path.dirname(fn_args.schema_path)
        self._train = _splits(fn_args.train_files)
        self._every = _splits([*fn_args.train_files, *fn_args.eval_files])
        self._roots = sorted({root for root, _ in self._every})
        study = getattr(fn_args, "study_workdir", None)
        kept = study and files.join(study, _FOLDER)
        self._directory = directory or kept or tempfile.mkdtemp()

    def __call__(self, custom_config: Mapping[str, Any]) -> Transformed:
        """Returns what Transform makes with a custom_config; makes it if nobody has yet.

        Args:
            custom_config: Hyperparameters by their names, and whatever else
                `preprocessing_fn` needs; as plain values of JSON.

        Raises:
            TypeError: If it is no JSON.
        """
        config = _as_json(custom_config)
        key = hashlib.sha256(config.encode()).hexdigest()[:16]
        place = files.join(self._directory, key)
        files.makedirs(place)
        with _alone_in(place):
            made = _made_in(place)
            if made is None:
                attempt = uuid.uuid4().hex
                # A trial trains the same whether it makes this, or finds it made.
                with seeding.generators_left_alone():
                    self._make(self._at(place, attempt), json.loads(config))
                made = _made_in(place) or attempt
                files.write_bytes(files.join(place, _MADE), made.encode())
        return self._at(place, made)

    def _at(self, place: str, attempt: str) -> Transformed:
        within = files.join(place, attempt)
        examples = [
            files.join(within, f"examples-{number}")
            for number in range(len(self._roots))
        ]
        return Transformed(files.join(within, "graph"), tuple(examples))

    def _make(self, target: Transformed, config: dict[str, Any]) -> None:
        examples = [_artifact(standard_artifacts.Examples, uri) for uri in self._roots]
        for artifact in examples:
            names = sorted({name for of, name in self._every if of == artifact.uri})
            artifact.split_names = artifact_utils.encode_split_names(names)
        with tempfile.TemporaryDirectory() as scratch:
            context = _Executor.Context(
                beam_pipeline_args=_BEAM, tmp_dir=scratch, unique_id="tuned"
            )
            _Executor(self._fn, config, context).Do(
                {
                    specs.EXAMPLES_KEY: examples,
                    specs.SCHEMA_KEY: [
                        _artifact(standard_artifacts.Schema, self._schema)
                    ],
                },
                {
                    specs.TRANSFORM_GRAPH_KEY: [
                        _artifact(standard_artifacts.TransformGraph, target.graph)
                    ],
                    specs.TRANSFORMED_EXAMPLES_KEY: [
                        _artifact(standard_artifacts.Examples, uri)
                        for uri in target.examples
                    ],
                },
                {
                    specs.DISABLE_STATISTICS_KEY: 1,
                    specs.SPLITS_CONFIG_KEY: self._splits_config(),
                },
            )

    def _splits_config(self) -> str:
        """Statistics of preprocessing are of the training data alone."""
        train = sorted({name for _, name in self._train})
        every = sorted({name for _, name in self._every})
        config = transform_pb2.SplitsConfig(analyze=train, transform=every)
        text: str = proto_utils.proto_to_json(config)
        return text


class _Executor(transform.Executor):  # type: ignore[misc]
    """TFX's, with a function that is at hand: TFX would import its module again."""

    def __init__(self, fn: Any, config: dict[str, Any], context: Any) -> None:
        super().__init__(context)
        self._preprocess = functools.partial(fn, custom_config=config)

    def _GetPreprocessingFn(self, inputs: Any, unused_outputs: Any) -> Any:
        return self._preprocess


def _splits(patterns: list[str]) -> list[tuple[str, str]]:
    """The directory of the examples and the name of the split, of file patterns."""
    found = []
    for pattern in patterns:
        split = os.path.dirname(pattern)
        root, name = os.path.split(split)
        if not name.startswith("Split-"):
            raise ValueError(
                "Expected the raw examples of an ExampleGen, in directories Split-NAME. "
                f"Received: {pattern}. Pass the component "
                "examples=example_gen.outputs['examples']."
            )
        found.append((root, name.removeprefix("Split-")))
    return found


def _as_json(config: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(config), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "Expected custom_config to have plain values: numbers, text, lists. "
            f"Received: {config!r} ({error}). Pass the values of hyperparameters, such "
            "as {'buckets': hp.Int('buckets', 2, 20)}."
        ) from error


def _artifact(kind: Any, uri: str) -> Any:
    artifact = kind()
    artifact.uri = uri
    return artifact


def _made_in(place: str) -> str | None:
    path = files.join(place, _MADE)
    return files.read_bytes(path).decode() if files.exists(path) else None


def _alone_in(place: str) -> contextlib.AbstractContextManager[Any]:
    """Lets one process of this machine at a time work in a directory."""
    if files.is_remote(place):
        return contextlib.nullcontext()
    return turns.turn(files.local_path(place))
