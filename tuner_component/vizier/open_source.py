"""Open-source Vizier, over gRPC with messages of our own.

Its client is not used: it brings what TFX is not installed with, and its generated code
fails beside some releases of protobuf. The service is in another environment.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from tuner_component.proto import vizier_pb2 as pb
from tuner_component.vizier import messages
from tuner_component.vizier.service import (
    OverError,
    Problem,
    ServiceError,
    ServiceTrial,
    UnreachableError,
    mismatch,
    same_problem,
)

_OWNER = "owners/tuner-component"
_CALL_S = 20.0
# Its default algorithm compiles its model when it is first asked, and thinks for seconds.
_SUGGESTION_S = 300.0

# What it answers if its database fails: as it does now and then when it is asked for
# several searches at once. The same call does later.
_OF_DATABASE = ("sqlite3.", "sqlalche")
# Names for a client, each of which may have an operation that will never be done.
_NAMES = ("", *(f"-{number}" for number in range(2, 10)))

_Answer = TypeVar("_Answer", bound=Message)
_AGAIN = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)


class OpenSourceVizier:
    """A connection to an open-source Vizier service: see `service.Service`.

    None of its algorithms takes conditional parameters, and what it has for stopping
    early picks a trial at random: that is not used.

    Args:
        endpoint: Its host and port.
    """

    has_conditions = False

    def __init__(self, endpoint: str) -> None:
        self.place = f"open-source Vizier at {endpoint}"
        options = [
            # A peer that vanished is noticed while a suggestion is waited for.
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.max_reconnect_backoff_ms", 5_000),
            # All trials come in one message: a thousand of a hundred epochs have 4 MB.
            ("grpc.max_receive_message_length", -1),
        ]
        self._channel = grpc.insecure_channel(endpoint, options=options)

    def open_study(self, study_id: str, problem: Problem) -> str:
        """See `service.Service`."""
        study = pb.Study(
            display_name=study_id, study_spec=messages.spec_of(problem, pb)
        )
        study.study_spec.algorithm = problem.algorithm or "DEFAULT"
        request = pb.CreateStudyRequest(parent=_OWNER, study=study)
        found = self._call("CreateStudy", request, pb.Study)
        known = messages.problem_of(found.study_spec, pb)
        if not same_problem(problem, known):
            raise mismatch(study_id, problem, known)
        return str(found.name)

    def suggest(self, study: str, client: str) -> ServiceTrial | None:
        """See `service.Service`."""
        for again in _NAMES:
            request = pb.SuggestTrialsRequest(
                parent=study, suggestion_count=1, client_id=client + again
            )
            operation = self._call(
                "SuggestTrials", request, pb.Operation, _SUGGESTION_S
            )
            if operation.done:
                break
            # It answers when it is done. So this is the operation of a call that died
            # with the service; it never will be, and this client gets nothing else.
        else:
            raise UnreachableError(f"{self.place} has not finished what it began")
        if operation.HasField("error"):
            raise ServiceError(
                f"Expected a suggestion of {self.place}. Received: "
                f"{operation.error.message}. See what the service has logged."
            )
        answer = pb.SuggestTrialsResponse.FromString(operation.response.value)
        return messages.trial_of(answer.trials[0], pb) if answer.trials else None

    def trials(self, study: str) -> Sequence[ServiceTrial]:
        """See `service.Service`."""
        request = pb.ListTrialsRequest(parent=study)
        answer = self._call("ListTrials", request, pb.ListTrialsResponse)
        return [messages.trial_of(trial, pb) for trial in answer.trials]

    def measure(self, trial: str, metric: str, step: int, value: float) -> None:
        """See `service.Service`."""
        measurement = messages.measurement(metric, value, pb, step)
        request = pb.AddTrialMeasurementRequest(
            trial_name=trial, measurement=measurement
        )
        self._call("AddTrialMeasurement", request, pb.Trial)

    def complete(
        self, trial: str, metric: str, value: float | None, reason: str
    ) -> None:
        """See `service.Service`."""
        request = pb.CompleteTrialRequest(name=trial)
        if value is None:
            request.trial_infeasible = True
            request.infeasible_reason = reason
        else:
            final = messages.measurement(metric, value, pb)
            request.final_measurement.CopyFrom(final)
        self._call("CompleteTrial", request, pb.Trial)

    def drop(self, trial: str) -> None:
        """See `service.Service`."""
        self._call("DeleteTrial", pb.DeleteTrialRequest(name=trial), pb.Empty)

    def add(
        self, study: str, parameters: Mapping[str, Any], metric: str, value: float
    ) -> None:
        """See `service.Service`."""
        trial = messages.result_of(parameters, metric, value, pb)
        request = pb.CreateTrialRequest(parent=study, trial=trial)
        self._call("CreateTrial", request, pb.Trial)

    def should_stop(self, trial: str) -> bool:
        """See `service.Service`."""
        raise NotImplementedError("It stops trials at random, and is not asked.")

    def close(self) -> None:
        """See `service.Service`."""
        self._channel.close()

    def _call(
        self,
        method: str,
        request: Message,
        answer: type[_Answer],
        timeout: float = _CALL_S,
    ) -> _Answer:
        call = self._channel.unary_unary(
            f"/vizier.VizierService/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            return call(request, timeout=timeout)  # type: ignore[no-any-return]
        except grpc.RpcError as error:
            code, details = error.code(), error.details()
        told = f"{self.place} answered {method} with {code.name}: {details}"
        if code in _AGAIN or any(word in (details or "") for word in _OF_DATABASE):
            raise UnreachableError(told)
        if code is grpc.StatusCode.FAILED_PRECONDITION:
            raise OverError(told)
        raise ServiceError(
            f"Expected {self.place} to do {method}. Received: {code.name}, {details}. "
            "See what the service has logged."
        )
