"""What a search is expected to gain if it goes on."""

import dataclasses

# Gains are told of so many more trials.
TRIALS = 10


@dataclasses.dataclass(frozen=True)
class Prospect:
    """What is expected of so many more trials.

    Attributes:
        trials: How many.
        gain: By how much the best value is expected to improve, in the objective's unit.
        noise: How far the values of equal configurations are apart (the deviation), as far
            as the model can tell, in the same unit and at the best value.
        seconds: How long they train, all together; None if that is not known.
    """

    trials: int
    gain: float
    noise: float
    seconds: float | None
