"""Vertex AI Vizier, through Google's client library and application-default credentials."""

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tuner_component.vizier import credentials, messages
from tuner_component.vizier.service import (
    OverError,
    Problem,
    ServiceError,
    ServiceTrial,
    UnreachableError,
    mismatch,
    same_problem,
)

_CALL_S = 30.0
_SUGGESTION_S = 300.0
# Google's client library is imported in functions: it takes seconds, and most have no use
# for it.


class VertexVizier:
    """A connection to Vertex AI Vizier: see `service.Service`.

    Args:
        project: The id of a project of Google Cloud.
        region: Where its studies are.

    Raises:
        ImportError: If google-cloud-aiplatform is not installed.
        ServiceError: If there are no credentials.
    """

    has_conditions = True

    def __init__(self, project: str, region: str) -> None:
        self.place = f"Vertex AI Vizier of {project} in {region}"
        self._parent = f"projects/{project}/locations/{region}"
        self._pb = _messages()
        self._client = connect(region)

    def open_study(self, study_id: str, problem: Problem) -> str:
        """See `service.Service`."""
        found = self._lookup(study_id)
        if found is None:
            spec = messages.spec_of(problem, self._pb)
            if problem.algorithm:
                spec.algorithm = _algorithm(problem.algorithm, self._pb)
            if problem.stops_early:
                spec.decay_curve_stopping_spec.SetInParent()
            study = self._pb.Study(display_name=study_id, study_spec=spec)
            try:
                found = self._call("create_study", parent=self._parent, study=study)
            except ServiceError:
                # Another search may have created it just now.
                if (found := self._lookup(study_id)) is None:
                    raise
        known = messages.problem_of(found.study_spec, self._pb)
        if not same_problem(problem, known):
            raise mismatch(study_id, problem, known)
        stops = found.study_spec.WhichOneof("automated_stopping_spec")
        if problem.stops_early and not stops:
            raise ServiceError(
                f"Expected the study {study_id!r} to stop trials early, with the rule "
                "SERVICE. Received: one that was created without. Choose another "
                "study_id, or another rule."
            )
        return str(found.name)

    def _lookup(self, study_id: str) -> Any:
        from google.api_core import exceptions

        try:
            return self._call(
                "lookup_study",
                request={"parent": self._parent, "display_name": study_id},
            )
        except ServiceError as error:
            if isinstance(error.__cause__, exceptions.NotFound):
                return None
            raise

    def suggest(self, study: str, client: str) -> ServiceTrial | None:
        """See `service.Service`."""
        request = {"parent": study, "suggestion_count": 1, "client_id": client}
        answer = self._long_call("suggest_trials", request)
        trials = answer.trials
        return messages.trial_of(trials[0], self._pb) if trials else None

    def trials(self, study: str) -> Sequence[ServiceTrial]:
        """See `service.Service`."""
        request = {"parent": study, "page_size": 1000}
        pages = self._attempt("list_trials", lambda call: list(call(request=request)))
        return [messages.trial_of(_raw(trial), self._pb) for trial in pages]

    def measure(self, trial: str, metric: str, step: int, value: float) -> None:
        """See `service.Service`."""
        measurement = messages.measurement(metric, value, self._pb, step)
        request = {"trial_name": trial, "measurement": measurement}
        self._call("add_trial_measurement", request=request)

    def complete(
        self, trial: str, metric: str, value: float | None, reason: str
    ) -> None:
        """See `service.Service`."""
        request: dict[str, Any] = {"name": trial}
        if value is None:
            request |= {"trial_infeasible": True, "infeasible_reason": reason}
        else:
            final = messages.measurement(metric, value, self._pb)
            request["final_measurement"] = final
        self._call("complete_trial", request=request)

    def drop(self, trial: str) -> None:
        """See `service.Service`."""
        self._call("delete_trial", request={"name": trial})

    def add(
        self, study: str, parameters: Mapping[str, Any], metric: str, value: float
    ) -> None:
        """See `service.Service`."""
        trial = messages.result_of(parameters, metric, value, self._pb)
        added = self._call("create_trial", parent=study, trial=trial)
        if messages.trial_of(added, self._pb).result is None:
            self.complete(added.name, metric, value, "")

    def should_stop(self, trial: str) -> bool:
        """See `service.Service`."""
        request = {"trial_name": trial}
        answer = self._long_call("check_trial_early_stopping_state", request)
        return bool(answer.should_stop)

    def close(self) -> None:
        """See `service.Service`."""
        self._client.transport.close()

    def _call(self, method: str, **arguments: Any) -> Any:
        return _raw(self._attempt(method, lambda call: call(**arguments)))

    def _long_call(self, method: str, request: Mapping[str, Any]) -> Any:
        """A call whose answer has to be waited for."""
        return _raw(
            self._attempt(
                method, lambda call: call(request=request).result(timeout=_SUGGESTION_S)
            )
        )

    def _attempt(self, method: str, use: Callable[[Callable[..., Any]], Any]) -> Any:
        import concurrent.futures
        import functools

        from google.api_core import exceptions
        from google.auth import exceptions as auth_exceptions

        call = getattr(self._client, method)
        call = functools.partial(call, timeout=_CALL_S, retry=None)
        again = (
            *(exceptions.ServiceUnavailable, exceptions.DeadlineExceeded),
            *(exceptions.Aborted, exceptions.Cancelled, exceptions.TooManyRequests),
            *(exceptions.InternalServerError, exceptions.RetryError),
            *(concurrent.futures.TimeoutError, auth_exceptions.TransportError),
        )
        try:
            return use(call)
        except again as error:
            if credentials.are_refused(error):
                raise no_credentials(error) from None
            told = f"{self.place} answered {method} with {error}"
            raise UnreachableError(told) from None
        except exceptions.FailedPrecondition as error:
            raise OverError(f"{self.place} refuses {method}: {error}") from None
        except auth_exceptions.GoogleAuthError as error:
            raise no_credentials(error) from None
        except exceptions.GoogleAPICallError as error:
            raise ServiceError(
                f"Expected {self.place} to do {method}. Received: {error}. Look whether "
                "the project has the Vertex AI API, and the account the role "
                "roles/aiplatform.user."
            ) from error


def connect(region: str) -> Any:
    """A client of Google's for a region."""
    from google.auth import exceptions
    from google.cloud import aiplatform_v1

    options = {"api_endpoint": f"{region}-aiplatform.googleapis.com"}
    try:
        return aiplatform_v1.VizierServiceClient(client_options=options)
    except exceptions.GoogleAuthError as error:
        raise no_credentials(error) from None


def no_credentials(error: Exception) -> ServiceError:
    """Says that there are no credentials of use."""
    refused = credentials.are_refused(error)
    received = credentials.REFUSED if refused else type(error).__name__
    return ServiceError(credentials.expected(received))


def _messages() -> Any:
    """Google's messages by the names that `messages` calls them.

    The ones below those of proto-plus, which have the interface of all others.
    """
    try:
        from google.cloud.aiplatform_v1 import types as v1
    except ImportError as error:
        raise ImportError(
            "Expected google-cloud-aiplatform to be installed, for Vertex AI Vizier. "
            "Received: no such package. Run `pip install google-cloud-aiplatform`, or "
            "name the endpoint of an open-source Vizier."
        ) from error
    spec = v1.StudySpec
    return types.SimpleNamespace(
        Study=v1.Study.pb(),
        StudySpec=spec.pb(),
        MetricSpec=spec.MetricSpec.pb(),
        ParameterSpec=spec.ParameterSpec.pb(),
        Trial=v1.Trial.pb(),
        Measurement=v1.Measurement.pb(),
    )


def _algorithm(name: str, pb: Any) -> Any:
    known = pb.StudySpec.Algorithm.keys()
    if name not in known:
        raise ServiceError(
            f"Expected the algorithm to be one of {', '.join(known)}. Received: "
            f"{name!r}. Leave it out for Vizier's own."
        )
    return pb.StudySpec.Algorithm.Value(name)


def _raw(message: Any) -> Any:
    """The message below one of proto-plus."""
    return type(message).pb(message) if hasattr(type(message), "pb") else message
