"""Plots show what matters, whatever the numbers are."""

import pytest

from tests.support import studies
from tuner_component.report.page import axes, combinations, curves, figures
from tuner_component.report.page.palette import ACCENT


@pytest.mark.parametrize(
    ("direction", "outlier", "shown"),
    [("max", 0.9, True), ("max", -90, False), ("min", -9, True), ("min", 90, False)],
)
def test_axis_shows_every_good_trial_and_not_each_that_diverged(
    direction: str, outlier: float, shown: bool
) -> None:
    """The best trial would lie outside of the picture, or a diverged one flatten it."""
    low, high = axes.typical([0.39, 0.4, 0.4, 0.41, 0.4, outlier], direction)
    assert (low <= outlier <= high) is shown
    assert low < 0.39 and high > 0.41


def test_best_so_far_never_gets_worse() -> None:
    """The history would not say whether the search still gets anywhere."""
    figure = figures.history(studies.big_study(50))
    assert figure is not None
    (line,) = [trace for trace in figure.data if trace.name == "best so far"]
    best = list(line.y)
    assert best == sorted(best, reverse=True)


def test_best_so_far_meets_the_constraints() -> None:
    """The line would end at a score that no trial of use has, beside the best one's."""
    goals = {"objectives": [["val_loss", "min"]], "constraints": ["size <= 5"]}
    trials = []
    for i, (score, size) in enumerate([(0.9, 9), (0.1, 9), (0.5, 4), (0.3, 3)]):
        seen = {"val_loss": score, "size": size}
        metrics = {
            name: {"direction": "min", "observations": [{"value": [v], "step": 1}]}
            for name, v in seen.items()
        }
        more = {"goals": {**goals, "pareto": False}, "metrics": {"metrics": metrics}}
        ended = studies.BEGAN + i
        trials.append(studies.ended(str(i), score, ended=ended, **more))
    figure = figures.history(studies.study(*trials))
    assert figure is not None
    (line,) = [trace for trace in figure.data if trace.name == "best so far"]
    assert list(line.y) == [0.9, 0.1, 0.5, 0.3]
    assert "goes from 0.9 to 0.3" in figure.layout.meta["alt"]


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
    assert first.layout.xaxis.title.text == "rate (100%)"
    assert first.layout.xaxis.type == "log"
    assert second.layout.xaxis.type is None


def test_the_best_trials_are_the_strongest_lines() -> None:
    """What people look for would be the palest line."""
    study = studies.big_study(100)
    for figure in (
        curves.learning_curves(study),
        combinations.parallel_coordinates(study, {"rate": 1.0}),
    ):
        assert figure is not None
        widths = [line.line.width for line in figure.data]
        assert widths == sorted(widths) and widths[-1] == 4
        assert figure.data[-1].line.color == ACCENT


def test_trials_out_of_view_are_counted_and_marked() -> None:
    """The worst trials would be left out, and nobody told."""
    scores = [0.4, 0.41, 0.42, 0.43, 0.44, 0.45, 90.0, 120.0]
    trials = [
        studies.ended(str(i), score, values={"units": i, "rate": 0.1 * i})
        for i, score in enumerate(scores)
    ]
    study = studies.study(*trials)
    figure = figures.history(study)
    assert figure is not None
    note = "2 trials are out of view, marked at the edge; the worst score is 120."
    assert figure.layout.meta["note"] == note
    (outside,) = [trace for trace in figure.data if trace.name == "out of view"]
    assert len(outside.x) == 2
    assert set(outside.y) == {figure.layout.yaxis.range[1]}
    for part in figures.slices(study, {}):
        assert part.layout.meta["note"] == note


def test_scores_over_decades_get_a_logarithmic_axis() -> None:
    """All good trials would be one line at the bottom."""
    scores = [10 ** (-i / 4) for i in range(12)]
    trials = [studies.ended(str(i), score) for i, score in enumerate(scores)]
    figure = figures.history(studies.study(*trials))
    assert figure is not None
    assert figure.layout.yaxis.type == "log"
    assert "0.01" in figure.layout.yaxis.ticktext
    assert figure.layout.meta["note"] == ""


def test_whole_numbers_have_whole_ticks() -> None:
    """There would be half a trial, and two and a half layers."""
    figure = figures.history(studies.big_study(4))
    assert figure is not None
    assert figure.layout.xaxis.dtick == 1
    for high in (1, 7, 30, 99, 2000):
        ticks = axes.whole_ticks(0, high)
        assert type(ticks["dtick"]) is int and high / ticks["dtick"] <= 8


def test_a_range_from_zero_is_not_logarithmic() -> None:
    """A dropout of 0.001 would take most of the axis."""
    trials = [
        studies.ended(str(i), i, values={"units": 8 + i % 50, "rate": 0.01})
        for i in range(60)
    ]
    (part,) = figures.slices(studies.study(*trials), {})
    assert part.layout.xaxis.type is None


def test_a_trial_without_a_hyperparameter_passes_below_its_axis() -> None:
    """It would seem to have the smallest value, or end in the middle."""
    values = [
        {"units": 8 + i, **({"rate": 0.01 * i} if i % 2 else {})} for i in range(6)
    ]
    trials = [studies.ended(str(i), i, values=one) for i, one in enumerate(values)]
    figure = combinations.parallel_coordinates(studies.study(*trials), {})
    assert figure is not None
    assert "does not have that hyperparameter" in figure.layout.meta["note"]
    places = [y for line in figure.data for x, y in zip(line.x, line.y) if x == 1]
    assert sum(place < 0 for place in places) == 3


def test_many_trials_are_drawn_in_part_and_that_is_said() -> None:
    """Two thousand lines would be a blot, or only the best would be seen."""
    study = studies.big_study(400)
    figure = combinations.parallel_coordinates(study, {})
    assert figure is not None
    assert "Drawn are 200 trials" in figure.layout.meta["note"]
    ids = {i for line in figure.data for i in line.customdata if i is not None}
    assert len(ids) == 200
    ranks = [i for i, t in enumerate(study.completed) if t.trial_id in ids]
    assert ranks[:15] == list(range(15)) and ranks[-1] > 0.95 * len(study.completed)


def test_very_many_trials_are_thinned_and_that_is_said() -> None:
    """A browser would take seconds for the first plot, or a reader take a part for all."""
    figure = figures.history(studies.big_study(2000, epochs=1))
    assert figure is not None
    drawn = [
        trace for trace in figure.data if trace.name in ("completed", "stopped early")
    ]
    assert all(200 < len(trace.x) <= 300 for trace in drawn)
    assert "of 1920 trials are drawn; the table has all." in figure.layout.meta["note"]
    few = figures.history(studies.big_study(60, epochs=1))
    assert few is not None and few.layout.meta["note"] == ""
