"""The Tuner component: what a pipeline author writes down."""

from typing import Any, ClassVar

from tfx import types
from tfx.components.tuner.component import TunerFnResult
from tfx.components.util import udf_utils
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import trainer_pb2
from tfx.proto import tuner_pb2 as tfx_tuner_pb2
from tfx.types import component_spec, standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.utils import json_utils

from tuner_component.arguments import tune_args as tune_args_lib
from tuner_component.executor import Executor
from tuner_component.pipeline import best_model as best_model_lib
from tuner_component.pipeline import prior, visualization
from tuner_component.proto import tuner_pb2

__all__ = ["Tuner", "TunerFnResult", "TunerSpec"]

visualization.register()


class TunerSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """What goes into and comes out of the Tuner: TFX's `TunerSpec`, and more.

    Keys and types are those of `tfx.types.standard_component_specs.TunerSpec`,
    except that `tune_args` is our message (compatible with TFX's on the wire and in
    JSON) and that `statistics`, `prior_results` and `initial_hyperparameters` are
    additional, optional inputs.
    """

    PARAMETERS: ClassVar[dict[str, Any]] = {
        **specs.TunerSpec.PARAMETERS,
        specs.TUNE_ARGS_KEY: component_spec.ExecutionParameter(
            type=tuner_pb2.TuneArgs, optional=True
        ),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        **specs.TunerSpec.INPUTS,
        specs.STATISTICS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True
        ),
        prior.PRIOR_RESULTS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.TunerResults, optional=True
        ),
        prior.INITIAL_HYPERPARAMETERS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.HyperParameters, optional=True
        ),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = specs.TunerSpec.OUTPUTS


class TunerWithModelSpec(TunerSpec):
    """The same with the output `best_model`."""

    OUTPUTS: ClassVar[dict[str, Any]] = {
        **TunerSpec.OUTPUTS,
        best_model_lib.BEST_MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Model
        ),
    }


class Tuner(base_component.BaseComponent):  # type: ignore[misc]
    """Tunes the hyperparameters of a model: a drop-in for `tfx.v1.components.Tuner`.

    The component calls the user's `tuner_fn`, runs the search of the tuner that it
    returns, and publishes what was found.

    Component `outputs` contains:

    - `best_hyperparameters`: Channel of type `standard_artifacts.HyperParameters`;
      its only file, `best_hyperparameters.txt`, is what the Trainer's `run_fn` gets
      as `fn_args.hyperparameters`.
    - `tuner_results`: Channel of type `standard_artifacts.TunerResults`; its file
      `tuner_results.json` lists the completed trials, the best one first.
    - with `best_model=True` also `best_model`: Channel of type
      `standard_artifacts.Model`: the model of the best trial with the weights of its best
      epoch. A Trainer takes it as `base_model`, and a Pusher as `model`.
    """

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel | None = None,
        transform_graph: types.BaseChannel | None = None,
        base_model: types.BaseChannel | None = None,
        module_file: str | None = None,
        tuner_fn: str | None = None,
        train_args: trainer_pb2.TrainArgs | None = None,
        eval_args: trainer_pb2.EvalArgs | None = None,
        tune_args: (
            tuner_pb2.TuneArgs | tfx_tuner_pb2.TuneArgs | RuntimeParameter | None
        ) = None,
        custom_config: dict[str, Any] | None = None,
        *,
        statistics: types.BaseChannel | None = None,
        prior_results: types.BaseChannel | None = None,
        initial_hyperparameters: types.BaseChannel | None = None,
        best_model: bool | None = None,
    ) -> None:
        """Constructs a Tuner component.

        Args:
            examples: Channel of `standard_artifacts.Examples`: the data to train and
                evaluate on, one or several artifacts.
            schema: Channel of `standard_artifacts.Schema`, for raw examples.
            transform_graph: Channel of `standard_artifacts.TransformGraph`, for
                examples that Transform wrote.
            base_model: Channel of `standard_artifacts.Model` to start from.
            module_file: Path of a Python file that defines
                `tuner_fn(fn_args: FnArgs) -> TunerFnResult` at its top level. Exactly
                one of `module_file` and `tuner_fn` must be given.
            tuner_fn: Python path of such a function (`package.module.function`).
            train_args: Splits and number of steps to train with. Without splits:
                the `train` split.
            eval_args: Splits and number of steps to evaluate with. Without splits:
                the `eval` split.
            tune_args: How to run the search. TFX's `TuneArgs` works as well, and so
                does a `RuntimeParameter` of type `str`, for JSON of a `TuneArgs` that
                is given when a compiled pipeline is submitted.
            custom_config: JSON-serializable values for the user's module
                (`fn_args.custom_config`).
            statistics: Channel of `standard_artifacts.ExampleStatistics` of
                `examples`: gives the user's module `fn_args.num_examples`, the
                number of examples by split name.
            prior_results: Channel of `standard_artifacts.TunerResults` of earlier runs,
                ours or the stock Tuner's, with the same objective: the best points are
                tried first, and an oracle that can learns from all of them.
            initial_hyperparameters: Channel of `standard_artifacts.HyperParameters`: a
                point to be tried before all others.
            best_model: Whether there is the output `best_model`. For tuners that train
                Keras models by KerasTuner's `build` and `fit`, or load models themselves.

        Raises:
            ValueError: If not exactly one of `module_file` and `tuner_fn` is given,
                or a value of `tune_args` is out of its range.
            TypeError: If `tune_args` is none of these, or `custom_config` is not a
                dictionary that can be written as JSON.
        """
        if bool(module_file) == bool(tuner_fn):
            raise ValueError(
                "Expected exactly one of 'module_file' and 'tuner_fn'. Received: "
                f"module_file={module_file!r}, tuner_fn={tuner_fn!r}. Pass the path "
                "of a file that defines tuner_fn, or the Python path of the function."
            )
        spec_class: type[TunerSpec] = TunerSpec
        outputs = {}
        if best_model:
            spec_class = TunerWithModelSpec
            outputs[best_model_lib.BEST_MODEL_KEY] = types.Channel(
                type=standard_artifacts.Model
            )
        super().__init__(
            spec=spec_class(
                examples=examples,
                schema=schema,
                transform_graph=transform_graph,
                base_model=base_model,
                statistics=statistics,
                prior_results=prior_results,
                initial_hyperparameters=initial_hyperparameters,
                module_file=module_file,
                tuner_fn=tuner_fn,
                train_args=train_args or trainer_pb2.TrainArgs(),
                eval_args=eval_args or trainer_pb2.EvalArgs(),
                tune_args=_checked(tune_args),
                custom_config=_serialized(custom_config),
                best_hyperparameters=types.Channel(
                    type=standard_artifacts.HyperParameters
                ),
                tuner_results=types.Channel(type=standard_artifacts.TunerResults),
                **outputs,
            )
        )
        if udf_utils.should_package_user_modules():
            # The module file becomes a wheel under the pipeline root, which the
            # executor installs: it needs nothing of the machine that compiled.
            udf_utils.add_user_module_dependency(
                self, specs.MODULE_FILE_KEY, specs.MODULE_PATH_KEY
            )


def _checked(
    tune_args: tuner_pb2.TuneArgs | tfx_tuner_pb2.TuneArgs | RuntimeParameter | None,
) -> tuner_pb2.TuneArgs | RuntimeParameter | None:
    if tune_args is None:
        return None
    if isinstance(tune_args, RuntimeParameter):
        return tune_args_lib.checked_parameter(tune_args)
    return tune_args_lib.validated(tune_args)


def _serialized(custom_config: dict[str, Any] | None) -> str:
    """Returns `custom_config` in TFX's JSON, `null` for None."""
    if custom_config is not None and not isinstance(custom_config, dict):
        raise TypeError(
            "Expected custom_config to be a dictionary. Received: "
            f"{custom_config!r} of type {type(custom_config).__name__}. Wrap the "
            "value: custom_config={'name': value}."
        )
    try:
        return str(json_utils.dumps(custom_config))
    except (TypeError, ValueError) as error:
        raise TypeError(
            "Expected custom_config to hold only values that can be written as JSON "
            "(strings, numbers, booleans, None, lists, dictionaries, protos). "
            f"Received: {custom_config!r} ({error}). Pass a string that your module "
            "can turn into the object, such as a path."
        ) from error
