"""What is said to a service, as messages: both have the same, by the same names.

`pb` is a module that has them: `tuner_component.proto.vizier_pb2`, or what stands for it in
`vertex`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from tuner_component.vizier.service import (
    Parameter,
    Problem,
    Scale,
    ServiceTrial,
    State,
)

_SCALES = {
    Scale.LINEAR: "UNIT_LINEAR_SCALE",
    Scale.LOG: "UNIT_LOG_SCALE",
    Scale.REVERSE_LOG: "UNIT_REVERSE_LOG_SCALE",
}


def spec_of(problem: Problem, pb: Any) -> Any:
    """The specification of a study, less how it is searched."""
    goal = "MAXIMIZE" if problem.maximize else "MINIMIZE"
    metric = pb.MetricSpec(metric_id=problem.metric, goal=goal)
    parameters = [_parameter_spec(one, pb) for one in problem.parameters]
    return pb.StudySpec(metrics=[metric], parameters=parameters)


def _parameter_spec(parameter: Parameter, pb: Any) -> Any:
    spec = pb.ParameterSpec(parameter_id=parameter.id)
    values = list(parameter.values)
    if any(isinstance(value, str) for value in values):
        spec.categorical_value_spec.values.extend(values)
    elif values:
        spec.discrete_value_spec.values.extend(values)
    else:
        whole = isinstance(parameter.low, int)
        ranged = spec.integer_value_spec if whole else spec.double_value_spec
        ranged.min_value, ranged.max_value = parameter.low, parameter.high
    if not any(isinstance(value, str) for value in values):
        spec.scale_type = pb.ParameterSpec.ScaleType.Value(_SCALES[parameter.scale])
    for when, child in parameter.children:
        condition = spec.conditional_parameter_specs.add()
        condition.parameter_spec.CopyFrom(_parameter_spec(child, pb))
        if isinstance(when[0], str):
            condition.parent_categorical_values.values.extend(when)
        elif values:
            condition.parent_discrete_values.values.extend(when)
        else:
            condition.parent_int_values.values.extend(when)
    return spec


def problem_of(spec: Any, pb: Any) -> Problem:
    """What the study is about that has this specification."""
    metric = spec.metrics[0] if spec.metrics else pb.MetricSpec()
    return Problem(
        metric=metric.metric_id,
        maximize=metric.goal == pb.MetricSpec.GoalType.Value("MAXIMIZE"),
        parameters=tuple(_parameter_of(one, pb) for one in spec.parameters),
    )


def _parameter_of(spec: Any, pb: Any) -> Parameter:
    kind = spec.WhichOneof("parameter_value_spec")
    names = {pb.ParameterSpec.ScaleType.Value(n): s for s, n in _SCALES.items()}
    scale = names.get(spec.scale_type, Scale.LINEAR)
    children = tuple(
        (_condition(child), _parameter_of(child.parameter_spec, pb))
        for child in getattr(spec, "conditional_parameter_specs", ())
    )
    if kind in ("categorical_value_spec", "discrete_value_spec"):
        values = tuple(getattr(spec, kind).values)
        return Parameter(spec.parameter_id, values, scale=scale, children=children)
    ranged = getattr(spec, kind or "double_value_spec")
    return Parameter(
        *(spec.parameter_id, (), ranged.min_value, ranged.max_value, scale, children)
    )


def _condition(child: Any) -> tuple[Any, ...]:
    kind = child.WhichOneof("parent_value_condition")
    return tuple(getattr(child, kind).values) if kind else ()


def trial_of(trial: Any, pb: Any) -> ServiceTrial:
    """What a message tells of a trial."""
    name = pb.Trial.State.Name(trial.state)
    return ServiceTrial(
        name=trial.name,
        number=int(trial.id or trial.name.rpartition("/")[2]),
        state=State[name] if name in State.__members__ else State.REQUESTED,
        parameters={p.parameter_id: _plain(p.value) for p in trial.parameters},
        client=trial.client_id,
        result=next(_values([trial.final_measurement]), None),
        steps=max((m.step_count for m in trial.measurements), default=0),
    )


def _values(measurements: Iterable[Any]) -> Any:
    return (m.value for measurement in measurements for m in measurement.metrics)


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    return getattr(value, kind) if kind else None


def measurement(metric: str, value: float, pb: Any, step: int = 0) -> Any:
    """A value of the objective."""
    told = pb.Measurement(step_count=step)
    told.metrics.add(metric_id=metric, value=value)
    return told


def result_of(parameters: Mapping[str, Any], metric: str, value: float, pb: Any) -> Any:
    """A trial that has ended before the service hears of it."""
    trial = pb.Trial(
        state="SUCCEEDED", final_measurement=measurement(metric, value, pb)
    )
    for name, told in parameters.items():
        parameter = trial.parameters.add(parameter_id=name)
        if isinstance(told, str):
            parameter.value.string_value = told
        else:
            parameter.value.number_value = told
    return trial
