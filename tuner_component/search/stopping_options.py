"""When trials end before their last epoch, as plain data."""

import dataclasses

RULES = ("median", "asha", "hyperband", "patience")
_WARMUP = {"median": 5}
_LEAST = {
    "grace_epochs": 1,
    "reduction_factor": 2,
    "warmup_trials": 0,
    "patience": 1,
    "max_epochs": 1,
}


@dataclasses.dataclass(frozen=True)
class StoppingOptions:
    """A stopping rule and its parameters.

    Attributes:
        rule: "median": the best value so far is worse than the median of the trials
            that were trained to the end, at the same epoch. "asha": asynchronous
            successive halving. "hyperband": several halvings side by side. "patience":
            the best value is too old.
        grace_epochs: No trial is stopped before it was trained for so many epochs.
        reduction_factor: Of "asha" and "hyperband": 1 in so many goes on.
        warmup_trials: No trial is stopped before so many were trained to the end.
            None stands for 5 with "median", and for 0 with the others.
        patience: Of "patience": epochs without progress.
        max_epochs: Of "hyperband": how many epochs a trial has that is not stopped.
    """

    rule: str
    grace_epochs: int = 1
    reduction_factor: int = 3
    warmup_trials: int | None = None
    patience: int = 5
    max_epochs: int | None = None

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
            ValueError: If one is out of its range, or missing.
        """
        if self.rule not in RULES:
            raise ValueError(
                f"Expected the stopping rule to be one of {', '.join(RULES)}. "
                f"Received: {self.rule!r}. Leave stopping out to train all trials to "
                "the end."
            )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(
                    f"Expected stopping.{name} to be {least} or more. Received: "
                    f"{value}. Leave it out for the default."
                )
        needed = self.grace_epochs * self.reduction_factor
        if self.rule == "hyperband" and (self.max_epochs or 0) < needed:
            raise ValueError(
                "Expected stopping.max_epochs with the rule HYPERBAND: how many epochs "
                "a trial has, at least grace_epochs times reduction_factor "
                f"({needed}). Received: {self.max_epochs}. Set it, or take the rule "
                "ASHA, which does not need it."
            )

    @property
    def warmup(self) -> int:
        """How many trials must have been trained to the end."""
        if self.warmup_trials is None:
            return _WARMUP.get(self.rule, 0)
        return self.warmup_trials
