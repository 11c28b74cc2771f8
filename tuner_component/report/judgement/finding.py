"""A finding: a sentence, what it is about, and the exact numbers that it names."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

Mood = Literal["good", "plain", "bad"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something to say of a study.

    Attributes:
        topic: What it is about, in a word or two, such as "margin".
        text: One or more whole sentences.
        numbers: What the text names, by name and not rounded.
        mood: Whether it is good news, bad news or neither.
        names: The trials and hyperparameters that it speaks of.
        brief: The gist of it in one short sentence, to stand beside the score; or "".
    """

    topic: str
    text: str
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)
    mood: Mood = "plain"
    names: tuple[str, ...] = ()
    brief: str = ""


def score_text(value: float) -> str:
    """A score, with six digits, as in the tables of the report."""
    return f"{value:.6g}"


def difference_text(value: float) -> str:
    """A difference or a deviation: two digits say all that there is to know."""
    return f"{value:.2g}"


def percent_text(share: float) -> str:
    """A share as a percentage, such as "12 %"; one that is not quite 0 or 1 says so."""
    percent = 100 * share
    if 0 < percent < 1:
        return "less than 1 %"
    if 99 < percent < 100:
        return "more than 99 %"
    return f"{percent:.0f} %"


def listed(words: list[str], most: int = 4) -> str:
    """Words as people list them: "a, b and c"; of many only the first."""
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
