"""Telling whether an exception goes back to memory that ran out."""

from tuner_component.search.errors import chain
from tuner_component.search.machine import disk_space

# The classes of the frameworks' exceptions. Not the classes themselves: a framework that
# is not in use must not be imported. (NumPy's is a MemoryError.)
_TYPES = ("OutOfMemoryError", "ResourceExhaustedError")
# JAX, and PyTorch where a library of CUDA fails, raise one class for all kinds of errors.
_SAID = ("RESOURCE_EXHAUSTED", "CUDA out of memory")


def ran_out(error: BaseException) -> bool:
    """Whether an exception goes back to memory that had run out."""
    links = list(chain(error))
    # TensorFlow calls a full disk an exhausted resource, too.
    if any(disk_space.is_told_in(str(link)) for link in links):
        return False
    return any(map(_says_so, links))


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    names = {kind.__name__ for kind in type(error).__mro__}
    return not names.isdisjoint(_TYPES) or any(said in str(error) for said in _SAID)
