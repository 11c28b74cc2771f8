"""JSON of any origin becomes a value of a type, or an error that says what it is."""

import math

import pytest

from tuner_component.documents import decoding
from tuner_component.documents.decoding import MAX_DEPTH, DecodingError


def test_what_python_writes_is_read() -> None:
    """Stock TFX writes NaN and infinity with Python's own JSON."""
    first, second = decoding.decode(b"[NaN, -Infinity]", list[float])
    assert math.isnan(first) and second == -math.inf


@pytest.mark.parametrize(
    ("data", "received"),
    [
        (b"", "an empty file"),
        (b" \n", "an empty file"),
        (b'{"a": ', "truncated JSON"),
        (b"a: 1", r"not JSON \(line 1, column 1"),
        (b"\xff\xfe", "bytes that are not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "nested deeper than 64"),
        (b"9" * 5000, "a number that is too long"),
        (b'"\\ud800"', "text that cannot be encoded"),
        (b'[{"a": 1, "a": 2}]', "the field 'a' twice"),
        (b"[1]", "`array` instead of `object`"),
        (b'{"a": "1"}', r"`str` instead of `int` - at `\$\[...\]`"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, received: str) -> None:
    """A bare traceback would say neither what was read nor how to mend it."""
    with pytest.raises(DecodingError, match=received):
        decoding.decode(data, dict[str, int])


@pytest.mark.parametrize("levels", [MAX_DEPTH, MAX_DEPTH + 1])
def test_depth_is_limited(levels: int) -> None:
    """What is read could end the process when it is copied or written again."""
    content: object = 0
    for _ in range(levels):
        content = [content]
    if levels == MAX_DEPTH:
        assert decoding.check(content, object) == content
    else:
        with pytest.raises(DecodingError, match="nested deeper"):
            decoding.check(content, object)
