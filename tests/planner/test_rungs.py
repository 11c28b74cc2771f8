"""The epochs after which trials are looked at."""

from __future__ import annotations

import pytest

from tuner_component.planner.rungs import Rungs


@pytest.mark.parametrize(
    ("epochs", "rungs"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (5, (1, 2, 5)),
        (27, (1, 3, 9, 27)),
        (100, (1, 4, 11, 33, 100)),
    ],
)
def test_the_epochs_of_the_user_are_the_last_rung(
    epochs: int, rungs: tuple[int, ...]
) -> None:
    """The best trials would end before they are trained to the end."""
    made = Rungs(epochs)
    assert made.known == rungs
    assert [e for e in range(1, epochs + 1) if made.is_rung(e)] == list(rungs)
    assert made.after(epochs) == epochs


def test_rungs_go_on_where_epochs_are_not_known() -> None:
    """A trial that trains for longer than expected would never be looked at."""
    made = Rungs(None)
    assert [e for e in range(100) if made.is_rung(e)] == [1, 3, 9, 27, 81]


def test_the_horizon_is_where_trials_end() -> None:
    """What a trial may come to would be expected too early or too late."""
    assert Rungs(20).horizon(longest=3, ended=0) == 20
    assert Rungs(None).horizon(longest=3, ended=0) == 9
    assert Rungs(None).horizon(longest=9, ended=12) == 12


def test_they_are_said_in_words() -> None:
    """The record would not say when trials were looked at."""
    assert str(Rungs(9)) == "rungs of 1, 3 and 9 epochs"
    assert str(Rungs(1)) == "one rung, of 1 epoch"
    assert str(Rungs(None)) == "rungs of 1, 3, 9, 27, ... epochs"
