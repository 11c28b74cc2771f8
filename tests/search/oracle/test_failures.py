"""Failing trials end a search at the limit that was set, and say why."""

from types import SimpleNamespace
from typing import Any

import keras_tuner
import pytest

from tests.support import simulation
from tuner_component.search.errors import SearchFailedError
from tuner_component.search.oracle.failures import FailureLimit, Tries


def limit(max_failed: int | None = None, **kwargs: Any) -> FailureLimit:
    oracle = keras_tuner.Oracle(objective=simulation.OBJECTIVE, **kwargs)
    return FailureLimit(oracle, max_failed)


def trial(number: int, status: str = "FAILED") -> Any:
    hyperparameters = SimpleNamespace(values={"x": number})
    return SimpleNamespace(
        trial_id=str(number),
        status=status,
        message=f"Traceback {number}",
        hyperparameters=hyperparameters,
    )


def failures_until_the_end(limit: FailureLimit, most: int = 50) -> int:
    for count in range(1, most):
        limit.record(trial(count))
        try:
            limit.check()
        except SearchFailedError:
            return count
    return most


def test_three_failures_in_a_row_are_nothing() -> None:
    """One bad corner of the space would end the search, as with KerasTuner."""
    assert failures_until_the_end(limit()) == 10


def test_chosen_number_in_a_row_counts() -> None:
    """A user's own choice would be overruled."""
    assert failures_until_the_end(limit(max_consecutive_failed_trials=5)) == 5


def test_completed_trial_ends_the_row() -> None:
    """Scattered failures would add up to a row."""
    checked = limit()
    for number in range(40):
        checked.record(trial(number, "COMPLETED" if number % 9 == 0 else "FAILED"))
        checked.check()


@pytest.mark.parametrize("most", [0, 4, 20])
def test_total_is_limited(most: int) -> None:
    """A stated limit would not hold, or end the search too early."""
    assert failures_until_the_end(limit(most)) == most + 1


def test_both_limits_can_be_set() -> None:
    """Setting one limit would lift the other."""
    both = {"max_failed": 20, "max_consecutive_failed_trials": 5}
    assert failures_until_the_end(limit(**both)) == 5


def test_message_has_the_first_failure_and_a_remedy() -> None:
    """A user would see that the search failed, and not why."""
    checked = limit(1)
    checked.record(trial(7))
    checked.record(trial(8))
    with pytest.raises(SearchFailedError) as raised:
        checked.check()
    assert raised.value.first_traceback == "Traceback 7"
    assert raised.value.failed_trials == 2
    text = str(raised.value)
    assert "7 with {'x': 7}" in text
    assert "Traceback 7" in text
    assert "raise max_failed_trials" in text


def first_trials(
    errors: list[str | None], **kwargs: Any
) -> tuple[FailureLimit, list[Any]]:
    """A limit, and the first trials of a search; None stands for one that runs."""
    oracle = keras_tuner.Oracle(objective=simulation.OBJECTIVE, **kwargs)
    trials = []
    for number, error in enumerate(errors):
        made = trial(number, "RUNNING" if error is None else "FAILED")
        made.message = error
        oracle.trials[made.trial_id] = made
        oracle.start_order.append(made.trial_id)
        trials.append(made)
    return FailureLimit(oracle, None), [t for t in trials if t.status == "FAILED"]


def record_all(checked: FailureLimit, trials: list[Any]) -> None:
    for ended in trials:
        checked.record(ended)
    checked.check()


def test_first_trials_that_fail_with_one_error_end_the_search() -> None:
    """Ten trainings would come to nothing, where KerasTuner gives up after three."""
    errors = [f"Traceback\n  ...\nValueError: node_{n} has no class" for n in range(3)]
    with pytest.raises(SearchFailedError, match="(?s)same error.*node_0 has"):
        record_all(*first_trials([*errors]))


@pytest.mark.parametrize(
    "errors",
    [
        ["Traceback\nA: a", "Traceback\nB: b", "Traceback\nA: a"],
        [None, "Traceback\nA: a", "Traceback\nA: a", "Traceback\nA: a"],
        ["a worker killed by signal 9"] * 3,
    ],
)
def test_other_failures_at_the_start_do_not(errors: list[str | None]) -> None:
    """A bad corner, or one bad worker among several, would end the search."""
    record_all(*first_trials(errors))


def test_nor_do_they_where_the_user_set_a_limit() -> None:
    """KerasTuner would go on to that limit, and may have a result by then."""
    limits = {"max_consecutive_failed_trials": 5}
    record_all(*first_trials(["Traceback\nA: a"] * 4, **limits))


def test_nor_do_they_once_a_trial_has_completed() -> None:
    """Three failures in a row are nothing, then."""
    checked, trials = first_trials(["Traceback\nA: a"] * 3)
    checked.record(trial(9, "COMPLETED"))
    record_all(checked, trials)


def test_failures_of_earlier_runs_count_for_the_total_only() -> None:
    """A search whose cause of failure was mended could never be gone on with."""
    total, row = limit(12), limit()
    for number in range(12):
        total.restore(trial(number))
        row.restore(trial(number))
    total.check()
    row.check()
    assert failures_until_the_end(total) == 1
    assert failures_until_the_end(row) == 10


def test_nothing_completed_is_explained() -> None:
    """The end of an empty search would look like success, or say nothing."""
    checked = limit()
    assert "max_trials" in str(checked.none_completed("dir"))
    checked.record(trial(3))
    error = checked.none_completed("/the/study")
    assert "Traceback 3" in str(error)
    assert "/the/study" in str(error)


def test_negative_limit_is_refused() -> None:
    """A slip of the pen would end every search at once."""
    with pytest.raises(ValueError, match="0 or more"):
        limit(-1)


def test_a_trial_that_is_wanted_again_has_all_its_attempts() -> None:
    """It would be given up at once, having lost too many before."""
    lost = {"reason": "killed"}
    dead = {"interrupted": True, "last": True}
    tries = Tries.of([lost, lost, lost, dead, dead, dead, {"kind": "retried"}])
    assert (tries.attempts, tries.lost, tries.interrupted) == (7, 0, 0)
    assert not tries.is_suspect(0) and not tries.is_over(0)
    tries.note(lost)
    assert tries.is_suspect(0)
