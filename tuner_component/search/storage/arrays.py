"""One value that holds NumPy arrays, as bytes with a checksum, for checkpoints.

`plain` is for records without arrays, which people can read.

A checkpoint made of several files can be torn between them: weights of one epoch beside
the curve of another. So everything that belongs together goes into one run of bytes,
which a store writes whole or not at all. Nothing is pickled: what is read is data.
"""

import collections
import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

# The last byte is the version of the format. Version 2 has more kinds of containers.
_MAGIC = b"TCSTATE\x02"
_READABLE = (b"TCSTATE\x01", _MAGIC)
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_PLAIN = (bool, int, float, str, type(None))
_MAPPINGS: dict[type, str] = {
    dict: "dict",
    collections.Counter: "counter",
    collections.OrderedDict: "ordered",
}
_SEQUENCES: dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}


class DamagedStateError(ValueError):
    """The bytes are torn, foreign, or of a newer format."""


def encode(value: Any) -> bytes:
    """Turns a value into bytes.

    Args:
        value: None, bool, int, float, str, NumPy scalar or array, or a list, tuple,
            dict, set, frozenset, deque, Counter or OrderedDict of these.

    Returns:
        Magic, length of the header, header (JSON), arrays one after the other, CRC-32.

    Raises:
        TypeError: The value contains something else.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    content = _to_plain(value, arrays)
    specs = [[array.dtype.name, list(array.shape)] for array in arrays]
    header = json.dumps({"value": content, "arrays": specs}).encode()
    # Views, not `tobytes`, which would copy every array once more.
    views = [
        np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in arrays
    ]
    parts: list[bytes | memoryview] = [
        _MAGIC,
        _LENGTH.pack(len(header)),
        header,
        *views,
    ]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return b"".join([*parts, _CHECKSUM.pack(checksum)])


def decode(data: bytes) -> Any:
    """Turns the bytes of `encode` back into the value.

    Tuples come back as tuples, NumPy scalars as Python numbers. Arrays are views of
    `data`, so read-only.

    Raises:
        DamagedStateError: These are not the whole, unchanged bytes of `encode`.
    """
    view = memoryview(data)  # Slices of it are no copies.
    body, checksum = view[: -_CHECKSUM.size], data[-_CHECKSUM.size :]
    if not data.startswith(_READABLE) or _CHECKSUM.pack(zlib.crc32(body)) != checksum:
        raise DamagedStateError(
            "Expected the whole bytes of a saved state. Received: "
            f"{len(data)} bytes that are torn, or not such a state."
        )
    header, begin = _header(data)
    return _from_plain(header["value"], _arrays(header["arrays"], data, begin))


def decode_beginning(data: bytes) -> Any:
    """Turns the first bytes of `encode` into the value, with None for each array.

    A checkpoint may have gigabytes, and the plain data in it come first. Their checksum
    is that of the whole: what this returns must not be relied on.

    Raises:
        DamagedStateError: These are not the first bytes of `encode`, or too few.
    """
    try:
        header, _ = _header(data)
        return _from_plain(header["value"], [None] * len(header["arrays"]))
    except Exception as error:  # Anything may be in there.
        raise DamagedStateError(
            "Expected the beginning of a saved state. Received: "
            f"{len(data)} bytes that are too few, or not such a state ({error!r})."
        ) from error


def takes(value: Any) -> bool:
    """Whether `encode` takes an array or a scalar of NumPy."""
    if isinstance(value, np.generic):
        return type(value.item()) in _PLAIN
    try:
        _check_dtype(value.dtype)
    except TypeError:
        return False
    return True


def fingerprint(value: Any) -> int:
    """A number that tells whether a value has changed; the same in every process.

    Raises:
        TypeError: `encode` would not take the value.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    content = _to_plain(value, arrays)
    specs = [[array.dtype.name, list(array.shape)] for array in arrays]
    checksum = zlib.crc32(json.dumps([content, specs]).encode())
    for array in arrays:
        view = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        checksum = zlib.crc32(view, checksum)
    return checksum


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """All but the arrays, and where these begin."""
    begin = len(_MAGIC) + _LENGTH.size
    (length,) = _LENGTH.unpack(data[len(_MAGIC) : begin])
    return json.loads(data[begin : begin + length]), begin + length


def _arrays(specs: list[Any], data: bytes, offset: int) -> list[np.ndarray[Any, Any]]:
    arrays = []
    for name, shape in specs:
        dtype = np.dtype(name)
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(data, np.uint8, count * dtype.itemsize, offset)
        arrays.append(array.view(dtype).reshape(shape))
        offset += array.nbytes
    return arrays


def _to_plain(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.ndarray):
        _check_dtype(value.dtype)
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if type(value) is list:
        return [_to_plain(item, arrays) for item in value]
    if type(value) is tuple:
        return {"tuple": [_to_plain(item, arrays) for item in value]}
    if type(value) in _MAPPINGS:
        pairs = [[_to_plain(k, arrays), _to_plain(v, arrays)] for k, v in value.items()]
        return {_MAPPINGS[type(value)]: pairs}
    if type(value) is collections.deque:
        return {"deque": [[_to_plain(item, arrays) for item in value], value.maxlen]}
    if type(value) in (set, frozenset):
        # In an order that does not depend on the process.
        items = sorted((_to_plain(item, arrays) for item in value), key=json.dumps)
        return {type(value).__name__: items}
    raise TypeError(
        "Expected plain data or a NumPy array of numbers. Received: a value of type "
        f"{type(value).__name__}."
    )


def _check_dtype(dtype: np.dtype[Any]) -> None:
    """Numbers only, those of ml_dtypes (bfloat16, ...) included."""
    try:
        if np.dtype(dtype.name) == dtype and not dtype.hasobject:
            return
    except TypeError:
        pass
    raise TypeError(f"Expected an array of numbers. Received: one of {dtype}.")


def _from_plain(plain: Any, arrays: Sequence[Any]) -> Any:
    if isinstance(plain, list):
        return [_from_plain(item, arrays) for item in plain]
    if not isinstance(plain, dict):
        return plain
    ((kind, content),) = plain.items()
    if kind == "array":
        return arrays[content]
    if kind == "deque":
        items, longest = content
        return collections.deque((_from_plain(i, arrays) for i in items), longest)
    for mapping, name in _MAPPINGS.items():
        if kind == name:
            pairs = [
                (_from_plain(k, arrays), _from_plain(v, arrays)) for k, v in content
            ]
            return mapping(dict(pairs))
    return _SEQUENCES[kind](_from_plain(item, arrays) for item in content)
