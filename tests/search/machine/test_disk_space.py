"""Telling that a disk is full, and who says so."""

import errno
from typing import Any

import pytest
from keras_tuner import errors

from tests.search.conftest import Mount
from tuner_component.search.errors import (
    PortableError,
    SearchFailedError,
    StorageError,
    UserCodeError,
)
from tuner_component.search.machine import disk_space

FULL = OSError(errno.ENOSPC, "No space left on device", "/data/x.h5")


class ResourceExhaustedError(Exception):
    """TensorFlow's, for a full disk and for a want of memory."""


def _raised(error: Exception) -> Exception:
    """What comes out instead."""
    with (
        pytest.raises(Exception) as caught,
        disk_space.needed("trial 3", "/studies/one"),
    ):
        raise error
    return caught.value


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def _in_spite_of(error: Exception, context: Exception) -> Exception:
    """`raise error from None` where another one is handled."""
    error.__context__, error.__suppress_context__ = context, True
    return error


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        OSError(errno.EDQUOT, "the user's quota"),
        OSError("Can't write (errno = 28, error message = 'No space left on device')"),
        ResourceExhaustedError("/data/x; No space left on device"),
        RuntimeError("append failed: Disk quota exceeded"),
        _caused(ValueError("not saved"), _caused(KeyError("x"), FULL)),
        _in_spite_of(errors.FailedTrialError("not saved"), FULL),
    ],
)
def test_a_full_disk_ends_the_search(error: Exception) -> None:
    """KerasTuner would take it for the trial's own failure, and begin the next one."""
    raised = _raised(error)
    assert isinstance(raised, StorageError)
    assert isinstance(raised, errors.FatalError)
    assert raised.__cause__ is error


def test_it_says_what_and_where_and_how_to_go_on() -> None:
    """The user would not know which disk it is, nor that nothing is lost."""
    message = str(_raised(_caused(ValueError("not saved"), FULL)))
    assert message.startswith(
        "Expected trial 3 to find space for its files. Received: OSError: [Errno 28] No "
        "space left on device: '/data/x.h5'. Free some space there, then run the same "
        "search again: it goes on from what was committed in /studies/one."
    )
    assert "ValueError: not saved" in message
    assert __file__ in message


def test_an_error_of_the_study_keeps_its_words() -> None:
    """It would be explained twice over."""
    error = _caused(StorageError("Expected to write /studies/one/journal."), FULL)
    assert str(_raised(error)) == str(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("broken"),
        OSError(errno.EIO, "I/O error"),
        ResourceExhaustedError("OOM when allocating a tensor"),
        StorageError("Expected to read /studies/one."),
        SearchFailedError("The first one failed with: No space left on device"),
        UserCodeError(PortableError("x:Y", "No space left on device")),
    ],
)
def test_other_errors_are_left_alone(error: Exception) -> None:
    """A search would stop at a trial that is broken, or hide why it failed."""
    assert _raised(error) is error


def test_a_chain_may_be_a_circle() -> None:
    """Telling what it is would never end."""
    error: Any = ValueError("one")
    error.__context__ = ValueError("two")
    error.__context__.__context__ = error
    assert _raised(error) is error


def test_space_is_asked_for_before(mount: Mount) -> None:
    """HDF5 would kill the process in the middle of a file that does not fit."""
    disk = str(mount("size=64k"))
    disk_space.require(disk, 64 << 10)
    with pytest.raises(OSError, match="65,536 bytes are free, 65,537 wanted") as raised:
        disk_space.require(disk, (64 << 10) + 1)
    assert raised.value.errno == errno.ENOSPC


def test_what_has_no_answer_is_no_obstacle() -> None:
    """A disk that cannot say how much is free would be taken for full."""
    disk_space.require("/proc", 1 << 60)
    disk_space.require("/there/is/no/such/directory", 1 << 60)
