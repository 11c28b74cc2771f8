"""What a search found."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """The result of a search, as plain data that can be sent anywhere.

    Attributes:
        completed: The states (`Trial.get_state`) of the completed trials, best first.
        failed: Those of the failed trials, in the order of their start.
        unfinished: How many trials were begun and not ended.
        objective: Name of the objective.
        direction: "min" or "max".
        seed: The study's seed.
        resumed: Whether an earlier run had begun the study.
        complete: Whether there was nothing left to try; False where the time budget
            ended the search.
    """

    completed: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    unfinished: int
    objective: str
    direction: str
    seed: int
    resumed: bool
    complete: bool

    @property
    def best_hyperparameters(self) -> dict[str, Any]:
        """Configuration (`HyperParameters.get_config`) of the best trial."""
        return self.completed[0]["hyperparameters"]  # type: ignore[no-any-return]

    @property
    def first_failure(self) -> str | None:
        """Message of the first trial that failed."""
        return next((t["message"] for t in self.failed if t["message"]), None)
