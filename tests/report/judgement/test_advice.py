"""Advice is given where trials support it, and only there."""

import random
from typing import Any

import pytest

from tests.report.judgement.test_judge import advice, scored, values
from tests.support import studies
from tuner_component.report.record import StudyRecord


def tried(count: int, score: Any, **more: Any) -> StudyRecord:
    """A random search of `units` and `rate`, with scores by a function of them."""
    draw = random.Random(3)
    trials = []
    for i in range(count):
        units, rate = draw.randrange(8, 65), 10 ** draw.uniform(-4, -1)
        trials.append(
            studies.ended(
                str(i),
                score(units, rate),
                values={
                    **values(rate, units),
                    "activation": draw.choice(["relu", "tanh"]),
                },
                ended=studies.BEGAN + 60 * i,
                **more,
            )
        )
    return studies.study(*trials)


def test_best_at_the_edge_of_a_range_widens_it() -> None:
    """The best values would lie where nobody looks."""
    told = advice(tried(40, lambda units, rate: 1 / units))
    assert "units is best at the upper edge" in told["range"]
    assert "limit is 64" in told["range"] and "upwards" in told["range"]


def test_best_in_the_middle_widens_nothing() -> None:
    """People would search where nothing is."""
    assert "range" not in advice(tried(40, lambda units, rate: abs(units - 30)))


def test_an_edge_that_does_not_matter_is_none() -> None:
    """The winner's value of something irrelevant would look like a trend."""
    study = tried(40, lambda units, rate: 1 / units)
    told = advice(study)
    assert "rate" not in told["range"]


def test_few_trials_have_no_edge() -> None:
    """An accident would be taken for a trend."""
    assert "range" not in advice(tried(8, lambda units, rate: 1 / units))


def test_what_never_mattered_is_fixed() -> None:
    """The search would go on to vary what makes no difference."""
    told = advice(tried(80, lambda units, rate: abs(units - 30)))
    assert "rate" in told["space"] and "units" not in told["space"].split("never")[0]


def test_what_matters_among_the_best_only_is_not_fixed() -> None:
    """A finer influence would be given up for a coarse one."""

    def score(units: int, rate: float) -> float:
        return (units > 36) * 10 + 0.02 * abs(units - 30) + 3 * rate

    assert "rate" not in advice(tried(80, score)).get("space", "")


def rungs(count: int, agree: bool) -> StudyRecord:
    """Most trials are stopped at epoch 2; of the others early order tells, or does not."""
    trials = []
    for i in range(count):
        score = 0.1 + 0.01 * i
        early = score if agree else 1 - score
        curve, more = [early + 1, early, score], {}
        if i >= count // 4:
            curve = [2.5, 2.4]
            more = {"stopped": {"rule": "asha", "fit": 0, "epoch": 1}}
        told = [{"val_loss": curve}]
        trials.append(studies.ended(str(i), min(curve), curves=told, **more))
    return studies.study(*trials)


def test_a_rung_that_judges_too_early_gets_a_longer_grace() -> None:
    """Late bloomers would be stopped in the next search, too."""
    told = advice(rungs(40, agree=False))
    assert "30 of 40 trials were stopped at the first rung" in told["stopping"]
    assert "rank correlation -1.0" in told["stopping"]


def test_a_rung_that_judges_well_is_left_alone() -> None:
    """A rule that does what it is for would be called a fault."""
    assert "stopping" not in advice(rungs(40, agree=True))


@pytest.mark.parametrize(("gap", "told"), [(60.0, True), (5.0, False)])
def test_idle_workers_are_named(gap: float, told: bool) -> None:
    """Machines would be paid that wait."""
    trials = []
    for i in range(12):
        began = studies.BEGAN + (60 + gap) * (i // 2)
        times = {"worker": f"worker-{i % 2}", "started": began, "ended": began + 60}
        trials.append(studies.ended(str(i), 0.1 * i, **times))
    found = advice(studies.study(*trials)).get("workers", "")
    assert ("idle" in found) is told
    assert not told or "2 workers were idle 45 % of the time" in found


def test_many_failures_of_one_cause_are_named_with_a_remedy() -> None:
    """People would read forty tracebacks to see that they are one."""
    fine = [studies.ended(str(i), 0.1 * i, values=values(0.001)) for i in range(12)]
    bad = [
        studies.failed(f"9{i}", f"ValueError: loss is NaN at {i}", values=values(0.09))
        for i in range(5)
    ]
    text = advice(studies.study(*fine, *bad))["failures"]
    assert text.startswith(
        "5 of 17 trials failed for one reason: ValueError: loss is NaN"
    )
    assert "high rate (at least 0.09)" in text and "smaller learning rates" in text


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        ("ValueError: cannot infer the shape of a room", ""),
        ("TypeError: an instance has no info", ""),
        ("ValueError: the loss is nan", "smaller learning rates"),
        ("RuntimeError: worker died (OOM)", "more memory"),
        ("ResourceExhaustedError: no space left on device", "Make space"),
        ("a trial that took longer than its limit of 60 seconds", "more time"),
    ],
)
def test_a_remedy_is_for_what_failed(cause: str, remedy: str) -> None:
    """A word within another would send people after the wrong cause."""
    bad = [studies.failed(str(i), cause) for i in range(3)]
    text = advice(studies.study(*bad))["failures"]
    _, _, told = text.partition(cause)
    assert told == "." if not remedy else remedy in told


def test_a_message_is_told_as_it_is() -> None:
    """Its full stop would change the numbers in it."""
    bad = [studies.failed(str(i), "ValueError: not in 1..5.") for i in range(3)]
    text = advice(studies.study(*bad))["failures"]
    assert text == "3 of 3 trials failed for one reason: ValueError: not in 1..5."


def test_a_single_failure_is_no_pattern() -> None:
    """Chance would be given a reason."""
    fine = [studies.ended(str(i), 0.1 * i) for i in range(3)]
    assert "failures" not in advice(
        studies.study(*fine, studies.failed("9", "ValueError: x"))
    )


def test_trials_that_end_at_their_best_get_more_epochs() -> None:
    """All trials would be cut off before they are good."""
    told = advice(scored(*[0.1 * i for i in range(1, 9)]))
    assert (
        "5 of the best 5 trials were at their best in their last epoch"
        in told["epochs"]
    )
    early = scored(*[0.1 * i for i in range(1, 9)], best_step=0)
    assert "epochs" not in advice(early)


def test_a_search_that_is_over_its_prime_is_told_so() -> None:
    """People would wait for what does not come."""
    told = advice(scored(0.1, *[0.5 + 0.01 * i for i in range(40)]))
    assert "40 of 41 trials came after the one with the best score" in told["trials"]


def test_a_search_that_still_improves_goes_on() -> None:
    """It would end where it was at its best."""
    told = advice(scored(*[1 - 0.02 * i for i in range(30)]))
    assert "was still improving" in told["trials"]


def test_lost_attempts_are_named() -> None:
    """Trials would take twice as long for no reason that anyone sees."""
    trials = []
    for i in range(4):
        gone = {
            "kind": "attempt",
            "trial": str(i),
            "worker": "w",
            "started": studies.BEGAN,
        }
        gone |= {"time": studies.BEGAN + 9, "reason": "a worker killed by signal 9"}
        trials += [studies.created(str(i)), gone, studies.ended(str(i), 0.1 * i)]
    text = advice(studies.study(*trials)).get("workers", "")
    assert "4 of 8 attempts were lost (50 %)" in text


def test_attempts_that_were_lost_for_no_known_reason_are_named() -> None:
    """The sentence would end in nothing."""
    gone = {
        "kind": "attempt",
        "worker": "w",
        "started": 1.0,
        "time": 2.0,
        "reason": "\n",
    }
    records = [studies.created("0"), *[{**gone, "trial": "0"}] * 3, studies.ended("0")]
    assert "by this: unknown." in advice(studies.study(*records))["workers"]


def test_a_cheaper_trial_within_the_noise_is_named() -> None:
    """The slowest of equal models would be taken."""
    scores = [(0.50, 16, 60), (0.505, 16, 60), (0.502, 18, 20), (0.53, 17, 60)]
    trials = [
        studies.ended(str(i), s, values=values(units=u), ended=studies.BEGAN + seconds)
        for i, (s, u, seconds) in enumerate(scores)
    ]
    text = advice(studies.study(*trials))["choice"]
    assert "Trial 2 is as good within the noise, and trained in 67 % less time" in text
