"""`study.plot`: the report's figures by their names."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from tests.support import studies

NAMES = ("combinations", "curves", "history", "importance", "workers")


@pytest.mark.parametrize("name", NAMES)
def test_figure_is_one_of_plotlys(name: str) -> None:
    """A notebook could not show it, nor a person change it."""
    figure = getattr(studies.big_study(30).plot, name)()
    assert isinstance(figure, go.Figure) and len(figure.data)


def test_slices_are_a_figure_for_each_hyperparameter() -> None:
    """Only some could be looked at."""
    assert len(studies.big_study(30).plot.slices()) == 3


def test_slices_name_no_shares_of_chance() -> None:
    """A notebook would say what decided it where the report says that nothing did."""
    trials = [
        studies.ended(str(i), (i * 7919 % 101) / 101, values={"x": i})
        for i in range(40)
    ]
    (figure,) = studies.study(*trials).plot.slices()
    assert figure.layout.xaxis.title.text == "x"


@pytest.mark.parametrize("name", [*NAMES, "front"])
def test_nothing_to_show_is_said(name: str) -> None:
    """A notebook would show nothing, and not why."""
    with pytest.raises(ValueError, match="^Expected .* Received: 0 completed trials"):
        getattr(studies.study().plot, name)()


def test_names_are_shown() -> None:
    """People would have to look them up."""
    shown = repr(studies.study().plot)
    assert all(name in shown for name in (*NAMES, "front", "slices"))
