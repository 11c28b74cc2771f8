"""What a process does with warnings, for another process.

A filter names a class, which may be of any module. So it travels as plain values, and no
module is imported for it.
"""

import re
import sys
import warnings
from typing import Any

# Action; pattern of the message; module and name of the category; pattern of the module; line.
Filter = tuple[str, str, str, str, str, int]


def capture() -> tuple[Filter, ...]:
    """The filters of this process, those that are asked first before the others."""
    found = []
    for action, message, category, module, line in warnings.filters:
        if isinstance(category, type):
            name = category.__module__, category.__qualname__
            found.append((action, _pattern(message), *name, _pattern(module), line))
    return tuple(found)


def apply(filters: tuple[Filter, ...]) -> None:
    """Puts filters before those that are there, and are others.

    Left out are those of classes that this process does not have: libraries filter their
    own warnings as they are imported.
    """
    ours = [own for own in capture() if own not in filters]
    warnings.resetwarnings()
    for action, message, module, name, of_module, line in reversed((*filters, *ours)):
        category: Any = getattr(sys.modules.get(module), name, None)
        if isinstance(category, type) and issubclass(category, Warning):
            warnings.filterwarnings(action, message, category, of_module, line)  # type: ignore[arg-type]


def _pattern(text: re.Pattern[str] | str | None) -> str:
    if text is None:
        return ""
    # Filters that were there before Python's own module have a string, for equality.
    return re.escape(text) + r"\Z" if isinstance(text, str) else text.pattern
