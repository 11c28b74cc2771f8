"""What the machine of this replica has."""

import os

from tuner_component.extensions.flock.board import Machine
from tuner_component.search.machine import resources


def here() -> Machine:
    """The CPU cores and GPUs that this process may use."""
    return Machine(
        resources.available_cpus(), len(resources.available_gpus(os.environ))
    )
