"""Values that KerasTuner's Hyperband keeps among the hyperparameters of a trial.

They are none of the user's: they say from which trial it goes on, and for how long.
"""

_PREFIX = "tuner/"
PARENT = f"{_PREFIX}trial_id"
INITIAL_EPOCH = f"{_PREFIX}initial_epoch"
EPOCHS = f"{_PREFIX}epochs"


def is_reserved(name: str) -> bool:
    """Whether a value of that name is Hyperband's own."""
    return name.startswith(_PREFIX)
