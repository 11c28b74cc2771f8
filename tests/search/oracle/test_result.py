"""What is said of a search that has ended before its end."""

import pytest

from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.study.study import StudyState


@pytest.mark.parametrize(
    ("completed", "unfinished", "said"),
    [
        (0, 3, "0 trials have completed, and 3 are unfinished"),
        (1, 1, "1 trial has completed, and 1 is unfinished"),
        (2, 0, "2 trials have completed"),
    ],
)
def test_unfinished_trials_count(completed: int, unfinished: int, said: str) -> None:
    """People would think that the work on paused trials is lost."""
    result = SearchResult(
        completed=[{"trial_id": str(number)} for number in range(completed)],
        failed=[],
        unfinished=unfinished,
        objective="val_loss",
        direction="min",
        seed=7,
        found=StudyState.NEW,
        complete=False,
    )
    assert result.so_far == said
