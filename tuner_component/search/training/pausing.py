"""How the training of a trial is left that is to pause."""


class TrialPaused(BaseException):
    """The training is saved; the trial ends here, and goes on from there later.

    No `except Exception` on the way out of the user's code takes it for a failure.
    """
