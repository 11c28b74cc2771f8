"""Runs pieces of a search in processes that may be killed anywhere."""

import os
import signal
import traceback
from collections.abc import Callable

from tuner_component.search import faults


def run(work: Callable[[], object], fault: str | None = None) -> bool:
    """Runs `work` in a child made by fork, so that nothing need be imported anew.

    Args:
        work: What the child does.
        fault: `<point>[:<n>]`, where the child shall be killed.

    Returns:
        Whether the child ended by itself; False if the fault killed it.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if fault is not None:
                os.environ[faults.VARIABLE] = fault
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - the parent asserts on it
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, "the child raised; see its traceback"
    return True
