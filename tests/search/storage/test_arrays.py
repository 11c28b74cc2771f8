"""Plain data and arrays as bytes that check themselves."""

import collections
import math
import zlib
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


def test_the_beginning_tells_all_but_the_arrays() -> None:
    """To learn how far a training got, gigabytes of weights would be read."""
    data = arrays.encode({"epoch": 3, "weights": [np.ones(1000)], "curve": (1.5,)})
    told = {"epoch": 3, "weights": [None], "curve": (1.5,)}
    assert arrays.decode_beginning(data[:-8000]) == told
    for length in (0, 10, 40):
        with pytest.raises(arrays.DamagedStateError, match="too few"):
            arrays.decode_beginning(data[:length])


def test_containers_of_more_kinds_come_back() -> None:
    """What a callback has counted would be lost for the container it is in."""
    value = {
        "deque": collections.deque([1, 2, (3,)], maxlen=5),
        "counter": collections.Counter(right=3, wrong=1),
        "ordered": collections.OrderedDict(b=1, a=2),
        "set": {3, "b", (1, 2)},
        "frozenset": frozenset([1.5]),
        "in arrays": collections.deque([np.arange(3)]),
    }
    back = arrays.decode(arrays.encode(value))
    np.testing.assert_array_equal(back.pop("in arrays")[0], np.arange(3))
    del value["in arrays"]
    assert back == value
    assert [type(v) for v in back.values()] == [type(v) for v in value.values()]
    assert back["deque"].maxlen == 5
    assert list(back["ordered"]) == ["b", "a"]


def test_states_of_the_format_before_are_read() -> None:
    """Trainings that a release before interrupted would start over."""
    data = bytearray(arrays.encode(VALUE))
    data[7] = 1
    data[-4:] = zlib.crc32(bytes(data[:-4])).to_bytes(4, "little")
    assert_same(arrays.decode(bytes(data)), VALUE)


@pytest.mark.parametrize(
    "value",
    [object(), np.array(["text"]), np.array([object()]), [len], {1: [{2, len}]}],
)
def test_other_values_are_refused(value: Any) -> None:
    """Something would be stored that does not come back."""
    with pytest.raises(TypeError, match="Expected .* Received: "):
        arrays.encode(value)
    with pytest.raises(TypeError, match="Expected .* Received: "):
        arrays.fingerprint(value)


def test_fingerprints_tell_values_apart() -> None:
    """What has changed in a training would be taken for what it began with."""
    array = np.arange(6.0)
    before = arrays.fingerprint([1, {"a": array}])
    assert arrays.fingerprint([1, {"a": np.arange(6.0)}]) == before
    array[3] = -1
    assert arrays.fingerprint([1, {"a": array}]) != before
    assert arrays.fingerprint({"x", "y"}) == arrays.fingerprint({"y", "x"})
    assert arrays.fingerprint(1) != arrays.fingerprint(True)
    assert arrays.fingerprint(array) != arrays.fingerprint(array.reshape(2, 3))


@pytest.mark.parametrize(
    ("value", "takes"),
    [
        (np.float32(1), True),
        (np.zeros(2, "int8"), True),
        (np.array("text"), False),
        (np.datetime64("2026-01-01"), False),
    ],
)
def test_arrays_that_can_be_written_are_known(value: Any, takes: bool) -> None:
    """An attribute that cannot be kept would cost the whole checkpoint."""
    assert arrays.takes(value) == takes
