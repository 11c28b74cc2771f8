"""Open-source Vizier on recorded curves, asked by our oracle as in a search.

It is told results and no epochs: none of its algorithms looks at them. The service runs in
a process of its own, so what it takes to suggest is not in the figures: see `suggestions`.
"""

import os
from typing import Any

from benchmarks import searchers
from benchmarks.replay import Task, Trial
from tuner_component.oracles import VizierOracle, vizier_oracle
from tuner_component.search.kerastuner.repairs import repair

# The variable with the host and port of the service.
ENDPOINT = "VIZIER_ENDPOINT"
# One call waits for a suggestion until it is there.
_PATIENCE_S = 3600.0


class Vizier(searchers.OfKerasTuner):
    """A search whose trials the service suggests.

    Args:
        task: The task.
        seed: Of the search; the service draws from seeds of its own.
        kind: The algorithm, by a name of `searchers.VIZIER`.
        many: How many trials at most.
    """

    def __init__(self, task: Task, seed: int, kind: str, many: int) -> None:
        vizier_oracle._WAIT_S = _PATIENCE_S
        oracle: Any = VizierOracle(
            searchers.OBJECTIVE,
            many,
            endpoint=os.environ[ENDPOINT],
            algorithm=searchers.VIZIER[kind],
            give_up_after_s=_PATIENCE_S,
            hyperparameters=searchers.hyperparameters(task),
            seed=seed,
        )
        repair(oracle)
        super().__init__(oracle, task)

    def begin(self) -> Trial | None:
        """See `replay.Searcher`. The service knows by then what has ended."""
        for answer in self._oracle._unheard:
            answer.result()
        return super().begin()
