"""What the driver tells an agent that has come, and what it makes sure of."""

import os
import secrets
from collections.abc import Mapping

from tuner_component.search.machine import resources
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.ray import shipping
from tuner_component.search.parallel.ray.messages import NodeUnfit, Setup, StudySeen
from tuner_component.search.parallel.ray.node import node_check

# What of the environment decides how a model is trained. The rest is each node's own.
_ENVIRONMENT = ("KERAS_", "TF_", "XLA_", "JAX_", "PYTHONHASHSEED")
_DRIVER = "tuner_component.search.parallel.driver.main"


class Introduction:
    """Introduces a search to the agents of its nodes.

    Args:
        job: The search.
        lease_s: For so many seconds an agent may go on without having been heard.
    """

    def __init__(self, job: protocol.Job, lease_s: float) -> None:
        self._job = job
        self._lease_s = lease_s
        self._token = secrets.token_hex(16)
        self._user_path = shipping.user_path(job.context.path)
        self._sources = shipping.digests(self._user_path)
        # Read from many files, which takes as long as a trial's bookkeeping ten times.
        self._versions = node_check.versions()

    def setup(self) -> Setup:
        """What an agent has to know."""
        job = self._job
        return Setup(
            context=job.context,
            user_path=self._user_path,
            sources=self._sources,
            directory=os.getcwd(),
            environment={
                name: value
                for name, value in os.environ.items()
                if name.startswith(_ENVIRONMENT) and name != "TF_CONFIG"
            },
            threads={**self.threads(), "PYTORCH_NVML_BASED_CUDA_CHECK": "1"},
            preload=tuple(m for m in job.preload if m != _DRIVER),
            versions=self._versions,
            study_directory=job.study_directory,
            token=self._token,
            reads=job.reads,
            lease_s=self._lease_s,
        )

    def threads(self) -> Mapping[str, str]:
        """The variables that give a worker the threads of its place."""
        cpus = self._job.options.cpus_per_trial or 1
        return resources.thread_environment(1, cpus, {})

    def why_unfit(self, found: StudySeen | NodeUnfit) -> str:
        """Why a node cannot be used, by what was found there; "" if it can."""
        if isinstance(found, NodeUnfit):
            return found.reason
        study = self._job.study_directory
        is_same = node_check.take_token(study, found.name, self._token)
        return "" if is_same else f"{study} is not the same directory there"
