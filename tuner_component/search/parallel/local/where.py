"""Where the processes of a search run: on this machine, or on a cluster.

Nothing of a cluster's is imported here: what starts something there is known by name.
"""

import os

from tuner_component.search.machine import ray_package, resources
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.local.server_process import StartServer
from tuner_component.search.study import description

_RAY = "tuner_component.search.parallel.ray"


def engine(options: SearchOptions) -> str | None:
    """What makes the engine, by name; None for workers on this machine."""
    if options.cluster is None:
        return None
    ray_package.require()
    return f"{_RAY}.engine.engine:connect"


def slots(options: SearchOptions) -> tuple[dict[str, str], ...]:
    """For each worker that runs here at a time, its share of the machine."""
    if options.cluster is not None:
        return ()
    return tuple(
        resources.worker_environments(
            options.num_workers,
            options.cpus_per_trial,
            options.gpus_per_trial,
            os.environ,
        )
    )


def is_driver_here(job: protocol.Job) -> bool:
    """Whether the driver of a search runs on this machine.

    What is finished is published again also where its cluster is gone.

    Raises:
        SearchError: If another search's study is there, or it cannot be read.
    """
    cluster = job.options.cluster
    if cluster is None or not cluster.driver_on_cluster:
        return True
    known = description.read(job.study_directory, job.fingerprint)
    stop_when = job.options.stop_when
    return known is not None and description.stays_finished(known, stop_when)


def start_on_cluster() -> StartServer:
    """What has the driver run on the cluster: to be used as a fork server's start."""
    return protocol.function(f"{_RAY}.remote_driver.proxy:start")
