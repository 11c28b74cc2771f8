"""Which replica of a job this process is, by what the service says in its environment."""

import dataclasses
import json
import socket
from collections.abc import Mapping
from typing import Any

from tuner_component.search.errors import SearchError

# Vertex AI sets both; others may set the second only.
_VARIABLES = ("CLUSTER_SPEC", "TF_CONFIG")
# What services call the first replica.
_FIRST = ("workerpool0", "chief", "master")
# Where TensorFlow's roles train nothing.
_NO_WORKERS = ("evaluator", "ps")
# A name that resolves to this says nothing to other machines.
_OWN_MACHINE = ("127.0.0.1", "127.0.1.1")


@dataclasses.dataclass(frozen=True)
class Role:
    """One replica of a job.

    Attributes:
        name: Unique in the job, such as "workerpool1-0".
        is_chief: Whether it is the first, which runs the search.
        host: Its own host name or address.
        port: The port that the service set apart for it.
        chief: Host name or address of the first replica.
        names: Those of all replicas.
    """

    name: str
    is_chief: bool
    host: str
    port: int
    chief: str
    names: tuple[str, ...]

    @property
    def address(self) -> str:
        """This replica's own address, as the others see it.

        Raises:
            SearchError: If its name is not known.
        """
        address = _resolved(self.host)
        if address not in _OWN_MACHINE or self.host == address or self.is_chief:
            return address
        # The address from which it reaches the first one.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.connect((_resolved(self.chief), self.port))  # Nothing is sent.
            return str(end.getsockname()[0])


def from_environment(environ: Mapping[str, str]) -> Role | None:
    """The role of this process; None where it is the only one.

    Args:
        environ: With CLUSTER_SPEC, or TF_CONFIG.

    Raises:
        SearchError: If a variable is there that cannot be understood.
    """
    for variable in _VARIABLES:
        if text := environ.get(variable, "").strip():
            try:
                return _role(json.loads(text))
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as e:
                raise SearchError(
                    f"Expected {variable} to name the replicas of the job and the task of "
                    'this one: {"cluster": {"workerpool0": ["host:port"], ...}, "task": '
                    f'{{"type": "workerpool0", "index": 0}}}}. Received: {text!r} ({e!r}). '
                    "The service sets it; leave it out of the container's environment."
                ) from e
    return None


def _role(spec: Any) -> Role | None:
    if not spec:
        return None
    cluster = {kind: spec["cluster"][kind] for kind in sorted(spec["cluster"])}
    workers = {k: ends for k, ends in cluster.items() if k not in _NO_WORKERS and ends}
    kind, index = str(spec["task"]["type"]), int(spec["task"]["index"])
    if kind not in workers:
        raise ValueError(f"there is no {kind!r} among {', '.join(workers) or 'them'}")
    first = next(name for name in (*_FIRST, *workers) if name in workers)
    if sum(map(len, workers.values())) == 1:
        return None
    host, port = _end(workers[kind][index])
    return Role(
        name=f"{kind}-{index}",
        is_chief=(kind, index) == (first, 0),
        host=host,
        port=port,
        chief=_end(workers[first][0])[0],
        names=tuple(
            f"{k}-{n}" for k, ends in workers.items() for n in range(len(ends))
        ),
    )


def _end(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host:
        raise ValueError(f"{text!r} is no host and port")
    return host.strip("[]"), int(port)


def _resolved(host: str) -> str:
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        raise SearchError(
            f"Expected {host}, which the service names as a replica of the job, to have "
            f"an address. Received: {error}. The replicas must be in one network."
        ) from error
