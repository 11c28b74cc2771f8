"""Telling whether memory ran out."""

from collections.abc import Callable

import numpy as np
import pytest

from tuner_component.search.machine import memory


class ResourceExhaustedError(Exception):
    """TensorFlow's, by its name."""


class OutOfMemoryError(RuntimeError):
    """PyTorch's, by its name."""


class XlaRuntimeError(RuntimeError):
    """JAX's, by its name."""


class OwnOutOfMemoryError(OutOfMemoryError):
    """As a library might derive it."""


def _raised_in_handling(error: Exception) -> Exception:
    try:
        try:
            raise error
        except type(error):
            raise RuntimeError("training failed")
    except RuntimeError as last:
        return last


def _raised_from(error: Exception) -> Exception:
    try:
        raise RuntimeError("training failed") from error
    except RuntimeError as last:
        return last


def _numpy_error() -> Exception:
    try:
        np.empty(1 << 62, np.int8)
    except MemoryError as error:
        return error
    raise AssertionError("so much memory there is nowhere")


MEMORY = [
    MemoryError(),
    _numpy_error(),
    ResourceExhaustedError("{{function_node __wrapped__Mul}} OOM when allocating"),
    OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    OwnOutOfMemoryError("too large"),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"),
]


@pytest.mark.parametrize("error", MEMORY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("wrap", [None, _raised_in_handling, _raised_from])
def test_each_framework_says_it_its_own_way(
    error: Exception, wrap: Callable[[Exception], Exception] | None
) -> None:
    """The trial would be given up although it could run alone."""
    assert memory.ran_out(wrap(error) if wrap else error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("the MemoryError example"),
        ValueError("MemoryError"),
        OSError("no space"),
        ResourceExhaustedError("/x/model.h5; No space left on device"),
        ResourceExhaustedError("/x/model.h5; Disk quota exceeded"),
        XlaRuntimeError("INVALID_ARGUMENT: shapes"),
    ],
    ids=str,
)
def test_other_errors_are_not_it(error: Exception) -> None:
    """Broken trials would be repeated alone, holding up all others."""
    assert not memory.ran_out(error)
