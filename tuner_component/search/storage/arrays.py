"""One value that holds NumPy arrays, as bytes with a checksum, for checkpoints.

`plain` is for records without arrays, which people can read.

A checkpoint made of several files can be torn between them: weights of one epoch beside
the curve of another. So everything that belongs together goes into one run of bytes,
which a store writes whole or not at all. Nothing is pickled: what is read is data.
"""

import json
import struct
import zlib
from typing import Any

import numpy as np

# The last byte is the version of the format.
_MAGIC = b"TCSTATE\x01"
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_PLAIN = (bool, int, float, str, type(None))


class DamagedStateError(ValueError):
    """The bytes are torn, foreign, or of a newer format."""


def encode(value: Any) -> bytes:
    """Turns a value into bytes.

    Args:
        value: None, bool, int, float, str, NumPy scalar or array, or a list, tuple or
            dict of these.

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
    if not data.startswith(_MAGIC) or _CHECKSUM.pack(zlib.crc32(body)) != checksum:
        raise DamagedStateError(
            "Expected the whole bytes of a saved state. Received: "
            f"{len(data)} bytes that are torn, or not such a state."
        )
    begin = len(_MAGIC) + _LENGTH.size
    (length,) = _LENGTH.unpack(data[len(_MAGIC) : begin])
    header = json.loads(data[begin : begin + length])
    return _from_plain(header["value"], _arrays(header["arrays"], data, begin + length))


def is_plain(value: Any, with_arrays: bool) -> bool:
    """Whether `encode` takes the value; arrays in it only if asked for."""
    arrays: list[np.ndarray[Any, Any]] = []
    try:
        _to_plain(value, arrays)
    except TypeError:
        return False
    return with_arrays or not arrays


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
    if type(value) is dict:
        pairs = [[_to_plain(k, arrays), _to_plain(v, arrays)] for k, v in value.items()]
        return {"dict": pairs}
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


def _from_plain(plain: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(plain, list):
        return [_from_plain(item, arrays) for item in plain]
    if not isinstance(plain, dict):
        return plain
    ((kind, content),) = plain.items()
    if kind == "array":
        return arrays[content]
    if kind == "tuple":
        return tuple(_from_plain(item, arrays) for item in content)
    return {_from_plain(k, arrays): _from_plain(v, arrays) for k, v in content}
