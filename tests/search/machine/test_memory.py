"""Telling whether memory ran out."""

import pytest

from tuner_component.search.machine import memory


@pytest.mark.parametrize(
    "line",
    [
        "MemoryError",
        "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB",
        "tensorflow.python.framework.errors_impl.ResourceExhaustedError: {{function",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
        "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory",
    ],
)
def test_each_framework_says_it_its_own_way(line: str) -> None:
    """The trial would be given up although it could run alone."""
    assert memory.ran_out(f"Traceback (most recent call last):\n  File\n{line}\n")


@pytest.mark.parametrize(
    "message",
    [
        None,
        "",
        "ValueError: the MemoryError example",
        "OSError: no space",
        "ResourceExhaustedError: /x/model.h5; No space left on device",
        "ResourceExhaustedError: /x/model.h5; Disk quota exceeded",
    ],
)
def test_other_errors_are_not_it(message: str | None) -> None:
    """Broken trials would be repeated alone, holding up all others."""
    assert not memory.ran_out(message)


def test_counts_what_the_kernel_killed() -> None:
    """The count would not be found, or not be a number."""
    assert memory.kills() >= 0
    assert memory.kills() == memory.kills()
