"""Which worker of a node has the most memory."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tuner_component.search.parallel.engine import WorkerExited, WorkerStarted
from tuner_component.search.parallel.ray.node.memory_use import MemoryUse

_TAKE = "import sys; held = bytearray({size}); print(flush=True); sys.stdin.read()"
_HAVE_IT_TAKEN = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
)


def _process(code: str) -> Iterator[int]:
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        yield process.pid
        process.communicate()


@pytest.fixture(name="small")
def _small() -> Iterator[int]:
    yield from _process(_TAKE.format(size=0))


@pytest.fixture(name="large")
def _large() -> Iterator[int]:
    """A process that is small, and has started one that is not."""
    take = _TAKE.format(size=64 << 20)
    yield from _process(_HAVE_IT_TAKEN.format(code=take))


def test_the_largest_worker_is_known(small: int, large: int) -> None:
    """A trial would be taken for too large that only ran beside one."""
    use = MemoryUse()
    assert use.largest() == ""
    use.note(WorkerStarted("one", small))
    assert use.largest() == "one"
    use.note(WorkerStarted("two", large))
    use.note(WorkerStarted("three", small))
    assert use.largest() == "two"
    use.note(WorkerExited("two", 0))
    assert use.largest() in ("one", "three")
