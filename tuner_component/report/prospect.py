"""What a search expected of going on, as plain data and as a sentence."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ProspectRecord:
    """What the search expected of going on, when it last decided what to train.

    Attributes:
        trials: Of how many more trials.
        gain: By how much the objective's best value is expected to improve.
        noise: How far the results of equal configurations are apart (the deviation), as far
            as the search can tell.
        seconds: How long these trials train, all together; None if that is not known.
    """

    trials: int
    gain: float
    noise: float
    seconds: float | None = None

    def told(self, objective: str, direction: str) -> str:
        """A sentence about it.

        Args:
            objective: The objective's name.
            direction: "min" or "max".
        """
        verb = "raise" if direction == "max" else "lower"
        return (
            f"{self.trials} more trials are expected to {verb} {objective} by "
            f"{self.gain:.2g} (noise: {self.noise:.2g})."
        )
