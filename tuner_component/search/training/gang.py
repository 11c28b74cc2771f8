"""Several processes that train one trial together.

All of them run the same code with the same hyperparameters. The first one speaks for the
trial: what it reports counts, and what the study keeps is what it writes. The others read
what the study has, follow the answers that the first one gets, and write for themselves.

Processes that train nothing import this module too: Keras is imported where it is used.
"""

import dataclasses
import sys
from typing import Any

from tuner_component.search.training.write_budget import WriteBudget


@dataclasses.dataclass(frozen=True)
class Gang:
    """Which of the processes of a trial this one is.

    Attributes:
        rank: Its number, from 0.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process speaks for the trial."""
        return self.rank == 0

    def budget(self) -> WriteBudget | None:
        """The budget for states of trainings; None for the usual one."""
        return None if self.leads else _NoWrites()

    def require_shared_fit(self) -> None:
        """Makes sure that a `fit` of Keras 3 trains with all processes of the trial.

        Raises:
            FatalRuntimeError: If each would train a model of its own, or wait for ever.
        """
        if self.size > 1 and (why := _why_alone()):
            from keras_tuner import errors

            raise errors.FatalRuntimeError(
                f"Expected model.fit to train with all {self.size} processes of the trial "
                f"(workers_per_trial). Received: {why} Or leave workers_per_trial out."
            )


ALONE = Gang()


class _NoWrites(WriteBudget):
    """What only the first process writes."""

    def allows(self, size: int, at_end: bool = False) -> bool:
        """Never."""
        return False


def _why_alone() -> str:
    """Why Keras trains in this process only, and what helps; "" if it does not."""
    import keras

    backend = keras.config.backend()
    if backend != "jax":
        return (
            f"Keras {keras.__version__} on {backend}, which trains in one process only. "
            "Use the JAX backend, or train in run_trial: with a loop of your own, or "
            "with a model of tf_keras, under tf.distribute.MultiWorkerMirroredStrategy."
        )
    jax: Any = sys.modules["jax"]
    if jax.process_count() == 1:
        return (
            "JAX that knows of one process. Call keras.distribution.initialize() first "
            "thing in tuner_fn, if JAX_COORDINATOR_ADDRESS is in os.environ; it finds "
            "the rest there."
        )
    if keras.distribution.distribution() is None:
        return (
            "no distribution, so that each would train a model of its own. Call "
            "keras.distribution.set_distribution(keras.distribution.DataParallel()), or "
            "set a ModelParallel, in the function that builds the model: KerasTuner "
            "clears Keras' session before it calls that."
        )
    return ""
