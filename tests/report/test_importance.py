"""Which hyperparameters mattered: found, and not made up."""

from tests.support import studies
from tuner_component.report import importance


def test_what_decides_the_score_comes_first() -> None:
    """People would tune what makes no difference."""
    shares = importance.importances(studies.big_study(100))
    assert list(shares) == ["rate", "units", "activation"]
    assert shares["rate"] > 0.8
    assert abs(sum(shares.values()) - 1) < 1e-9


def test_few_trials_say_nothing() -> None:
    """Chance would be sold as insight."""
    assert importance.importances(studies.big_study(6)) == {}


def test_what_was_not_varied_is_left_out() -> None:
    """A constant cannot matter."""
    trials = [studies.ended(str(i), float(i)) for i in range(20)]
    assert importance.importances(studies.study(*trials)) == {}


def test_equal_scores_are_explained_by_nothing() -> None:
    """What grows from trial to trial, as in a grid, would decide between equal ones."""
    trials = [studies.ended(str(i), 0.5, values={"x": i}) for i in range(20)]
    assert importance.weights(studies.study(*trials)) == importance.Weights()
    assert importance.ranks([0.5, 0.1, 0.5]).tolist() == [2.5, 1.0, 2.5]


def test_choices_count_too() -> None:
    """Only numbers would be looked at."""
    trials = [
        studies.ended(str(i), float(i % 2), values={"kind": "ab"[i % 2], "x": i})
        for i in range(40)
    ]
    assert next(iter(importance.importances(studies.study(*trials)))) == "kind"


def test_tuner_s_own_values_are_left_out() -> None:
    """Hyperband's bookkeeping would look like the most important hyperparameter."""
    values = [{"tuner/epochs": i, "x": i % 7} for i in range(20)]
    trials = [studies.ended(str(i), float(i), values=v) for i, v in enumerate(values)]
    assert importance.varied(studies.study(*trials)) == ["x"]
