"""One of Optuna's pruners, with what it knows of the trials: kept in memory."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any, cast

from tuner_component.search.options import StoppingOptions
from tuner_component.search.study.history import is_number

# Optuna is imported in functions: it takes 0.3 s, which only a search with a rule needs.

# So many trials may have reported nothing before one does.
_MOST_UNSEEN = 10_000


class Pruner:
    """Compares trials by their intermediate values, as a rule says.

    Args:
        options: The rule and its parameters.
        direction: "min" or "max".
        name: HyperbandPruner draws a trial's bracket from it and the trial's number.
    """

    def __init__(self, options: StoppingOptions, direction: str, name: str) -> None:
        import optuna

        self._pruner = _make(options)
        self._direction = optuna.study.StudyDirection[f"{direction.upper()}IMIZE"]
        self._name = name
        self._states = optuna.trial.TrialState
        self._numbers: dict[str, int] = {}
        self._open([])

    def report(self, trial_id: str, step: int, value: float) -> None:
        """Takes a value.

        Args:
            trial_id: The trial.
            step: How many epochs it was trained for.
            value: What to compare with other trials'.
        """
        trial = self._storage_id(trial_id)
        self._storage.set_trial_intermediate_value(trial, step, value)

    def hopeless(self, trial_id: str) -> bool:
        """What the pruner thinks of a trial with its last value."""
        trial = self._storage_id(trial_id)
        return bool(self._pruner.prune(self._study, self._storage.get_trial(trial)))

    def end(self, trial_id: str, complete: bool) -> None:
        """A trial has ended; others are not compared with one that is not complete."""
        if trial_id in self._numbers:
            state = self._states.COMPLETE if complete else self._states.PRUNED
            trial = self._storage_id(trial_id)
            # Optuna wants a value; its pruners look at the intermediate ones alone.
            self._storage.set_trial_state_values(trial, state, [0.0])

    def forget(self, trial_id: str) -> None:
        """Drops all values of a trial. Slow, and rarely needed."""
        number = self._numbers.get(trial_id)
        if number is None:
            return
        # Optuna deletes no single trial. In a new storage an empty one takes its place,
        # so that all others keep their numbers.
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        self._open([None if t.number == number else t for t in trials])

    def _open(self, trials: list[Any]) -> None:
        """Makes a storage with the given trials, empty ones in place of None."""
        import optuna

        self._storage = optuna.storages.InMemoryStorage()
        with quiet_optuna():
            self._study_id = self._storage.create_new_study(
                [self._direction], self._name
            )
            self._study = optuna.load_study(
                study_name=self._name,
                storage=self._storage,
                sampler=optuna.samplers.RandomSampler(),
                pruner=self._pruner,
            )
        for trial in trials:
            self._storage.create_new_trial(self._study_id, template_trial=trial)

    def _storage_id(self, trial_id: str) -> int:
        number = self._numbers.get(trial_id)
        if number is None:
            # By KerasTuner's count, so that a resumed search has the same brackets: in
            # the order of the first reports, which varies, they would be others.
            free = self._storage.get_n_trials(self._study_id)
            number = int(trial_id) if is_number(trial_id) else free
            # An id of another kind, a time perhaps: there is no room for all below it.
            if number > free + _MOST_UNSEEN or number in self._numbers.values():
                number = free
            self._numbers[trial_id] = number
            for _ in range(free, number + 1):
                self._storage.create_new_trial(self._study_id)
        return int(
            self._storage.get_trial_id_from_study_id_trial_number(
                self._study_id, number
            )
        )


def _make(options: StoppingOptions) -> Any:
    """Makes Optuna's pruner for a rule."""
    from optuna import pruners

    if options.rule == "median":
        return pruners.MedianPruner(
            n_startup_trials=options.warmup, n_warmup_steps=options.grace_epochs
        )
    if options.rule == "asha":
        return pruners.SuccessiveHalvingPruner(
            min_resource=options.grace_epochs,
            reduction_factor=options.reduction_factor,
        )
    if options.rule == "hyperband":
        return pruners.HyperbandPruner(
            min_resource=options.grace_epochs,
            max_resource=cast(int, options.max_epochs),  # The options see to it.
            reduction_factor=options.reduction_factor,
        )
    with quiet_optuna():
        return pruners.PatientPruner(None, patience=options.patience)


@contextlib.contextmanager
def quiet_optuna() -> Iterator[None]:
    """Silences Optuna, which would log a study that the user does not know.

    Its warnings as well: much of it has been called experimental for years.
    """
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            # Of version 5: constraints functions will go, and 4.2 knows nothing else.
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
