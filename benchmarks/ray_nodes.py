"""Nodes of a Ray cluster on this machine, each with a loopback address of its own."""

import contextlib
import inspect
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# How many trials of one CPU run on a node at a time, and the nodes that have `PAIR`.
PLACES = 4
NODES = 4
# A custom resource of two of the nodes, of which a trial can take the whole.
PAIR = "pair"


@contextlib.contextmanager
def started() -> Iterator[str]:
    """Starts a head without places and four nodes; yields the head's address.

    It asks for a token, as this process's environment then does, too.
    """
    before = dict(os.environ)
    # The paths of Ray's sockets must be short.
    with tempfile.TemporaryDirectory(prefix="ray_") as directory:
        os.environ.update(
            HOME=directory,
            # Agents that are killed leave their directories.
            TMPDIR=directory,
            RAY_TMPDIR=directory,
            RAY_AUTH_MODE="token",
            RAY_AUTH_TOKEN=secrets.token_hex(32),
            RAY_USAGE_STATS_ENABLED="0",
            # Tune imports Ray Data, which wants a newer one than TFX 1.16 has.
            RAY_DISABLE_PYARROW_VERSION_CHECK="1",
            # Ray's own helpers take longer to start if two cores start all nodes.
            RAY_agent_register_timeout_ms="300000",
            RAY_raylet_start_wait_time_s="300",
            # Ray starts a worker anew that has not come up in so long, for ever: sixteen
            # that import at once on two busy cores never do in its 60 seconds.
            RAY_worker_register_timeout_seconds="600",
        )
        try:
            from ray.cluster_utils import Cluster

            _start_raylets_at_once()
            head = {"node_ip_address": "127.0.0.2", "num_cpus": 0}
            cluster = Cluster(
                initialize_head=True,
                head_node_args={**head, "include_dashboard": False},
            )
            try:
                for number in range(NODES):
                    cluster.add_node(
                        node_ip_address=f"127.0.0.{3 + number}",
                        num_cpus=PLACES,
                        resources={PAIR: 1} if number < 2 else {},
                    )
                yield str(cluster.address)
            finally:
                cluster.shutdown()
        finally:
            os.environ.clear()
            os.environ.update(before)


def _start_raylets_at_once() -> None:
    """Has raylets not wait for the dashboard's helpers.

    A raylet gives each of them 15 seconds to write its port to a file, and dies if two
    busy cores take longer. Nothing here needs them.
    """
    from ray._private import services

    start = services.start_raylet
    signature = inspect.signature(start)

    def start_at_once(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        node = bound.arguments
        with socket.create_server((node["node_ip_address"], 0)) as end:
            free = node["runtime_env_agent_port"] = end.getsockname()[1]
        helpers = ("metrics_agent", "metrics_export", "dashboard_agent_listen")
        ports = {**dict.fromkeys(helpers, -1), "runtime_env_agent": free}
        for helper, port in ports.items():
            file = Path(node["session_dir"], f"{helper}_port_{node['node_id']}")
            file.write_text(str(port))
        return start(*bound.args, **bound.kwargs)

    services.start_raylet = start_at_once
