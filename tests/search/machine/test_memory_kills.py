"""Telling whether the kernel has ended processes because memory ran out."""

from tuner_component.search.machine import memory_kills


def test_counts_what_the_kernel_killed() -> None:
    """The count would not be found, or not be a number."""
    assert memory_kills.count() >= 0
    assert memory_kills.count() == memory_kills.count()
