"""Plots show what matters, whatever the numbers are."""

import pytest

from tests.support import studies
from tuner_component.report import curves, figures


@pytest.mark.parametrize(
    ("direction", "outlier", "shown"),
    [("max", 0.9, True), ("max", -90, False), ("min", -9, True), ("min", 90, False)],
)
def test_axis_shows_every_good_trial_and_not_each_that_diverged(
    direction: str, outlier: float, shown: bool
) -> None:
    """The best trial would lie outside of the picture, or a diverged one flatten it."""
    low, high = figures.typical([0.39, 0.4, 0.4, 0.41, 0.4, outlier], direction)
    assert (low <= outlier <= high) is shown
    assert low < 0.39 and high > 0.41


def test_best_so_far_never_gets_worse() -> None:
    """The history would not say whether the search still gets anywhere."""
    figure = figures.history(studies.big_study(50))
    assert figure is not None
    best = list(figure.data[-1].y)
    assert best == sorted(best, reverse=True)


def test_long_study_shows_a_selection_of_curves_and_the_best() -> None:
    """Two thousand curves would be a blot, and a file too large to open."""
    study = studies.big_study(400)
    figure = curves.learning_curves(study)
    assert figure is not None and study.best is not None
    assert len(figure.data) == figures.CURVES
    assert figure.data[-1].name == "best"
    assert f"trial {study.best.trial_id}" in figure.data[-1].hovertemplate


def test_stopped_curve_ends_with_a_cross() -> None:
    """A trial that was cut short would look like one that had converged."""
    figure = curves.learning_curves(studies.big_study(30))
    assert figure is not None
    stopped = next(line for line in figure.data if line.name == "stopped early")
    assert list(stopped.marker.size)[-2:] == [0, 8]


def test_orders_of_magnitude_get_a_logarithmic_axis() -> None:
    """All small learning rates would be one point."""
    first, second, _ = figures.slices(studies.big_study(60), {"rate": 1.0})
    assert first.layout.xaxis.title.text == "rate"
    assert first.layout.xaxis.type == "log"
    assert second.layout.xaxis.type is None
