"""The measure of a front, and a search that is measured by it."""

from pathlib import Path

import pytest

from benchmarks import front_quality


def test_hypervolume_is_the_area_that_points_cover() -> None:
    """Searches would be compared by something else."""
    points = [(1.0, 0.1), (3.0, 0.05), (1.5, 0.6), (9.0, 0.0), (0.5, 1.0)]
    area = (4.0 - 3.0) * 1.05 + (3.0 - 1.0) * 1.0 + (1.0 - 0.5) * 0.1
    assert front_quality.covered(points) == pytest.approx(area)
    assert front_quality.covered([]) == 0.0


@pytest.mark.parametrize("name", front_quality.SEARCHES)
def test_every_search_covers_something(name: str, tmp_path: Path) -> None:
    """A search would be compared that does not run."""
    share = front_quality.search(name, 120, 1, str(tmp_path / "study"))
    assert 0.1 < share / front_quality.best_possible() < 1.0
