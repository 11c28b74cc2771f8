"""How often a trial may be attempted, over all runs of its search.

An attempt is lost when its worker dies, or when the whole search dies around it, or all
that ran on a node of a cluster: a pod that is killed for its memory, a segmentation fault
in process. Who is to blame is certain in the first case only. Otherwise all trials that
ran there lose an attempt, so one that has lost too many gets a last chance: once more,
after all others and with nothing beside it. If all of it dies again, it was that trial.

But an attempt that got further than any before has come to something. It clears the
trial: a long one on machines that are taken away needs many attempts. How far they got is
journaled, so a trial that always dies at the same point loses all attempts but the first.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass
class Tries:
    """What came of the attempts at a trial, in this run of the search and those before.

    Attributes:
        attempts: How many there were.
        lost: How many cost their worker, other than by want of memory.
        interrupted: How many ended with the whole search or their node, which no one had
            asked to end, since one got further than all before.
        ran_out: Whether one ran out of memory: the next has the machine to itself.
        had_last_chance: Whether such an attempt was the trial's last chance.
        reached: The farthest point that one got to, as far as it was saved: see
            `training.checkpoint_files`.
    """

    attempts: int = 0
    lost: int = 0
    interrupted: int = 0
    ran_out: bool = False
    had_last_chance: bool = False
    reached: tuple[int, ...] = (0, 0, 0)

    @classmethod
    def of(cls, records: list[dict[str, Any]]) -> "Tries":
        """Adds up the attempts that a study tells of: see `note`."""
        tries = cls()
        for record in records:
            tries.note(record)
        return tries

    def note(self, record: Mapping[str, Any]) -> None:
        """Takes an attempt into account that came to nothing.

        Args:
            record: What the journal says of it. `failed`: it was handed in as a failure,
                which the user's oracle wants repeated. `excused`: the search was asked to
                end, or is to blame itself. `out_of_memory`: it was. `interrupted`: it
                ended with the whole search, or its node; `last`: in its last chance.
                `reached`: the point that it got to.
        """
        self.attempts += 1
        before, now = self.reached, tuple(record.get("reached", ()))
        self.reached = max(before, now)
        if record.get("failed") or record.get("excused"):
            return
        if record.get("out_of_memory"):
            self.ran_out = True
        elif record.get("interrupted"):
            if now > before:  # Epochs are finite, so this cannot go on for ever.
                self.interrupted, self.had_last_chance = 0, False
            else:
                self.interrupted += 1
                self.had_last_chance |= bool(record.get("last"))
        else:
            self.lost += 1

    def is_suspect(self, max_retries: int | None) -> bool:
        """Whether only the last chance is left.

        Args:
            max_retries: How many attempts may be lost; None for any number.
        """
        return max_retries is not None and self.lost + self.interrupted > max_retries

    def is_over(self, max_retries: int | None) -> bool:
        """Whether nothing is left: the trial has taken the search down by itself."""
        return self.had_last_chance and self.is_suspect(max_retries)

    def why(self) -> str:
        """What there is to say about a trial for which it is over."""
        return (
            f"{self.interrupted} attempts that ended with the whole search, or with all "
            "that ran on a node (killed for its memory, perhaps, or by a fault in native "
            "code), and saved no epoch more than those before; in the last one, no other "
            "trial ran"
        )
