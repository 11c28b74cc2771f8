"""After how many epochs a trial is looked at, and may pause."""

# Each rung has about so many times the epochs of the one before it.
FACTOR = 3


class Rungs:
    """Numbers of epochs that grow geometrically.

    If a whole training's epochs are known, they are the last rung, and the others are
    parts of them: 1, 4, 11, 33, 100. If they are not known, rungs go on for ever: 1, 3, 9,
    27, 81 and so on.

    Attributes:
        epochs: How many epochs a whole training has; None if that is not known.
    """

    def __init__(self, epochs: int | None) -> None:
        """Finds the rungs below a number of epochs."""
        self.epochs = epochs
        self.known: tuple[int, ...] = ()
        if epochs is not None:
            part, found = float(epochs), set[int]()
            while part > 0.5:
                found.add(max(round(part), 1))
                part /= FACTOR
            self.known = tuple(sorted(found))

    def after(self, epochs: int) -> int:
        """The first rung after some epochs; the last one if that is passed."""
        if self.known:
            return next((rung for rung in self.known if rung > epochs), self.known[-1])
        rung = 1
        while rung <= epochs:
            rung *= FACTOR
        return rung

    def is_rung(self, epochs: int) -> bool:
        """Whether a trial is looked at after so many epochs."""
        return epochs > 0 and self.after(epochs - 1) == epochs

    def horizon(self, longest: int, ended: int) -> int:
        """The epochs of a whole training, as far as they are known.

        Args:
            longest: The most epochs of any trial so far.
            ended: The most epochs after which a trial ended by itself; 0 if none did.
        """
        if self.epochs is not None:
            return self.epochs
        return max(ended, longest) if ended else self.after(longest)

    def __str__(self) -> str:
        """The rungs, as a person would write them."""
        if not self.known:
            return "rungs of 1, 3, 9, 27, ... epochs"
        if len(self.known) == 1:
            return f"one rung, of {_counted(self.known[0])}"
        first = ", ".join(map(str, self.known[:-1]))
        return f"rungs of {first} and {_counted(self.known[-1])}"


def _counted(epochs: int) -> str:
    return f"{epochs} epoch" + ("s" if epochs != 1 else "")
