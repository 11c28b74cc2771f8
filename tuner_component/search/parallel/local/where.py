"""Where the processes of a search run: on this machine, or on a cluster.

Nothing of a cluster's is imported here: what starts something there is known by name.
"""

import os

from tuner_component.search.machine import ray_package, resources
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.local.server_process import StartServer
from tuner_component.search.study import description, opening
from tuner_component.search.study.history_reading import read_history

_RAY = "tuner_component.search.parallel.ray"


def engine(options: SearchOptions) -> str | None:
    """What makes the engine, by name; None for workers on this machine."""
    if options.cluster is None:
        return None
    ray_package.require()
    return f"{_RAY}.engine.engine:connect"


def machine(options: SearchOptions) -> resources.Machine | None:
    """What workers share that run here; None if they run elsewhere."""
    return resources.Machine.of(os.environ) if options.cluster is None else None


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
    if known is None or not description.stays_finished(known, job.options.stop_when):
        return False
    history = read_history(job.study_directory, known["id"], known)
    return not opening.wanted(job.options).reopens(known, history)


def start_on_cluster() -> StartServer:
    """What has the driver run on the cluster: to be used as a fork server's start."""
    return protocol.function(f"{_RAY}.remote_driver.proxy:start")
