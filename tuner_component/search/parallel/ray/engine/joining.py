"""Joining a Ray cluster, as one of its drivers in Ray's sense."""

import logging
import os
import socket

import ray
from ray.exceptions import RayError

from tuner_component.search.machine import ray_package
from tuner_component.search.parallel.ray.engine import refusals


class Unreachable(Exception):
    """There is no such cluster, or no place in it; the text says all."""


def join(address: str) -> None:
    """Joins a cluster, with this process.

    Args:
        address: As `Cluster.address`.

    Raises:
        Unreachable: If that is not possible.
    """
    try:
        _require_listener(address)
        ray.init(
            address=address,
            namespace="tuner_component",
            log_to_driver=False,
            logging_level=logging.WARNING,
            configure_logging=False,
            _node_ip_address=os.environ.get(ray_package.NODE),
        )
    except (ConnectionError, RayError, RuntimeError, ValueError, OSError) as error:
        raise Unreachable(refusals.explain(address, error, os.environ)) from error


def _require_listener(address: str) -> None:
    """Tries the head's address: Ray itself would try for minutes.

    Raises:
        OSError: If nothing listens there.
    """
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
