"""A real Ray cluster on addresses of this machine, for as long as a test wants it.

Its nodes are raylets with an address each (127.0.0.2, .3, ...), started by a process of
their own: `ray start` would import Ray anew for each.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from multiprocessing import connection
from pathlib import Path
from typing import Any
from unittest import mock

from tests.support import namespaces, node_servers, processes
from tests.support.project import ROOT
from tuner_component.search.options import Cluster, SearchOptions
from tuner_component.search.parallel.local.engine import pair

_PROGRAM = (
    "from tests.support import ray_cluster; import sys; "
    "ray_cluster.serve(int(sys.argv[1]))"
)
_SERVERS = "from tests.support import node_servers; import sys; node_servers.main(*sys.argv[1:])"


def environment(home: Path) -> dict[str, str]:
    """The variables for all processes that have to do with a cluster."""
    path = [str(ROOT), str(ROOT / "tests/support/ray_node")]
    return {
        "HOME": str(home),
        "RAY_TMPDIR": str(home.parent),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        # On a busy machine Ray's own helpers take longer to start than it allows for.
        "RAY_agent_register_timeout_ms": "300000",
        "RAY_raylet_start_wait_time_s": "300",
        "RAY_worker_register_timeout_seconds": "300",
        "PYTHONPATH": os.pathsep.join([*path, os.environ.get("PYTHONPATH", "")]),
        node_servers.ADDRESS: str(home / "node_servers"),
    }


# The head of the cluster that all searches of the tests run on, if they run on one.
ADDRESS = "TEST_RAY_ADDRESS"
# Where there is room for all their workers.
_HOSTS = ("127.0.0.3", "127.0.0.4", "127.0.0.5")
# What the workers of a pipeline import.
_TFX = "tuner_component.pipeline.user_module"


def on_test_cluster(options: SearchOptions) -> SearchOptions:
    """The same options, on the tests' cluster if there is one and they name none.

    What the search starts there is known by this process, which runs it.
    """
    os.environ[node_servers.SEARCH] = str(os.getpid())
    address = os.environ.get(ADDRESS)
    if address is None or options.cluster is not None:
        return options
    return dataclasses.replace(options, cluster=Cluster(address))


@contextlib.contextmanager
def for_all_searches(directory: Path) -> Iterator[None]:
    """Has the searches of this process run on a cluster of three nodes.

    It is started here, unless the environment says that one runs (see `main`).
    """
    if ADDRESS in os.environ:
        yield
        return
    with running(directory, *_HOSTS, cpus=4) as cluster, cluster.known():
        yield


def for_everything(
    directory: Path,
) -> contextlib.AbstractContextManager[RayCluster]:
    """A cluster with room for all that `TEST_ENGINE=ray` runs, pipelines included."""
    return running(directory, *_HOSTS, cpus=4, modules=(_TFX,))


class RayCluster:
    """A cluster whose head has no place for trials.

    Args:
        directory: For its files; short, since sockets' paths are limited.
        config: Ray's system configuration for all nodes, by name.
        host: The head's address.
        autoscaler: What nodes its autoscaler may start: what each has, and how many.
        modules: What fork servers of its nodes have imported, besides the search.

    Attributes:
        environment: The variables for whoever has to do with it.
        address: The head's, `host:port`.
    """

    def __init__(
        self,
        directory: Path,
        config: dict[str, Any] | None = None,
        host: str = "127.0.0.2",
        autoscaler: tuple[dict[str, float], int] | None = None,
        modules: tuple[str, ...] = (),
    ) -> None:
        home = directory / "home"
        home.mkdir(parents=True, exist_ok=True)
        self.environment = environment(home)
        address = self.environment[node_servers.ADDRESS]
        self._servers = subprocess.Popen(
            [sys.executable, "-c", _SERVERS, address, *modules],
            env={**os.environ, **self.environment},
        )
        self._wire, theirs = pair()
        with theirs, open(directory / "cluster.log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(theirs.fileno())],
                env={**os.environ, **self.environment},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.address = self._ask("head", host, config or {}, autoscaler)

    @contextlib.contextmanager
    def known(self) -> Iterator[None]:
        """Has searches of processes that are started meanwhile run here, and this one look.

        Those whose options name a cluster run on that.
        """
        with mock.patch.dict(os.environ, {**self.environment, ADDRESS: self.address}):
            yield

    def add(
        self,
        host: str,
        cpus: int = 2,
        environment: dict[str, str] | None = None,
        network: str | None = None,
        hidden: dict[str, str] | None = None,
        **more: Any,
    ) -> int:
        """Adds a node; returns the process of its raylet.

        Args:
            host: Its address.
            cpus: Its CPUs, as far as Ray is concerned.
            environment: Variables for its processes.
            network: The network namespace that it is in, as a file.
            hidden: Directories in which it sees something else: see `namespaces`.
            more: What else `ray start` takes.
        """
        environment = dict(environment or {})
        if network or hidden:
            environment[node_servers.APART] = "1"
        place = (network, hidden or {})
        more = {"num_cpus": cpus, **more}
        return int(self._ask("add", host, environment, place, more))

    def kill(self, host: str) -> None:
        """Kills a node's raylet, and Ray's processes that depend on it end."""
        self._ask("kill", host)

    def kill_head(self, part: str = "all") -> None:
        """Kills the head's GCS, raylet and all, or one of them alone."""
        self._ask("kill_head", part)

    def drain(self, host: str, seconds: float) -> None:
        """Has a node told that it is taken away after some time."""
        self._ask("drain", host, seconds)

    def search_processes(self) -> list[int]:
        """The actors of searches, their fork servers, drivers there, and workers."""
        raylets = processes.descendants(self._process.pid)
        actors = ("ray::Agent", "ray::DriverHost")
        agents = [pid for pid in raylets if _command(pid).startswith(actors)]
        return [*agents, *processes.descendants(self._servers.pid)]

    @contextlib.contextmanager
    def executors(self) -> Iterator[processes.Executors]:
        """What starts executors that may use this cluster."""
        with self.known():
            executors = processes.Executors()
        yield executors
        executors.close()

    @contextlib.contextmanager
    def nothing_left(self, executors: processes.Executors) -> Iterator[None]:
        """Afterwards nothing may be left of searches; if something is, it ends now."""
        yield
        left = [*executors.descendants(), *self.search_processes()]
        try:
            processes.wait_until_gone(left, 20)
        finally:
            processes.kill(*executors.descendants(), *self.search_processes())

    def close(self) -> None:
        """Ends all of it."""
        self._servers.kill()
        self._servers.wait()
        with contextlib.suppress(OSError):
            self._wire.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _ask(self, *request: Any) -> Any:
        self._wire.send(request)
        answer = self._wire.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def serve(number: int) -> None:
    """Runs a cluster: the program of its process."""
    from ray.cluster_utils import Cluster

    do_not_wait_for_helpers()
    wire = connection.Connection(number)
    state = _Served(Cluster)
    try:
        while True:
            name, *args = wire.recv()
            try:
                wire.send(getattr(state, name)(*args))
            except Exception as error:  # noqa: BLE001
                traceback.print_exc()
                wire.send(RuntimeError(repr(error)))
    except (EOFError, OSError):
        state.end()


class _Served:
    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._cluster: Any = None
        self._nodes: dict[str, Any] = {}

    def head(
        self,
        host: str,
        config: dict[str, Any],
        autoscaler: tuple[dict[str, float], int] | None,
    ) -> str:
        more = {}
        if autoscaler is not None:
            from tests.support import ray_autoscaler

            directory = Path(os.environ["HOME"])
            more = ray_autoscaler.head_arguments(host, *autoscaler, directory)
        self._cluster = self._kind(
            initialize_head=True,
            head_node_args={
                "node_ip_address": host,
                "num_cpus": 0,
                "include_dashboard": False,
                "include_log_monitor": False,
                "_system_config": config,
                **more,
            },
        )
        return str(self._cluster.address)

    def add(
        self,
        host: str,
        environment: dict[str, str],
        place: tuple[str | None, dict[str, str]],
        more: dict[str, Any],
    ) -> int:
        before = dict(os.environ)
        os.environ.update(environment)
        try:
            with namespaces.entered(*place):
                node = self._cluster.add_node(
                    node_ip_address=host, include_log_monitor=False, **more
                )
        finally:
            os.environ.clear()
            os.environ.update(before)
        self._nodes[host] = node
        return _raylet(node)

    def drain(self, host: str, seconds: float) -> None:
        from ray._raylet import GcsClient

        client = GcsClient(address=self._cluster.address)
        until = int((time.time() + seconds) * 1000)
        node_id = self._nodes[host].node_id
        preempted = 2  # DRAIN_NODE_REASON_PREEMPTION
        accepted, why = client.drain_node(node_id, preempted, "a test", until)
        assert accepted, why

    def kill(self, host: str) -> None:
        node = self._nodes.pop(host)
        node.kill_all_processes(check_alive=False, allow_graceful=False)

    def kill_head(self, part: str) -> None:
        head = self._cluster.head_node
        if part == "all":
            head.kill_all_processes(check_alive=False, allow_graceful=False)
            return
        for process in head.all_processes[part]:
            process.process.kill()

    def end(self) -> None:
        # The autoscaler's nodes are its own.
        started = processes.descendants(os.getpid())
        if self._cluster is not None:
            self._cluster.shutdown()
        processes.kill(*started)


def do_not_wait_for_helpers() -> None:
    """Has raylets start before their dashboard's helpers do.

    A raylet waits 15 seconds for each, by a file with its port, and dies if they do not
    suffice: on two busy cores they do not.
    """
    from ray._private import services

    start = services.start_raylet
    signature = inspect.signature(start)

    def start_at_once(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        given = bound.arguments
        for name in ("metrics_agent", "metrics_export", "dashboard_agent_listen"):
            path = Path(given["session_dir"], f"{name}_port_{given['node_id']}")
            path.write_text("-1")  # As if there were none.
        with socket.create_server((given["node_ip_address"], 0)) as end:
            port = given["runtime_env_agent_port"] = end.getsockname()[1]
        path = Path(given["session_dir"], f"runtime_env_agent_port_{given['node_id']}")
        path.write_text(str(port))
        return start(*bound.args, **bound.kwargs)

    services.start_raylet = start_at_once


def _raylet(node: Any) -> int:
    (process,) = node.all_processes["raylet"]
    return int(process.process.pid)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


@contextlib.contextmanager
def running(
    directory: Path, *hosts: str, cpus: int = 2, **more: Any
) -> Iterator[RayCluster]:
    """A cluster with these nodes, ended with the context."""
    cluster = RayCluster(directory, **more)
    try:
        for host in hosts:
            cluster.add(host, cpus)
        yield cluster
    finally:
        cluster.close()


def main() -> None:
    """Runs a cluster for the tests of several runs, until its input ends.

    It prints what to set in the shell before `TEST_ENGINE=ray ... pytest` uses it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ray_") as directory,
        for_everything(Path(directory)) as cluster,
    ):
        variables = {**cluster.environment, ADDRESS: cluster.address}
        del variables["PYTHONPATH"]
        for name, value in variables.items():
            print(f"export {name}={value}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
