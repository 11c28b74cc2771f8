"""Errors about arguments in the words of who gave them.

Checks call an argument by its name in a pipeline, `tune_args.seed`.
"""

import contextlib
import re
from collections.abc import Callable, Iterator

_NAME = re.compile(r"\btune_args((?:\.\w+)+)")


def keyword(name: str) -> str:
    """The argument of `tune` that stands for a field of TuneArgs."""
    return name


def flag(name: str) -> str:
    """The flag of `tuner-component tune` that stands for a field of TuneArgs."""
    field, _, inner = name.partition(".")
    return f"--{field.replace('_', '-')}" + (f" ({inner})" if inner else "")


@contextlib.contextmanager
def named_by(spelled: Callable[[str], str]) -> Iterator[None]:
    """Raises errors about arguments with other names in them.

    Args:
        spelled: What the user calls the field of a name such as "seed" or "stopping.rule".

    Raises:
        TypeError: As within.
        ValueError: As within.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError):
            raise
        told = _NAME.sub(lambda found: spelled(found[1][1:]), str(error))
        raise type(error)(told) from error.__cause__
