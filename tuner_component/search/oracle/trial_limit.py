"""How many trials a search has, if that is not what its tuner says."""

import dataclasses

import keras_tuner
from keras_tuner.oracles import HyperbandOracle

from tuner_component.search.options import SearchOptions
from tuner_component.search.study.history import History
from tuner_component.search.study.opening import open_study
from tuner_component.search.study.study import Study


def set_limit(oracle: keras_tuner.Oracle, max_trials: int | None) -> None:
    """Has an oracle's search end after so many trials.

    Hyperband ends by itself, after its iterations. Here it begins another one until it has
    had so many trials.

    Args:
        oracle: Fresh from its constructor.
        max_trials: How many; None for as many as the tuner says.
    """
    if max_trials is None:
        return
    oracle.max_trials = max_trials
    if isinstance(oracle, HyperbandOracle):
        oracle.iterates_on = True  # See `kerastuner_oracles.FaultTolerantHyperband`.


def reopened(
    study: Study, oracle: keras_tuner.Oracle, options: SearchOptions
) -> Study | None:
    """Opens a finished study for more trials, if its tuner wants more than it was to have.

    Nobody knows what a tuner wants before it is made, and a study is opened before that.

    Args:
        study: As it was opened.
        oracle: Of the tuner, fresh from its constructor.
        options: Those of the search. If they tell a number of trials, the tuner's does not
            count.

    Returns:
        The study, to be closed; None if it is not finished, or stays so.
    """
    wanted = oracle.max_trials if options.max_trials is None else None
    if not study.is_finished or wanted is None:
        return None
    if not History.of(study.journal.records()).falls_short_of(wanted):
        return None
    more = dataclasses.replace(options, max_trials=wanted)
    return open_study(study.directory, study.fingerprint, more)
