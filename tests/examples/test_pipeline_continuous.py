"""Tuning day after day."""

import csv
from pathlib import Path

import pytest

from examples.penguin import pipeline_continuous


@pytest.mark.parametrize("warm", [True, False])
def test_a_search_starts_from_the_last_one_if_it_is_to(
    tmp_path: Path, warm: bool
) -> None:
    """Both searches would start from nothing, or from what is known."""
    pipeline = pipeline_continuous.create_pipeline("days", tmp_path, tmp_path, warm)
    nodes = {node.id: node for node in pipeline.components}
    found = nodes["Tuner"].inputs.get("prior_results")
    assert ("PriorResults" in nodes) == (found is not None) == warm


def test_a_day_knows_nothing_of_the_next(tmp_path: Path) -> None:
    """The first day's search would be over the second day's data, too."""
    sizes = []
    for day in pipeline_continuous.DAYS:
        directory = pipeline_continuous.rows_until(day, tmp_path / str(day))
        with (directory / "penguins.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert max(int(row["year"]) for row in rows) == day
        sizes.append(len(rows))
    assert 100 < sizes[0] < sizes[1]
