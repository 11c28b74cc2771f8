"""Plain data and arrays as bytes that check themselves."""

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tuner_component.search.storage import arrays

VALUE = {
    "nothing": None,
    "numbers": [True, 1, 2.5, -math.inf],
    "tuple": (1, ("a", [])),
    3: "a key that is no string",
    "arrays": [np.arange(6, dtype="float32").reshape(2, 3), np.zeros((0, 2), "int64")],
    "scalar array": np.array(7, "int64"),
}


def assert_same(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    if isinstance(left, dict):
        assert list(left) == list(right)
        left, right = list(left.values()), list(right.values())
    if isinstance(left, (list, tuple)):
        assert len(left) == len(right)
        for one, other in zip(left, right):
            assert_same(one, other)
    elif isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    else:
        assert left == right


def test_values_come_back_as_they_were() -> None:
    """A training would go on from another state than it was interrupted in."""
    assert_same(arrays.decode(arrays.encode(VALUE)), VALUE)


def test_nan_comes_back() -> None:
    """One diverged epoch would make the whole curve unreadable."""
    assert math.isnan(arrays.decode(arrays.encode([math.nan]))[0])


def test_bfloat16_comes_back_bit_by_bit() -> None:
    """Models in mixed precision could not be checkpointed."""
    array = np.array([1.0, -2.5, 3e30], ml_dtypes.bfloat16)
    back = arrays.decode(arrays.encode(array))
    assert back.dtype == array.dtype and back.tobytes() == array.tobytes()


def test_a_non_contiguous_array_comes_back() -> None:
    """Transposed weights would be stored in the wrong order."""
    array = np.arange(6).reshape(2, 3).T
    assert_same(arrays.decode(arrays.encode(array)), np.array(array))


def test_torn_bytes_are_refused_at_every_length() -> None:
    """Half a checkpoint would be trusted."""
    data = arrays.encode(VALUE)
    for length in range(len(data)):
        with pytest.raises(arrays.DamagedStateError, match="torn"):
            arrays.decode(data[:length])


def test_a_flipped_bit_is_noticed_anywhere() -> None:
    """A damaged weight would be trained on."""
    data = bytearray(arrays.encode(VALUE))
    for position in range(len(data)):
        data[position] ^= 4
        with pytest.raises(arrays.DamagedStateError):
            arrays.decode(bytes(data))
        data[position] ^= 4


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, np.array(["text"]), np.array([object()]), [len]]
)
def test_other_values_are_refused(value: Any) -> None:
    """Something would be stored that does not come back."""
    with pytest.raises(TypeError, match="Expected .* Received: "):
        arrays.encode(value)
    assert not arrays.is_plain(value, with_arrays=True)


def test_arrays_can_be_told_from_plain_data() -> None:
    """The data that a callback was given would go into every checkpoint."""
    assert arrays.is_plain([1, "a", (None,)], with_arrays=False)
    assert not arrays.is_plain([np.zeros(3)], with_arrays=False)
    assert arrays.is_plain([np.zeros(3)], with_arrays=True)
