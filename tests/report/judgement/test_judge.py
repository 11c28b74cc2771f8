"""What is said of a study is true of it, and what is not known is not said."""

import dataclasses
import re
from typing import Any

import pytest

from tests.support import studies
from tuner_component.report.confirmation import ConfirmationRecord, ConfirmedTrial
from tuner_component.report.judgement.finding import Finding
from tuner_component.report.judgement.judge import Judgement, judge
from tuner_component.report.prospect import ProspectRecord
from tuner_component.report.record import Objective, StudyRecord

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.]*\w)")


def scored(*scores: float, direction: str = "min", **more: Any) -> StudyRecord:
    """A study whose trials end one after another with these scores."""
    trials = [
        studies.ended(str(i), score, ended=studies.BEGAN + 60 * i, **more)
        for i, score in enumerate(scores)
    ]
    objective = Objective("val_loss", "max" if direction == "max" else "min")
    study = studies.study(*trials)
    return dataclasses.replace(study, objective=objective, max_trials=len(scores))


def of(found: Judgement, topic: str) -> Finding:
    (one,) = [f for f in (*found.findings, *found.advice) if f.topic == topic]
    return one


def advice(study: StudyRecord) -> dict[str, str]:
    return {one.topic: one.text for one in judge(study).advice}


def values(rate: float = 0.01, units: int = 16) -> dict[str, Any]:
    return {"units": units, "rate": rate, "activation": "relu"}


@pytest.mark.parametrize(("direction", "best"), [("min", "2"), ("max", "0")])
def test_names_the_winner_and_its_lead(direction: str, best: str) -> None:
    """People would have to compare scores themselves, and know which way."""
    found = judge(scored(0.5, 0.4, 0.25, direction=direction))
    margin = of(found, "margin")
    assert of(found, "winner").names == (best,)
    assert margin.numbers["margin"] == pytest.approx(0.15 if best == "2" else 0.1)
    assert "trial 1" in margin.text


def test_an_unfinished_search_has_no_winner_yet() -> None:
    """What leads now would be taken for the result."""
    running = dataclasses.replace(scored(0.5, 0.4), status="running")
    assert "leads so far, of 2 that completed" in of(judge(running), "winner").text


def test_a_search_without_a_result_says_so() -> None:
    """A search that only failed would have nothing at its top."""
    found = judge(studies.study(studies.failed("0", "ValueError: bad")))
    assert of(found, "result").text == "No trial has completed; 1 failed."
    assert judge(studies.study()).sentences == ["No trial has completed yet."]


def test_shares_of_what_is_below_zero_are_left_out() -> None:
    """A lead of 25 % over -0.07 would be nonsense."""
    assert "%" not in of(judge(scored(-0.09, -0.07)), "margin").text
    assert "(50 %)" in of(judge(scored(0.1, 0.2)), "margin").text


def test_says_what_was_gained_over_the_defaults() -> None:
    """Nobody would know what tuning was good for."""
    default = {"units": 8, "rate": 1e-4, "activation": "relu"}
    trials = [studies.ended("0", 0.5, values=default)]
    trials += [studies.ended("1", 0.3, values=values())]
    found = of(judge(studies.study(*trials)), "default")
    assert found.numbers["gain"] == pytest.approx(0.2)
    assert "better than the default hyperparameters (trial 0" in found.text
    others = [studies.ended(str(i), 0.3, values=values()) for i in range(2)]
    assert "No trial ran with" in of(judge(studies.study(*others)), "default").text


def test_nothing_known_of_noise_is_said_with_the_way_to_know() -> None:
    """A lead would be taken for real."""
    trials = [studies.ended(str(i), i, values=values(units=9 + i)) for i in range(4)]
    found = judge(studies.study(*trials))
    assert "Nothing is known of the noise" in of_finding(found, "noise").text
    assert "confirm_top" in {f.topic: f.text for f in found.advice}["noise"]


def default_and(other: float, **more: Any) -> StudyRecord:
    """A study of a trial with the defaults and a score of 0.4, and of another one."""
    default = {"units": 8, "rate": 1e-4, "activation": "relu"}
    trials = [studies.ended("0", 0.4, values=default)]
    trials += [studies.ended("1", other, values=values())]
    return dataclasses.replace(studies.study(*trials), **more)


def test_what_is_as_good_as_the_defaults_is_no_worse() -> None:
    """A search that gained nothing would be said to have lost something."""
    trials = [studies.ended("1", 0.4, values=values())]
    study = dataclasses.replace(
        default_and(0.4), trials=[*studies.study(*trials).trials, *default_and(0.4)]
    )
    text = of(judge(study), "default").text
    assert text.startswith("It is no better than the default hyperparameters (trial 0")


def test_defaults_that_were_run_again_are_told_by_their_mean() -> None:
    """A trial at 0.46 would be better than one that is said to have 0.4."""
    found = judge(default_and(0.45, confirmation=two_confirmed()))
    text = of(found, "default").text
    assert text.startswith("It is 0.04 (8 %) better than the default hyperparameters")
    assert "(trial 0, val_loss 0.5 in the mean of 3 re-runs)" in text


def constrained(*sizes: float, **more: Any) -> StudyRecord:
    """Trials with ever worse scores, the first with the defaults; at most 5 is wanted."""
    goals = {"objectives": [["val_loss", "min"]], "constraints": ["size <= 5"]}
    default = {"units": 8, "rate": 1e-4, "activation": "relu"}
    return studies.study(
        *(
            studies.ended(
                str(i),
                0.1 + 0.1 * i,
                values=values(units=9 + i) if i else default,
                ended=studies.BEGAN + 60 * i,
                goals={**goals, "pareto": False},
                metrics={"metrics": measured(val_loss=0.1 + 0.1 * i, size=size)},
            )
            for i, size in enumerate(sizes)
        ),
        **more,
    )


def measured(step: int = 1, **metrics: float) -> dict[str, Any]:
    return {
        name: {"direction": "min", "observations": [{"value": [value], "step": step}]}
        for name, value in metrics.items()
    }


def test_what_violates_constraints_is_told_apart() -> None:
    """The best trial would be worse than the defaults, which nobody may use."""
    found = judge(constrained(9, 4, 4, 4))
    assert "val_loss 0.1, which does not meet the constraints)" in (
        of(found, "default").text
    )
    # The first trial is none of those that are counted.
    assert of(found, "course").text.startswith(
        "Of 3 trials that meet the constraints, 2 ended after"
    )


def test_a_front_that_nobody_knows_is_no_violation() -> None:
    """People would be told to loosen constraints that they never set."""
    goals = {"objectives": [["val_loss", "min"], ["size", "min"]], "constraints": []}
    metrics = {**measured(val_loss=0.5), **measured(step=7, size=3.0)}
    trials = [
        studies.ended(
            str(i), goals={**goals, "pareto": True}, metrics={"metrics": metrics}
        )
        for i in range(9)
    ]
    study = studies.study(*trials)
    assert study.shortfall is not None and "no front" in study.shortfall
    assert "constraints" not in advice(study)
    assert "constraints" in advice(constrained(*[9] * 9))


@pytest.mark.parametrize(
    ("status", "said"), [("finished", "is published"), ("running", "leads so far")]
)
def test_a_front_of_one_is_said_so(status: str, said: str) -> None:
    """What leads now would be called published, and the only one the closest of 1."""
    goals = {"objectives": [["val_loss", "min"], ["size", "min"]], "constraints": []}
    told = studies.ended(
        "0",
        goals={**goals, "pareto": True},
        metrics={"metrics": measured(val_loss=0.5, size=3.0)},
    )
    text = of(judge(studies.study(told, status=status)), "winner").text
    assert text.startswith(
        f"Trial 0 {said}: no other one is on the front, with val_loss"
    )


def of_finding(found: Judgement, topic: str) -> Finding:
    (one,) = [f for f in found.findings if f.topic == topic]
    return one


def test_equal_configurations_tell_the_noise() -> None:
    """A lead within the noise would be sold as a result."""
    twice = [(0.50, 16), (0.52, 16), (0.51, 17), (0.53, 17), (0.495, 18)]
    trials = [
        studies.ended(str(i), score, values=values(units=units))
        for i, (score, units) in enumerate(twice)
    ]
    noise = of_finding(judge(studies.study(*trials)), "noise")
    # Each pair is 0.02 apart, which is a deviation of 0.02 / sqrt(2).
    assert noise.numbers["deviation"] == pytest.approx(0.02 / 2**0.5)
    assert "within the noise" in noise.text
    assert noise.numbers["alike"] == 4


def test_a_clear_lead_is_more_than_noise() -> None:
    """A real improvement would be doubted."""
    twice = [(0.50, 16), (0.52, 16), (0.2, 18)]
    trials = [
        studies.ended(str(i), score, values=values(units=units))
        for i, (score, units) in enumerate(twice)
    ]
    noise = of_finding(judge(studies.study(*trials)), "noise")
    assert noise.mood == "good" and "more than noise" in noise.text


def test_trainings_of_a_trial_tell_the_noise() -> None:
    """Several executions would have been trained for nothing."""
    pairs = [(0.5, 0.6), (0.4, 0.54), (0.3, 0.36)]
    trials = [
        studies.ended(
            str(i),
            sum(pair) / 2,
            values=values(units=16 + i),
            curves=[{"val_loss": [0.9, value]} for value in pair],
        )
        for i, pair in enumerate(pairs)
    ]
    noise = of_finding(judge(studies.study(*trials)), "noise")
    # Less what all second trainings have in common (0.1), they are 0, 0.04 and -0.04
    # off in pairs: squares of 0.02 each, on both sides, over 2 degrees of freedom.
    assert noise.numbers["deviation"] == pytest.approx(0.02)
    assert "trainings of a trial (6 in all)" in noise.text


def test_phases_of_a_trial_are_no_noise() -> None:
    """A second phase that trains further would look like luck."""
    trials = [
        studies.ended(
            str(i),
            0.1 * i,
            values=values(units=16 + i),
            curves=[{"val_loss": [0.9]}, {"val_loss": [0.1 * i]}],
        )
        for i in range(4)
    ]
    noise = of_finding(judge(studies.study(*trials)), "noise")
    assert "Nothing is known" in noise.text


def two_confirmed(probability: float | None = 0.93) -> ConfirmationRecord:
    """Of trials with 0.4 and 0.45, the second one is better in the mean."""
    two = [
        ConfirmedTrial("1", 0.45, 0.46, 0.01, 3, False, 2, 1),
        ConfirmedTrial("0", 0.4, 0.5, 0.03, 3, False, 1, 2),
    ]
    return ConfirmationRecord(two, 3, probability)


def test_reruns_decide_before_scores() -> None:
    """The luckiest trial would be called the winner."""
    study = dataclasses.replace(scored(0.4, 0.45), confirmation=two_confirmed())
    found = judge(study)
    assert of_finding(found, "winner").numbers["mean"] == 0.46
    assert of_finding(found, "margin").numbers["margin"] == pytest.approx(0.04)
    noise = of_finding(found, "noise")
    assert noise.numbers["deviation"] == pytest.approx(((1e-4 + 9e-4) / 2) ** 0.5)
    assert "about 93 %, where 95 % would be convincing" in noise.text
    assert noise.brief == "The lead over the runner-up may be noise."
    # A deviation of 0.0224 and a lead of 0.04: 2 (2 * 0.0224 / 0.04) ** 2 is 2.5; but that
    # many there were.
    assert "confirm_seeds=4" in advice(study)["noise"]


@pytest.mark.parametrize(("mean", "scale"), [(0.499, 1.0), (0.0, 1e-170)])
def test_two_that_no_number_of_reruns_tells_apart_are_alike(
    mean: float, scale: float
) -> None:
    """People would train for days to choose between equal models."""
    two = [
        ConfirmedTrial("1", 0.45, mean, 0.01, 3, False, 2, 1),
        ConfirmedTrial("0", 0.4, 0.5 * scale, 0.03, 3, False, 1, 2),
    ]
    study = dataclasses.replace(
        scored(0.4, 0.45), confirmation=ConfirmationRecord(two, 3, 0.5)
    )
    assert "Take either." in advice(study)["noise"]


def test_one_behind_an_unconfirmed_trial_has_no_lead() -> None:
    """A trial would be behind the runner-up, and lead over it, in two sentences."""
    two = [
        ConfirmedTrial("1", 0.45, 0.46, 0.01, 3, False, 2, 1),
        ConfirmedTrial("0", 0.4, None, None, 0, True, 1, 2),
    ]
    found = judge(
        dataclasses.replace(
            scored(0.4, 0.45), confirmation=ConfirmationRecord(two, 3, None)
        )
    )
    assert "behind the runner-up" in of_finding(found, "margin").text
    assert of_finding(found, "noise").brief == (
        "The difference from the runner-up is more than noise."
    )


def test_equal_scores_of_equal_trials_call_for_no_other_seeds() -> None:
    """People would be told that chance plays no part, and to find out how much."""
    trials = [
        studies.ended(str(i), 0.5, values=values(units=9 + i // 2)) for i in range(8)
    ]
    found = judge(studies.study(*trials))
    assert "(8 trials) have equal scores" in of_finding(found, "noise").text
    assert "noise" not in {one.topic for one in found.advice}


def test_failed_trials_are_among_what_was_found() -> None:
    """A reader of the first screen would not know that some trials say nothing."""
    study = studies.study(studies.ended("0"), studies.failed("1", "ValueError: x"))
    assert of_finding(judge(study), "failures").text == "1 of 2 trials failed."


def test_says_when_the_last_improvement_came() -> None:
    """Nobody could tell whether the search had been over long before its end."""
    course = of(judge(scored(0.5, 0.4, 0.3, 0.6, 0.7)), "course")
    assert course.numbers["number"] == 3 and course.numbers["after"] == 2
    assert "2 ended after the one with the best score (trial 2)" in course.text


def test_says_what_the_search_expects_of_going_on() -> None:
    """The model's forecast would be lost."""
    expected = ProspectRecord(trials=5, gain=0.01, noise=0.02)
    study = dataclasses.replace(scored(0.5, 0.4), prospect=expected)
    text = of(judge(study), "course").text
    assert "5 more trials are expected to lower val_loss by 0.01" in text


def test_only_a_random_search_has_the_chances_of_one() -> None:
    """A model-based search would be given odds that are not its own."""
    assert "chance of 83 %" in of(judge(scored(0.5, 0.4)), "course").text
    other = dataclasses.replace(scored(0.5, 0.4), oracle="OptunaOracle")
    assert "chance" not in of(judge(other), "course").text
    drawn = dataclasses.replace(other, fingerprint={"search": "random"})
    assert "chance of 83 %" in of(judge(drawn), "course").text


def test_a_random_search_is_known_by_the_class_of_its_oracle() -> None:
    """No search of anybody's would ever be given its odds."""
    import keras_tuner

    oracle = keras_tuner.oracles.RandomSearchOracle
    assert f"{oracle.__module__}.{oracle.__qualname__}" == studies.ORACLE


def test_what_has_no_point_left_is_asked_for_no_more() -> None:
    """People would run the search again, and wonder why nothing happens."""
    tried = dataclasses.replace(scored(0.5, 0.4, 0.3), max_trials=9)
    found = judge(tried)
    assert "had no others to try" in of(found, "trials").text
    assert "chance" not in of(found, "course").text
    for other in (
        dataclasses.replace(tried, max_trials=3),
        dataclasses.replace(tried, ended_because="Somebody has stopped it."),
        dataclasses.replace(tried, oracle="keras_tuner.oracles.HyperbandOracle"),
    ):
        assert "a higher max_trials goes on" in of(judge(other), "trials").text


def test_what_the_search_expects_is_not_contradicted() -> None:
    """One sentence would promise more of the same, and the next one call it useless."""
    late = scored(0.1, *[0.5 + 0.01 * i for i in range(40)])
    promised = dataclasses.replace(
        late, status="running", prospect=ProspectRecord(trials=5, gain=0.2, noise=0.1)
    )
    assert "brought nothing" in advice(late)["trials"]
    assert "trials" not in advice(promised)


def test_chance_decides_nothing() -> None:
    """A hyperparameter without influence would be said to decide."""
    trials = [
        studies.ended(str(i), (i * 7919 % 101) / 101, values=values(units=8 + i))
        for i in range(40)
    ]
    assert (
        "No hyperparameter explains"
        in of(judge(studies.study(*trials)), "decided").text
    )


@pytest.mark.parametrize("trials", [4, 40, 120])
def test_each_number_in_a_sentence_is_one_of_its_numbers(trials: int) -> None:
    """A sentence could say what the data do not."""
    study = studies.big_study(trials)
    ids = {trial.trial_id for trial in study.trials}
    for one in (*judge(study).findings, *judge(study).advice):
        known = [*one.numbers.values(), *(100 * n for n in one.numbers.values())]
        values = study.best.hyperparameters.values() if study.best else ()
        known += [v for v in values if isinstance(v, (int, float))] + [3, 1]
        for said in NUMBER.findall(one.text):
            if said not in ids:
                assert any(
                    float(said) == pytest.approx(n, rel=0.06, abs=0.5 if n > 1 else 0.0)
                    or f"{n:.2g}" == said
                    for n in known
                ), (said, one)


def test_nothing_is_concluded_from_four_trials() -> None:
    """Four trials would be taken for evidence."""
    told = advice(studies.big_study(4))
    assert set(told) == {"noise", "trials"}
    assert "4 trials are too few" in told["trials"]
