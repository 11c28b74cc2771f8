"""What a search that ends by itself is compared with."""

from benchmarks import converging


def test_a_search_is_compared_with_the_same_one_that_goes_on() -> None:
    """An early end would look better, or worse, for a reason of its own."""
    found = converging.compare("tiny", 0)
    assert found.loss == found.later  # It has tried all points, with and without.
    assert found.reaches and found.would_reach
    assert 0.0 < found.share < 0.2
    line = converging.row("tiny", [found, found])
    assert line.startswith("tiny")
    assert line.endswith("worse by at most 0.0000  target 2, later 2")
