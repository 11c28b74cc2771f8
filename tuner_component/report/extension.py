"""That a search was given more trials than it was to have, as data and as a sentence."""

import dataclasses

from tuner_component.search.study import times


@dataclasses.dataclass(frozen=True)
class ExtensionRecord:
    """One time that a search was extended.

    Attributes:
        time: When, in seconds since the epoch; None if that is not known.
        trials: How many trials there were then.
        before: How many there were to be; None if there was no such limit.
        after: How many there were to be from then on.
    """

    time: float | None
    trials: int
    before: int | None
    after: int

    @property
    def told(self) -> str:
        """A sentence about it."""
        before = f"from {self.before} " if self.before is not None else ""
        when = ""
        if self.time is not None:
            when = f" at {times.shown(self.time)}"
        there_were = "there was 1" if self.trials == 1 else f"there were {self.trials}"
        return f"Extended {before}to {self.after} trials{when}, when {there_were}."
