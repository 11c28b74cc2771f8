"""Ray's autoscaler for a test cluster: its nodes are raylets of this machine.

The decisions are those of Ray's own autoscaler, which runs beside the head; only what
starts a node is Ray's provider for tests (`ray.cluster_utils.AutoscalingCluster` cannot be
used: it begins with `ray stop`, which ends all clusters of a machine).
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider

from tests.support import ray_cluster


class Provider(FakeMultiNodeProvider):  # type: ignore[misc]
    """Starts nodes as the other test clusters do."""

    def __init__(self, provider_config: dict[str, Any], cluster_name: str) -> None:
        ray_cluster.do_not_wait_for_helpers()
        super().__init__(provider_config, cluster_name)


def head_arguments(
    host: str, node_type: dict[str, float], at_most: int, directory: Path
) -> dict[str, Any]:
    """What a head takes that has an autoscaler.

    Args:
        host: The head's address.
        node_type: The resources of each node that it may start.
        at_most: How many it may start.
        directory: For the autoscaler's configuration.
    """
    with socket.create_server((host, 0)) as end:
        port = end.getsockname()[1]
    nodes = {"resources": node_type, "min_workers": 0, "max_workers": at_most}
    head = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
    config = {
        "cluster_name": "tests",
        "max_workers": at_most,
        "idle_timeout_minutes": 10,
        "upscaling_speed": 1,
        "provider": {
            "type": "external",
            "module": f"{__name__}.{Provider.__name__}",
            "gcs_address": f"{host}:{port}",
            "launch_multiple": True,
            # A raylet is all that a node is: nothing is installed there.
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "available_node_types": {
            "ray.head.default": head,
            "node": {**nodes, "node_config": {}},
        },
        "head_node_type": "ray.head.default",
        "file_mounts": {},
        "cluster_synced_files": [],
        "worker_setup_commands": [],
        "worker_start_ray_commands": [],
        "auth": {},
    }
    path = directory / "autoscaler.json"
    path.write_text(json.dumps(config))
    os.environ.update(RAY_FAKE_CLUSTER="1", AUTOSCALER_UPDATE_INTERVAL_S="1")
    return {"autoscaling_config": str(path), "gcs_server_port": port}
