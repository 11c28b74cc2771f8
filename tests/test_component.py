"""The component as a pipeline author meets it."""

import inspect
import json
from typing import Any

import pytest
from tfx.components.tuner.component import Tuner as StockTuner
from tfx.components.tuner.component import TunerFnResult as StockTunerFnResult
from tfx.proto import tuner_pb2 as tfx_tuner_pb2
from tfx.types import channel_utils, standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.v1.dsl.experimental import RuntimeParameter

from tuner_component import TuneArgs, Tuner, TunerFnResult, TunerSpec


def make(**kwargs: Any) -> Tuner:
    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    return Tuner(examples=examples, **{"module_file": "/m.py", **kwargs})


def test_constructor_takes_what_stock_takes_in_the_same_order() -> None:
    """An existing call, positional or not, would break when its import is swapped."""
    stock = inspect.signature(StockTuner.__init__).parameters
    ours = inspect.signature(Tuner.__init__).parameters
    assert list(ours)[: len(stock)] == list(stock)
    for name, parameter in stock.items():
        assert (ours[name].default, ours[name].kind) == (
            parameter.default,
            parameter.kind,
        )


def test_everything_beyond_stock_is_optional_and_by_keyword() -> None:
    """A new required argument would break existing pipelines."""
    stock = inspect.signature(StockTuner.__init__).parameters
    for name, parameter in inspect.signature(Tuner.__init__).parameters.items():
        if name not in stock:
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
            assert parameter.default is None


def test_spec_has_the_keys_of_stock() -> None:
    """Orchestrators and downstream nodes address artifacts by these keys."""
    assert specs.TunerSpec.PARAMETERS.keys() == TunerSpec.PARAMETERS.keys()
    assert specs.TunerSpec.INPUTS.keys() <= TunerSpec.INPUTS.keys()
    assert specs.TunerSpec.OUTPUTS.keys() == TunerSpec.OUTPUTS.keys()


def test_spec_differs_from_stock_only_where_documented() -> None:
    """A changed type of a parameter or channel breaks serialized pipelines."""
    for key, parameter in specs.TunerSpec.PARAMETERS.items():
        if key != specs.TUNE_ARGS_KEY:
            assert TunerSpec.PARAMETERS[key].type is parameter.type
    for key, channel in specs.TunerSpec.INPUTS.items():
        assert TunerSpec.INPUTS[key].type is channel.type
        assert TunerSpec.INPUTS[key].optional == channel.optional


def test_outputs_are_those_of_stock_unless_a_model_is_wanted() -> None:
    """Whoever looks at the outputs of a pipeline would find one that stock has not."""
    assert make().outputs.keys() == specs.TunerSpec.OUTPUTS.keys()
    assert type(make().spec) is TunerSpec
    outputs = make(best_model=True).outputs
    assert outputs.keys() - specs.TunerSpec.OUTPUTS.keys() == {"best_model"}
    assert outputs["best_model"].type is standard_artifacts.Model


def test_tuner_fn_result_is_stocks_own() -> None:
    """A module written for stock would return something we do not know."""
    assert TunerFnResult is StockTunerFnResult


def test_takes_our_tune_args() -> None:
    """The number of parallel trials would not reach the executor."""
    tuner = make(tune_args=TuneArgs(num_parallel_trials=3))
    assert json.loads(tuner.exec_properties["tune_args"]) == {"num_parallel_trials": 3}


def test_takes_tfx_tune_args() -> None:
    """Existing pipelines pass TFX's message."""
    tuner = make(tune_args=tfx_tuner_pb2.TuneArgs(num_parallel_trials=3))
    assert json.loads(tuner.exec_properties["tune_args"]) == {"num_parallel_trials": 3}


def test_takes_a_parameter_of_the_pipeline_for_tune_args() -> None:
    """A compiled pipeline would run as many trials at a time as its author thought."""
    parameter = RuntimeParameter("tune_args", str, '{"num_parallel_trials": 3}')
    properties = make(tune_args=parameter).spec.exec_properties
    # Specs keep copies, and parameters do not compare.
    assert vars(properties[specs.TUNE_ARGS_KEY]) == vars(parameter)


@pytest.mark.parametrize(
    ("parameter", "error", "message"),
    [
        (RuntimeParameter("trials", int), TypeError, "'trials' of type .*int"),
        (
            RuntimeParameter("p", str, '{"num_paralel_trials": 3}'),
            ValueError,
            "num_paralel_trials",
        ),
        (
            RuntimeParameter("p", str, '{"num_parallel_trials": -1}'),
            ValueError,
            "num_parallel_trials to be 1 or more",
        ),
    ],
)
def test_refuses_a_parameter_that_cannot_hold_tune_args(
    parameter: RuntimeParameter, error: type[Exception], message: str
) -> None:
    """The pod would fail, hours after the pipeline was compiled."""
    with pytest.raises(error, match=message):
        make(tune_args=parameter)


def test_refuses_other_tune_args() -> None:
    """A dictionary would fail an hour later, in the executor."""
    with pytest.raises(TypeError, match=r"Expected tune_args.*Received: \{'num"):
        make(tune_args={"num_parallel_trials": 3})


def test_refuses_negative_parallel_trials() -> None:
    """A negative number would be taken for the default."""
    with pytest.raises(
        ValueError, match=r"num_parallel_trials to be 1 or more. Received: -1"
    ):
        make(tune_args=TuneArgs(num_parallel_trials=-1))


@pytest.mark.parametrize("sources", [{}, {"module_file": "/m.py", "tuner_fn": "m.f"}])
def test_refuses_both_or_neither_source(sources: dict[str, str]) -> None:
    """It would be unclear, or unknown, which function to call."""
    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    with pytest.raises(ValueError, match=r"Expected exactly one.*Received:"):
        Tuner(examples=examples, **sources)


def test_custom_config_is_serialized() -> None:
    """fn_args.custom_config would not be what the pipeline author wrote."""
    tuner = make(custom_config={"learning_rate": [0.1, 0.2]})
    assert tuner.exec_properties["custom_config"] == '{"learning_rate": [0.1, 0.2]}'


def test_no_custom_config_is_null_as_in_stock() -> None:
    """The executor would see {} where stock's sees None."""
    assert make().exec_properties["custom_config"] == "null"


@pytest.mark.parametrize("value", [{"f": object()}, ["a list"], "text"])
def test_refuses_custom_config_that_is_no_json_dictionary(value: Any) -> None:
    """It would fail while compiling, deep inside TFX."""
    with pytest.raises(TypeError, match=r"Expected custom_config.*Received: "):
        make(custom_config=value)


def test_packages_the_module_file(tmp_path: Any) -> None:
    """A pod could not import a module that only the compiling machine has."""
    module = tmp_path / "my_module.py"
    module.write_text("def tuner_fn(fn_args): ...\n")
    tuner = make(module_file=str(module))
    (dependency,) = tuner._pip_dependencies
    wheel = dependency.resolve(str(tmp_path / "root"))
    assert wheel.endswith(".whl")
    assert tuner.exec_properties["module_path"] == f"my_module@{wheel}"
    assert tuner.exec_properties["module_file"] is None
