"""How the training of a trial is left that is to pause."""

from keras_tuner import errors

from tuner_component.search.errors import SearchError


class TrialPaused(BaseException):
    """The training is saved; the trial ends here, and goes on from there later.

    No `except Exception` on the way out of the user's code takes it for a failure.
    """


class UndecidedError(SearchError, errors.FatalError):  # type: ignore[misc]
    """The oracle failed to decide about a trial. A fatal error for KerasTuner, too.

    The trial is not to blame: it goes on from where it was.
    """
