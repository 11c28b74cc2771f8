"""What the replicas of a job print, which Google keeps in Cloud Logging."""

import contextlib
import datetime
import json
import logging
from collections.abc import Iterator
from typing import Any

import google.auth
from google.api_core import datetime_helpers
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from requests.exceptions import RequestException

_log = logging.getLogger("tuner_component")

_URL = "https://logging.googleapis.com/v2/entries:list"
_SCOPE = "https://www.googleapis.com/auth/logging.read"
_JSON = {"Content-Type": "application/json"}
_ANSWER_S = 30.0
_PAGE = 1000
# What one replica says may come so much later than what others have said since.
_LATE = datetime.timedelta(seconds=30)
# A reader that may not read will not be allowed to in a moment.
_REFUSED = (400, 401, 403, 404)


class JobLog:
    """The log of one job.

    Args:
        project: Its project.
        job: Its id: the last part of its name.
        since: From when on, as RFC 3339 has it.
    """

    def __init__(self, project: str, job: str, since: str) -> None:
        self._project, self._job = project, job
        self._from: datetime.datetime = datetime_helpers.from_rfc3339(since)
        self._seen: dict[str, datetime.datetime] = {}
        self._session: AuthorizedSession | None = None
        self._is_refused = False

    def new_lines(self) -> Iterator[str]:
        """Yields what was printed since the last call, each line with its replica.

        It raises nothing: a search must not end because its log cannot be read.
        """
        token, late = "", _LATE
        while not self._is_refused:
            answer = self._ask(token)
            if answer is None:
                # It may have been asked for too much: it goes on from where it got to.
                late = datetime.timedelta()
                break
            for entry in answer.get("entries", []):
                yield from self._lines(entry)
            token = answer.get("nextPageToken", "")
            if not token:
                break
        self._forget(late)

    def _ask(self, token: str) -> dict[str, Any] | None:
        request = {
            "resourceNames": [f"projects/{self._project}"],
            "filter": 'resource.type="ml_job" '
            f'AND resource.labels.job_id="{self._job}" '
            f'AND timestamp>="{datetime_helpers.to_rfc3339(self._from)}"',
            "orderBy": "timestamp asc",
            "pageSize": _PAGE,
            **({"pageToken": token} if token else {}),
        }
        try:
            if self._session is None:
                credentials, _ = google.auth.default(scopes=[_SCOPE])
                self._session = AuthorizedSession(credentials)
            answer = self._session.post(
                _URL, data=json.dumps(request), headers=_JSON, timeout=_ANSWER_S
            )
            if answer.status_code == 200:
                found: dict[str, Any] = answer.json()
                return found
            said = f"{answer.status_code} {answer.reason}"
            self._is_refused = answer.status_code in _REFUSED
        except (RequestException, GoogleAuthError, ValueError) as error:
            said = type(error).__name__  # Its text may have what nobody is to see.
        if self._is_refused:
            _log.warning(
                "The log of the job is not shown here: Cloud Logging says %s. The role "
                "roles/logging.viewer allows it.",
                said,
            )
        else:
            _log.debug("Cloud Logging does not answer: %s", said)
        return None

    def _lines(self, entry: dict[str, Any]) -> Iterator[str]:
        name = str(entry.get("insertId"))
        if name in self._seen:
            return
        self._seen[name] = self._moment(entry)
        payload = entry.get("jsonPayload") or {}
        text = entry.get("textPayload") or payload.get("message") or ""
        labels = entry.get("resource", {}).get("labels", {})
        task = labels.get("task_name") or "service"
        for line in str(text).splitlines():
            yield f"[{task}] {line}"

    def _moment(self, entry: dict[str, Any]) -> datetime.datetime:
        found = self._from
        with contextlib.suppress(ValueError):
            found = datetime_helpers.from_rfc3339(str(entry.get("timestamp")))
        return found

    def _forget(self, late: datetime.timedelta) -> None:
        """Asks the next time from a while before the last entry: others may be late."""
        if self._seen:
            self._from = max(self._from, max(self._seen.values()) - late)
            self._seen = {n: t for n, t in self._seen.items() if t >= self._from}
