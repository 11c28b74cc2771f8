"""Which point of a stopped trial is worth a second try."""

from typing import Any

import keras_tuner
import pytest
from keras_tuner.engine import trial as trial_lib

from tuner_component.oracles import second_tries
from tuner_component.oracles.fidelities import Fidelities
from tuner_component.search.space.dimensions import dimensions


class Known:
    """Trials with a rate, a kind, and with the kind \"deep\" a number of layers."""

    def __init__(self, maximize: bool = False) -> None:
        self._space = keras_tuner.HyperParameters()
        self._space.Float("rate", 0.0, 1.0)
        self._space.Choice("kind", ["flat", "deep"])
        with self._space.conditional_scope("kind", ["deep"]):
            self._space.Int("layers", 1, 9)
        self._maximize = maximize
        self._trials: dict[str, Any] = {}
        self._fidelities = Fidelities()

    def add(self, values: dict[str, Any], *curve: float, stopped: bool = False) -> str:
        hp = self._space.copy()
        hp.values = values
        trial_id = str(len(self._trials))
        self._trials[trial_id] = trial_lib.Trial(hp, trial_id)
        self._trials[trial_id].score = curve[-1]
        after = len(curve) if stopped else None
        self._fidelities.learn(trial_id, curve, after)
        return trial_id

    def most_promising(self) -> str:
        return second_tries.most_promising(
            dimensions(self._space.space),
            self._trials,
            self._fidelities,
            list(self._fidelities.stopped),
            self._maximize,
        )


@pytest.mark.parametrize("sign", [1, -1])
def test_it_is_the_one_near_those_that_gained_most(sign: int) -> None:
    """What starts slowly would be last, however good it becomes."""
    known = Known(maximize=sign < 0)
    for n in range(5):
        known.add({"rate": n / 100, "kind": "flat"}, sign * 9.0, sign * 1.0)
        known.add({"rate": 1 - n / 100, "kind": "flat"}, sign * 5.0, sign * 4.0)
    late = known.add({"rate": 0.1, "kind": "flat"}, sign * 9.0, stopped=True)
    known.add({"rate": 0.9, "kind": "flat"}, sign * 5.0, stopped=True)
    assert known.most_promising() == late


def test_the_gain_counts_from_where_a_trial_was_stopped() -> None:
    """One that has come far would be expected to gain as much again."""
    known = Known()
    known.add({"rate": 0.5, "kind": "flat"}, 9.0, 4.0, 3.0)
    known.add({"rate": 0.5, "kind": "flat"}, 9.0, 5.0, stopped=True)  # 4 in the end
    first = known.add({"rate": 0.5, "kind": "flat"}, 9.5, stopped=True)  # 3.5
    assert known.most_promising() == first


def test_what_is_of_another_kind_is_far() -> None:
    """Layers that one of them does not have would make two trials near."""
    known = Known()
    for _ in range(5):
        known.add({"rate": 0.5, "kind": "deep", "layers": 1}, 9.0, 1.0)
        known.add({"rate": 0.5, "kind": "flat"}, 9.0, 8.0)
    deep = {"rate": 0.7, "kind": "deep", "layers": 2}
    late = known.add(deep, 9.0, stopped=True)
    known.add({"rate": 0.7, "kind": "flat"}, 8.0, stopped=True)
    assert known.most_promising() == late


def test_without_a_whole_trial_it_is_the_best_so_far() -> None:
    """A search whose trials were all stopped could not go on."""
    known = Known()
    known.add({"rate": 0.1, "kind": "flat"}, 2.0, stopped=True)
    best = known.add({"rate": 0.2, "kind": "flat"}, 1.0, stopped=True)
    assert known.most_promising() == best
