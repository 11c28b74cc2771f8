"""A stand-in for Vertex AI: its custom jobs and Vizier, and the log that Google keeps.

It speaks the gRPC and REST that Google's own clients speak, over TLS and under Google's host
names (see `vertex_doors`), to who has credentials (see `vertex_keys`). It keeps jobs and runs
them (see `vertex_jobs`), and studies with their trials (see `vertex_studies`). It can be
told to fail, to lose or to hold answers, and to be away. Whatever else it is asked is an
error, which it remembers, and so are fields that its messages do not have.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.support import vertex_doors, vertex_keys
from tests.support.vertex_doors import Method, Refused
from tests.support.vertex_jobs import PROJECT, REGION, Jobs
from tests.support.vertex_studies import Studies

__all__ = ["PARENT", "PROJECT", "REGION", "Refused", "Vertex", "serving"]

PARENT = f"projects/{PROJECT}/locations/{REGION}"
_HOST = f"{REGION}-aiplatform.googleapis.com"
_LOGGING, _OAUTH = "logging.googleapis.com", "oauth2.googleapis.com"
_IAM = "iamcredentials.googleapis.com"


class Vertex:
    """The stand-in, until it is closed.

    Args:
        directory: For its files; short, since sockets' paths are limited.
        machines: How many machines it has for the replicas of jobs. They see it as well.
        quick: See `replicas.Machines`.

    Attributes:
        jobs: The custom jobs.
        vizier: The studies.
        environment: The variables of whoever is to take it for Google's cloud.
        secrets: What nobody else may see.
        calls: The methods that were called, in order.
        mistakes: What it was asked and does not know.
        may_read_log: Whether callers may.
        are_refused: Whether credentials that have to be exchanged for a token have expired.
        before: Called with a method's name and the request; may raise `Refused`, or wait.
        after: The same, once the method has done what it does.
    """

    def __init__(
        self, directory: Path, machines: int = 0, quick: Sequence[str] = ()
    ) -> None:
        self.calls: list[str] = []
        self.mistakes: list[str] = []
        self.may_read_log = True
        self.are_refused = False
        self.before: Callable[[str, Any], object] = lambda method, request: None
        self.after: Callable[[str, Any], object] = lambda method, request: None
        self._changed = threading.Condition(threading.RLock())
        self._faults: dict[str, list[tuple[grpc.StatusCode, bool]]] = {}
        hosts = [_HOST, _LOGGING, _OAUTH, _IAM]
        vertex_keys.certificate(directory, hosts)
        account, self.secrets = vertex_keys.service_account(directory)
        common = {
            "GOOGLE_APPLICATION_CREDENTIALS": str(account),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(directory / "ca.pem"),
            "REQUESTS_CA_BUNDLE": str(directory / "ca.pem"),
        }
        ports: dict[str, int] = {}
        self._doors = [vertex_doors.Proxy(ports)]
        self.environment = {
            **common,
            "https_proxy": self._doors[0].address,
            "no_proxy": "localhost,127.0.0.1",
        }
        there, variables = None, dict(self.environment)
        if machines:
            from tests.support import replicas

            there = replicas.Machines(directory, machines, quick)
            self._doors.append(vertex_doors.Proxy(ports, there.outside))
            variables["https_proxy"] = self._doors[1].address
            others = (*there.addresses, *there.names)
            variables["no_proxy"] = ",".join(("localhost", "127.0.0.1", *others))
        self.jobs = Jobs(there, variables, self._changed)
        self.vizier = Studies()
        methods = {**self.jobs.methods(), **self.vizier.methods()}
        self._grpc = vertex_doors.Grpc(directory, methods, self._call, self.mistakes)
        self._https = vertex_doors.Https(directory, self._answer)
        ports |= dict.fromkeys(hosts, self._https.port) | {_HOST: self._grpc.port}

    @property
    def refused(self) -> list[str]:
        """The hosts that were asked for and that it does not stand for."""
        return [host for door in self._doors for host in door.refused]

    def close(self) -> None:
        """Ends all of it."""
        self.jobs.close()
        for door in self._doors:
            door.close()
        self._https.close()
        self._grpc.close()

    # What tests tell it.

    def stop(self) -> None:
        """Has it be away; what it knows it keeps."""
        self._grpc.stop()

    def start(self) -> None:
        """Has it be there again."""
        self._grpc.start()

    def fail(self, method: str, code: grpc.StatusCode, times: int = 1) -> None:
        """Has the next calls of a method fail without effect."""
        self._faults.setdefault(method, []).extend([(code, False)] * times)

    def lose_answer(self, method: str) -> None:
        """Has the next call of a method do its work, and its answer be lost."""
        lost = (grpc.StatusCode.UNAVAILABLE, True)
        self._faults.setdefault(method, []).append(lost)

    def wait_for(self, what: Callable[[], bool], seconds: float) -> None:
        """Waits until something is so.

        Raises:
            AssertionError: If it does not become so in time.
        """
        with self._changed:
            assert self._changed.wait_for(what, seconds), self.jobs.said()

    # What clients ask of it.

    def _call(self, method: Method, token: str, request: Any) -> Any:
        if not token:
            raise Refused(grpc.StatusCode.UNAUTHENTICATED, "no credentials")
        self.calls.append(method.name)
        self.secrets.append(token)
        again = type(request)()
        again.CopyFrom(request)
        again.DiscardUnknownFields()
        if again != request:
            self.mistakes.append(f"an unknown field of {method.name}")
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "an unknown field")
        self.before(method.name, request)
        with self._changed:
            faults = self._faults.get(method.name)
            code, has_effect = faults.pop(0) if faults else (None, True)
            answer = method.do(request) if has_effect else None
            self._changed.notify_all()
        if code is not None:
            raise Refused(code, "told to by a test")
        self.after(method.name, request)
        return answer

    def _answer(
        self, host: str, path: str, token: str, body: bytes
    ) -> tuple[int, dict[str, Any]]:
        if (host, path) == (_OAUTH, "/token"):
            if self.are_refused:
                return 400, {"error": "invalid_grant", "error_description": "expired"}
            access = {"access_token": vertex_keys.ACCESS_TOKEN, "expires_in": 3600}
            return 200, {**access, "token_type": "Bearer"}
        if host == _IAM and path.endswith("/allowedLocations"):
            return 200, {"locations": [], "encodedLocations": "0x0"}
        if (host, path) != (_LOGGING, "/v2/entries:list"):
            self.mistakes.append(f"{host}{path}")
            return 404, {}
        if token != vertex_keys.ACCESS_TOKEN:
            return 401, {}
        if not self.may_read_log:
            return 403, {}
        status, answer = self.jobs.list_entries(body)
        if status != 200:
            self.mistakes.append(body.decode())
        return status, answer


@contextlib.contextmanager
def serving(machines: int = 0) -> Iterator[Vertex]:
    """Runs the stand-in; this process takes it for Google's cloud meanwhile."""
    with (
        tempfile.TemporaryDirectory(prefix="vx") as directory,
        pytest.MonkeyPatch.context() as patch,
    ):
        service = Vertex(Path(directory), machines)
        for name, value in service.environment.items():
            patch.setenv(name, value)
        try:
            yield service
            assert service.mistakes == []
            assert service.refused == []
        finally:
            service.close()
