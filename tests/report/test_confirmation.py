"""What the report says of trials that were run again."""

import json
from typing import Any

import pytest
from scipy import stats

from tests.support import studies
from tuner_component.console import status
from tuner_component.console.place import Place
from tuner_component.report import confirmation, page
from tuner_component.report.record import StudyRecord
from tuner_component.search.study.confirmation import Standing


def rerun(trial_id: str, confirms: str, number: int, score: float | None) -> Any:
    told = {"confirms": confirms, "rerun": number}
    if score is None:
        return studies.failed(trial_id, "ValueError: boom", **told)
    return studies.ended(trial_id, score, **told)


def confirmed(
    a: tuple[float | None, ...] = (0.5, 0.7), b: tuple[float | None, ...] = (0.3, 0.4)
) -> StudyRecord:
    """Trial 0 was the best of the search by luck; trial 1 is."""
    trials = [studies.created(str(n)) for n in range(3)]
    trials += [studies.ended(str(n), 0.1 * (n + 1)) for n in range(3)]
    plan = {"kind": "confirming", "trials": ["0", "1"], "seeds": 2, "top": 2}
    again = [
        rerun(f"{number}000{trial}", trial, number, score)
        for trial, scores in (("0", a), ("1", b))
        for number, score in enumerate(scores, 1)
    ]
    return studies.study(*trials, plan, *again)


def told(study: StudyRecord) -> str:
    assert study.confirmation is not None
    return " ".join(confirmation.sentences(study.confirmation, "val_loss"))


def test_the_record_has_mean_spread_and_ranks() -> None:
    """Nobody could see what re-runs came to."""
    study = confirmed()
    assert [t.trial_id for t in study.completed] == ["1", "0", "2"]
    assert [t.trial_id for t in study.trials] == ["0", "1", "2"]
    assert [t.confirms for t in study.reruns] == ["0", "0", "1", "1"]
    assert study.confirmation is not None
    best, second = study.confirmation.trials
    assert (best.trial_id, best.score, best.seeds) == ("1", 0.2, 2)
    assert (best.mean, best.spread) == pytest.approx((0.35, 0.0707107))
    assert (best.rank_before, best.rank) == (2, 1)
    assert (second.trial_id, second.rank_before, second.rank) == ("0", 1, 2)


def test_one_that_is_confirmed_alone_is_the_best_of_none() -> None:
    """It would be the best of 1."""
    assert told(confirmed(a=(0.5, None))).startswith(
        "Trial 1 was run again, with other"
    )


def test_the_record_survives_its_file() -> None:
    """What is loaded would name another best than what was written."""
    study = confirmed()
    again = StudyRecord.from_json(study.to_json(), "study.json")
    assert json.loads(again.to_json()) == json.loads(study.to_json())
    assert again.confirmation == study.confirmation
    assert [t.trial_id for t in again.completed] == ["1", "0", "2"]


def test_how_sure_it_is_is_welchs_t() -> None:
    """A number would be published that nobody can check."""
    better = Standing("a", (0.3, 0.5, 0.4), failed=False)
    other = Standing("b", (0.6, 0.4, 0.9), failed=False)
    test = stats.ttest_ind(
        better.scores, other.scores, equal_var=False, alternative="less"
    )
    found = confirmation.probability(better, other, "min")
    assert found == pytest.approx(1 - test.pvalue)
    assert confirmation.probability(other, better, "max") == pytest.approx(found)
    assert confirmation.probability(better, better, "min") == pytest.approx(0.5)


def test_one_trial_without_spread_is_no_hindrance() -> None:
    """The degrees of freedom would be divided by zero."""
    still = Standing("a", (0.5, 0.5), failed=False)
    other = Standing("b", (0.7, 0.6), failed=False)
    found = confirmation.probability(still, other, "min")
    assert found is not None and 0.5 < found < 1


def test_scores_of_any_size_are_compared() -> None:
    """A trial that nearly diverged would take the report with it."""
    better = Standing("a", (0.5, 0.6), failed=False)
    other = Standing("b", (1e200, 2e200), failed=False)
    assert confirmation.probability(better, other, "min") is None
    small = Standing("a", (1e-200, 2e-200), failed=False)
    assert confirmation.probability(small, better, "min") is not None


@pytest.mark.parametrize("scores", [(0.5,), (0.5, 0.5)])
def test_what_cannot_be_said_is_not(scores: tuple[float, ...]) -> None:
    """One score, or scores that do not vary, would pass for certainty."""
    one, two = Standing("a", scores, failed=False), Standing("b", scores, failed=False)
    assert confirmation.probability(one, two, "min") is None


def test_report_and_status_say_how_sure() -> None:
    """People would take the best score for what the model is worth."""
    study = confirmed()
    text = page.render(study)
    assert told(study).startswith(
        "Trial 1 is the best of 2 that were run again, with other seeds: val_loss 0.35 "
        "in the mean of 2 (standard deviation 0.071), 0.2 in the search, where it was "
        "number 2. That it is really better than the next, trial 0, has a probability"
    )
    for sentence in confirmation.sentences(study.confirmation, "val_loss"):  # type: ignore[arg-type]
        assert sentence.partition("(")[0] in text
        assert sentence in status.summary(study)
    facts = status.facts(study, Place("out", "out", None))
    assert facts["best"] == {"trial": "1", "score": 0.2}
    assert facts["completed"] == 3


def test_a_failed_rerun_is_shown() -> None:
    """Nobody would know why a better score is not the best."""
    study = confirmed(b=(0.3, None))
    assert study.best is not None and study.best.trial_id == "0"
    text = page.render(study)
    assert "Not confirmed, since a re-run failed: trial 1." in text
    assert "ValueError: boom" in text
    assert "Not confirmed, since a re-run failed: trial 1." in status.summary(study)


def test_scores_that_are_all_the_same_are_told() -> None:
    """Re-runs with one and the same seed would look like certainty."""
    study = confirmed(a=(0.5, 0.5))
    assert study.confirmation is not None
    (text,) = confirmation.warnings(study.confirmation)
    assert text.startswith("All re-runs of trial 0 have the same score")
    assert text in page.render(study).replace("&#39;", "'")


def test_nothing_confirmed_yet() -> None:
    """A search that is confirming, or had no time to, would have no report."""
    study = confirmed(a=(0.5,), b=())
    assert study.best is not None and study.best.trial_id == "0"
    assert told(study).startswith("No trial is confirmed")
    assert "No trial is confirmed" in page.render(study)


def test_a_forged_plan_names_no_trial() -> None:
    """A record from elsewhere would end in a traceback."""
    plan = {"kind": "confirming", "trials": ["9", "0"], "seeds": 10**12, "top": 2}
    lone = rerun("x", "9", 1, 0.0)
    study = studies.study(studies.created("0"), studies.ended("0"), plan, lone)
    assert study.best is not None and study.best.trial_id == "0"
    page.render(study)
    status.summary(study)


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "confirming", "trials": [1], "seeds": 1, "top": 1},
        {"kind": "confirming", "trials": ["0"], "seeds": 1.5, "top": 1},
        {"kind": "confirming", "seeds": 1, "top": 1},
        studies.ended("1", confirms="0"),
        studies.ended("1", confirms="0", rerun=0),
        studies.ended("1", confirms=None, rerun=1),
    ],
)
def test_records_that_no_search_writes_are_not_used(record: dict[str, Any]) -> None:
    """A damaged journal would change who is the best, without a word."""
    study = studies.study(studies.created("0"), studies.ended("0"), record)
    assert study.losses
    assert (study.confirmation, list(study.reruns)) == (None, [])
