"""The studies and trials of a stand-in for Vertex AI: what Vertex AI Vizier does with them.

It does what the service's reference says of each method; how the real one chooses points is
not public, so these are drawn, always the same ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import grpc
from google.cloud.aiplatform_v1 import types as v1
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2, struct_pb2

from tests.support.vertex_doors import Method, Refused

_Trial = v1.Trial.pb()
_State = v1.Trial.State
_OPEN = (_State.ACTIVE, _State.STOPPING)


class Studies:
    """What the service keeps.

    Attributes:
        studies: By their names.
        trials: By the names of their studies.
        stops: Whether a trial should stop early.
        slow: Whether suggestions have to be waited for.
    """

    def __init__(self) -> None:
        self.studies: dict[str, Any] = {}
        self.trials: dict[str, list[Any]] = {}
        self.stops: Callable[[Any], bool] = lambda trial: False
        self.slow = False
        self._operations: dict[str, Any] = {}
        self._numbers: dict[str, int] = {}

    def all_trials(self) -> list[Any]:
        """The trials of all studies."""
        return [trial for trials in self.trials.values() for trial in trials]

    def methods(self) -> dict[str, Method]:
        """What it can be asked, by the paths of gRPC."""
        found = {
            f"/google.cloud.aiplatform.v1.VizierService/{name}": Method(
                name, request.pb(), getattr(self, _words(name))
            )
            for name, request in _REQUESTS.items()
        }
        operation = operations_pb2.GetOperationRequest
        found["/google.longrunning.Operations/GetOperation"] = Method(
            "GetOperation", operation, self.get_operation
        )
        return found

    # The methods.

    def create_study(self, request: Any) -> Any:
        study = v1.Study.pb()()
        study.CopyFrom(request.study)
        spec = study.study_spec
        _require(bool(study.display_name), "display_name")
        _require(len(spec.metrics) > 0 and spec.metrics[0].goal != 0, "metrics")
        _require(len(spec.parameters) > 0, "parameters")
        for parameter in spec.parameters:
            _check_parameter(parameter)
        names = [known.display_name for known in self.studies.values()]
        if study.display_name in names:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, study.display_name)
        study.name = f"{request.parent}/studies/{len(self.studies) + 1}"
        study.state = v1.Study.State.ACTIVE
        self.studies[study.name], self.trials[study.name] = study, []
        return study

    def lookup_study(self, request: Any) -> Any:
        for study in self.studies.values():
            if study.display_name == request.display_name:
                return study
        raise Refused(grpc.StatusCode.NOT_FOUND, request.display_name)

    def suggest_trials(self, request: Any) -> Any:
        study, trials = self._study(request.parent), self.trials[request.parent]
        _require(request.suggestion_count == 1 and bool(request.client_id), "client_id")
        mine = [
            trial
            for trial in trials
            if trial.client_id == request.client_id and trial.state in _OPEN
        ]
        trial = mine[0] if mine else self._suggested(study, request.client_id)
        response = v1.SuggestTrialsResponse.pb()(trials=[trial])
        return self._operation(request.parent, response)

    def create_trial(self, request: Any) -> Any:
        self._study(request.parent)
        trial = self._new_trial(request.parent)
        trial.parameters.extend(request.trial.parameters)
        trial.state = _State.REQUESTED
        if request.trial.HasField("final_measurement"):
            trial.final_measurement.CopyFrom(request.trial.final_measurement)
            trial.state = _State.SUCCEEDED
        return trial

    def list_trials(self, request: Any) -> Any:
        self._study(request.parent)
        start, size = int(request.page_token or 0), min(request.page_size or 10, 10)
        trials = self.trials[request.parent]
        more = str(start + size) if len(trials) > start + size else ""
        page = trials[start : start + size]
        return v1.ListTrialsResponse.pb()(trials=page, next_page_token=more)

    def add_trial_measurement(self, request: Any) -> Any:
        trial = self._open_trial(request.trial_name)
        trial.measurements.append(request.measurement)
        return trial

    def complete_trial(self, request: Any) -> Any:
        trial = self._open_trial(request.name)
        if request.trial_infeasible:
            trial.state = _State.INFEASIBLE
            trial.infeasible_reason = request.infeasible_reason
            return trial
        _require(request.HasField("final_measurement"), "final_measurement")
        trial.final_measurement.CopyFrom(request.final_measurement)
        trial.state = _State.SUCCEEDED
        return trial

    def delete_trial(self, request: Any) -> Any:
        trial = self._trial(request.name)
        self.trials[request.name.rpartition("/trials/")[0]].remove(trial)
        return empty_pb2.Empty()

    def check_trial_early_stopping_state(self, request: Any) -> Any:
        trial = self._open_trial(request.trial_name)
        study = self._study(request.trial_name.rpartition("/trials/")[0])
        stops = study.study_spec.WhichOneof("automated_stopping_spec") is not None
        response = v1.CheckTrialEarlyStoppingStateResponse.pb()(
            should_stop=stops and self.stops(trial)
        )
        return self._operation(study.name, response)

    def get_operation(self, request: Any) -> Any:
        return self._operations[request.name]

    # How they are done.

    def _study(self, name: str) -> Any:
        if name not in self.studies:
            raise Refused(grpc.StatusCode.NOT_FOUND, name)
        return self.studies[name]

    def _trial(self, name: str) -> Any:
        for trial in self.trials.get(name.rpartition("/trials/")[0], []):
            if trial.name == name:
                return trial
        raise Refused(grpc.StatusCode.NOT_FOUND, name)

    def _open_trial(self, name: str) -> Any:
        trial = self._trial(name)
        if trial.state not in _OPEN:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, f"{name} has ended")
        return trial

    def _new_trial(self, study: str) -> Any:
        number = self._numbers[study] = self._numbers.get(study, 0) + 1
        trial = _Trial(name=f"{study}/trials/{number}", id=str(number))
        self.trials[study].append(trial)
        return trial

    def _suggested(self, study: Any, client_id: str) -> Any:
        trial = self._new_trial(study.name)
        trial.client_id, trial.state = client_id, _State.ACTIVE
        draw = random.Random(int(trial.id))
        for parameter in study.study_spec.parameters:
            _draw(parameter, draw, trial)
        return trial

    def _operation(self, study: str, response: Any) -> Any:
        name = f"{study}/operations/{len(self._operations) + 1}"
        done = operations_pb2.Operation(name=name, done=True)
        done.response.Pack(response)
        self._operations[name] = done
        return operations_pb2.Operation(name=name) if self.slow else done


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, what)


def _check_parameter(spec: Any) -> None:
    kind = spec.WhichOneof("parameter_value_spec")
    _require(bool(spec.parameter_id) and kind is not None, spec.parameter_id)
    values = getattr(spec, kind)
    if kind in ("discrete_value_spec", "categorical_value_spec"):
        known = list(values.values)
        _require(0 < len(known) <= 1000, spec.parameter_id)
        _require(len(set(known)) == len(known) and "" not in known, spec.parameter_id)
        if kind == "discrete_value_spec":
            _require(known == sorted(known), spec.parameter_id)
    else:
        _require(values.min_value < values.max_value, spec.parameter_id)
    if kind != "categorical_value_spec" and spec.scale_type in (2, 3):
        least = min(values.values) if hasattr(values, "values") else values.min_value
        _require(least > 0, spec.parameter_id)
    for child in spec.conditional_parameter_specs:
        condition = child.WhichOneof("parent_value_condition")
        fits = {
            "parent_discrete_values": "discrete_value_spec",
            "parent_int_values": "integer_value_spec",
            "parent_categorical_values": "categorical_value_spec",
        }
        _require(fits.get(condition) == kind, spec.parameter_id)
        _check_parameter(child.parameter_spec)


def _draw(spec: Any, draw: random.Random, trial: Any) -> None:
    kind = spec.WhichOneof("parameter_value_spec")
    known = getattr(spec, kind)
    if kind == "double_value_spec":
        value: Any = draw.uniform(known.min_value, known.max_value)
        if spec.scale_type == v1.StudySpec.ParameterSpec.ScaleType.UNIT_LOG_SCALE:
            ratio = known.max_value / known.min_value
            value = known.min_value * ratio ** draw.random()
            value = min(max(value, known.min_value), known.max_value)
    elif kind == "integer_value_spec":
        value = draw.randint(known.min_value, known.max_value)
    else:
        value = draw.choice(list(known.values))
    text = isinstance(value, str)
    told = struct_pb2.Value(**{"string_value" if text else "number_value": value})
    trial.parameters.add(parameter_id=spec.parameter_id, value=told)
    for child in spec.conditional_parameter_specs:
        when = getattr(child, child.WhichOneof("parent_value_condition")).values
        if value in list(when):
            _draw(child.parameter_spec, draw, trial)


_REQUESTS = {
    "CreateStudy": v1.CreateStudyRequest,
    "LookupStudy": v1.LookupStudyRequest,
    "SuggestTrials": v1.SuggestTrialsRequest,
    "CreateTrial": v1.CreateTrialRequest,
    "ListTrials": v1.ListTrialsRequest,
    "AddTrialMeasurement": v1.AddTrialMeasurementRequest,
    "CompleteTrial": v1.CompleteTrialRequest,
    "DeleteTrial": v1.DeleteTrialRequest,
    "CheckTrialEarlyStoppingState": v1.CheckTrialEarlyStoppingStateRequest,
}


def _words(name: str) -> str:
    """The name of a method as Python writes it."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)[1:]
