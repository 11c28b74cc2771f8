"""What people may have meant by a name that is not known, and how to count things."""

import difflib
from collections.abc import Collection


def did_you_mean(name: str, known: Collection[str]) -> str:
    """A question to end an error with, after a space; empty if no name is close.

    Args:
        name: What was given.
        known: What might have been given.
    """
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def counted(number: int, noun: str) -> str:
    """A number of things, such as "1 trial" and "2 trials"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
