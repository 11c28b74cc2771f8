"""Vertex AI's service of jobs: one job is made, watched and cancelled.

Credentials are the application-default ones, which Google's client finds by itself. They
are kept by it and shown to nobody else.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from google.api_core import exceptions, retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.aiplatform_v1.services.job_service import JobServiceClient
from google.cloud.aiplatform_v1.types import CustomJob, JobState

from tuner_component.extensions.google_cloud_ai_platform.custom_job import LAUNCH_LABEL
from tuner_component.search.errors import SearchError
from tuner_component.vizier import credentials

_log = logging.getLogger("tuner_component")

# What may be better in a moment.
_PASSING = (
    exceptions.ServiceUnavailable,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.TooManyRequests,
    exceptions.Aborted,
)
_ANSWER_S = 60.0
# A service that does not answer for so long is lost; its jobs go on.
_PATIENCE_S = 600.0
_FIRST_PAUSE_S = 1.0
_ATTEMPTS = 5

FINAL = frozenset(
    {
        JobState.JOB_STATE_SUCCEEDED,
        JobState.JOB_STATE_FAILED,
        JobState.JOB_STATE_CANCELLED,
        JobState.JOB_STATE_EXPIRED,
        JobState.JOB_STATE_PARTIALLY_SUCCEEDED,
    }
)


class JobService:
    """The service, for one project in one region.

    Args:
        project: The project.
        region: The region.

    Attributes:
        project: The project.
        region: The region.

    Raises:
        SearchError: If there are no credentials.
    """

    def __init__(self, project: str, region: str) -> None:
        self.project, self.region = project, region
        endpoint = {"api_endpoint": f"{region}-aiplatform.googleapis.com"}
        try:
            self._client = JobServiceClient(client_options=endpoint)
        except GoogleAuthError:
            # What it says may quote what is in the file.
            raise SearchError(credentials.expected("none of use")) from None
        self._parent = f"projects/{project}/locations/{region}"

    def create(self, job: Mapping[str, Any]) -> CustomJob:
        """Starts a job, once, also if the answer is lost on its way.

        Args:
            job: The CustomJob; its `LAUNCH_LABEL` is no other's.

        Raises:
            ValueError: If it is no CustomJob.
            SearchError: If the service refuses it, or does not answer.
        """
        message = _message(job)
        lost: Exception | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_FIRST_PAUSE_S * 2**attempt)
                if made := self._find(job["labels"][LAUNCH_LABEL]):
                    return made
            try:
                return self._client.create_custom_job(
                    parent=self._parent, custom_job=message, timeout=_ANSWER_S
                )
            except _PASSING as error:
                if credentials.are_refused(error):
                    raise SearchError(
                        credentials.expected(credentials.REFUSED)
                    ) from None
                _log.warning("Vertex AI did not take the job: %s", error)
                lost = error
            except exceptions.GoogleAPICallError as error:
                raise SearchError(
                    f"Expected Vertex AI to start the job {job['display_name']!r} in "
                    f"{self._parent}. Received: {error}"
                ) from error
        raise SearchError(
            f"Expected Vertex AI to start a job in {self._parent}. Received: {lost}. Run "
            "the pipeline again when the service answers."
        ) from lost

    def _find(self, launch: str) -> CustomJob | None:
        """The job with a label, if it was made.

        Raises:
            SearchError: If the service does not say so: there may be a job.
        """
        named = f"labels.{LAUNCH_LABEL}={launch}"
        try:
            found = self._client.list_custom_jobs(
                request={"parent": self._parent, "filter": named},
                retry=_patient(),
                timeout=_ANSWER_S,
            )
            return next(iter(found), None)
        except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
            raise SearchError(
                "Expected Vertex AI to say whether it has made the job. Received: "
                f"{error}. It may have: look in the console for one with the label "
                f"{LAUNCH_LABEL}={launch}, and cancel it. Then run the pipeline again."
            ) from error

    def get(self, name: str) -> CustomJob:
        """What has become of a job.

        Raises:
            SearchError: If the service does not answer for long, or does not know it.
        """
        try:
            return self._client.get_custom_job(
                name=name, retry=_patient(), timeout=_ANSWER_S
            )
        except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
            raise SearchError(
                f"Expected Vertex AI to say how the job {name} is. Received: {error}. The "
                "job may still run: look at it in the console before you run the pipeline "
                "again."
            ) from error

    def cancel(self, name: str) -> None:
        """Has a job end; fine if it has ended by itself.

        Raises:
            SearchError: If the service does not take that.
        """
        try:
            self._client.cancel_custom_job(
                name=name, retry=_patient(), timeout=_ANSWER_S
            )
        except exceptions.FailedPrecondition:
            return
        except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
            raise SearchError(
                f"Expected Vertex AI to cancel the job {name}. Received: {error}. Cancel "
                "it in the console: it costs money."
            ) from error


def _message(job: Mapping[str, Any]) -> CustomJob:
    """The job in the service's own form.

    Raises:
        ValueError: If it has a field that there is not, or a value that does not fit.
    """
    try:
        return CustomJob(job)
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            "Expected the description of the job to have the fields of a CustomJob of "
            "Vertex AI, in the form worker_pool_specs, not workerPoolSpecs. Received: "
            f"{dict(job)!r} ({error})."
        ) from error


def _is_passing(error: Exception) -> bool:
    return isinstance(error, _PASSING) and not credentials.are_refused(error)


def _patient() -> retry.Retry:
    return retry.Retry(
        predicate=_is_passing,
        initial=_FIRST_PAUSE_S,
        timeout=_PATIENCE_S,
        on_error=lambda error: _log.warning("Asking Vertex AI again: %s", error),
    )
