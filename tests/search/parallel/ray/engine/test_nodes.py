"""The nodes of a cluster, as the driver sees them."""

import pytest

from tuner_component.search.parallel.local.engine import pair
from tuner_component.search.parallel.ray.engine.nodes import Node


@pytest.mark.parametrize(
    ("largest", "to_blame"),
    [
        ("one", {"one"}),
        ("", {"one", "two"}),  # It was not known yet.
        ("gone", {"one", "two"}),
    ],
)
def test_who_may_have_taken_the_memory(largest: str, to_blame: set[str]) -> None:
    """Trials would run alone that are not to blame, or none although one is."""
    ours, theirs = pair()
    with theirs, ours:
        node = Node("id", "10.0.0.1", ours, 0.0, workers={"one", "two"})
        node.largest = largest
        assert {w for w in node.workers if node.is_to_blame(w)} == to_blame
