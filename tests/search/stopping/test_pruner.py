"""Optuna's pruners, with what they know of KerasTuner's trials."""

from collections.abc import Iterable

from tuner_component.search.options import StoppingOptions
from tuner_component.search.stopping.pruner import Pruner

TRIALS = [f"{number:02}" for number in range(16)]


def pruner_of(reporting: Iterable[str]) -> Pruner:
    """A pruner with brackets, to which trials have reported an epoch each."""
    options = StoppingOptions("hyperband", reduction_factor=2, max_epochs=8)
    pruner = Pruner(options, "min", "fit-0")
    for trial_id in reporting:
        pruner.report(trial_id, 1, float(trial_id))
    return pruner


def hopeless_of(pruner: Pruner) -> list[bool]:
    return [pruner.hopeless(trial_id) for trial_id in TRIALS]


def test_brackets_do_not_depend_on_who_reports_first() -> None:
    """A resumed search would put trials into other brackets, and stop other ones."""
    expected = hopeless_of(pruner_of(TRIALS))
    assert hopeless_of(pruner_of(TRIALS[::-1])) == expected
    assert 0 < sum(expected) < len(TRIALS) - 1  # There are several brackets.


def test_a_forgotten_trial_leaves_the_others_as_they_were() -> None:
    """They would be compared in other brackets, or not at all."""
    pruner = pruner_of(TRIALS)
    pruner.forget(TRIALS[5])
    pruner.report(TRIALS[5], 1, float(TRIALS[5]))
    assert hopeless_of(pruner) == hopeless_of(pruner_of(TRIALS))


def test_ids_that_are_times_take_no_room() -> None:
    """A trial of every second since 1970 would be made, and the memory be full."""
    pruner = pruner_of([])
    for trial_id in ("1700000000", "1700000060", "9" * 6000):
        pruner.report(trial_id, 1, 0.5)
    assert pruner._storage.get_n_trials(pruner._study_id) == 3
