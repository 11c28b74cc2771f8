"""From the bytes of a JSON file to a value of a type, whatever the bytes are.

Python's parser reads what Python writes (NaN, a byte order mark), msgspec checks the
types. What neither of them survives, a list in a list in a list without end, ends in the
same error as all else.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

# Deeper than any space of hyperparameters with its conditions, and far less deep than
# what printing, copying or writing a value can take.
MAX_DEPTH = 64

_MISMATCH = re.compile(r"Expected (.*), got (`\w+`)( - at .*)?")

_T = TypeVar("_T")


class DecodingError(ValueError):
    """The content is not what was expected; the message says what was received."""


def decode(data: bytes, kind: type[_T]) -> _T:
    """Decodes the content of a JSON file.

    Args:
        data: The content.
        kind: The type of the whole: built-in types, dataclasses, msgspec's structs. Of
            an object's fields that it does not name, nothing is said.

    Raises:
        DecodingError: It is something else. The message completes "Received: ...".
    """
    return check(_parsed(data), kind)


def check(content: Any, kind: type[_T]) -> _T:
    """Makes a value of a type from what a JSON parser made: see `decode`."""
    if _is_deeper(content, MAX_DEPTH):
        raise DecodingError(f"content that is nested deeper than {MAX_DEPTH} levels")
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise DecodingError(_described(str(error))) from error
    except UnicodeError as error:  # A half of a character, where it does not belong.
        raise DecodingError(f"text that cannot be encoded ({error})") from error


def _parsed(data: bytes) -> Any:
    """Any JSON, as Python's own types."""
    text = ""
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise DecodingError(f"bytes that are not UTF-8 text ({error})") from error
    except json.JSONDecodeError as error:
        raise DecodingError(_syntax(text, error)) from error
    except RecursionError:
        raise DecodingError("content that is nested too deeply") from None
    except DecodingError:
        raise
    except ValueError as error:  # An integer of thousands of digits.
        raise DecodingError(f"a number that is too long ({error})") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DecodingError(f"an object that has the field {twice!r} twice")
    return content


def _described(error: str) -> str:
    """What msgspec says, without its own "Expected"."""
    match = _MISMATCH.fullmatch(error)
    if match is None:
        return f"wrong content: {error}"
    expected, received, place = match.groups()
    return f"{received} instead of {expected}{place or ''}"


def _syntax(text: str, error: json.JSONDecodeError) -> str:
    if not text.strip():
        return "an empty file"
    what = "truncated JSON" if error.pos >= len(text.rstrip()) else "not JSON"
    return f"{what} (line {error.lineno}, column {error.colno}: {error.msg})"


def _is_deeper(content: Any, limit: int) -> bool:
    """Whether lists and objects are nested deeper than a limit."""
    level = _containers([content])
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in _containers(outer.values() if type(outer) is dict else outer)
        ]
        if not level:
            return False
    return True


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if type(value) is dict or type(value) is list]
