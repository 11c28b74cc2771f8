"""Errors on their way to the process that wants the result."""

import pickle

import keras_tuner
import pytest

from tuner_component.search import errors
from tuner_component.search.errors import SearchFailedError, StudyLockedError
from tuner_component.search.oracle import decisions


class UserError(Exception):
    """Known only to the process that raises it."""


def _sent(error: Exception) -> Exception:
    try:
        raise error
    except Exception as raised:  # noqa: BLE001
        sent = errors.portable(raised, "tuner_fn")
    return errors.rebuild(pickle.loads(pickle.dumps(sent)))


def test_own_errors_arrive_as_they_are() -> None:
    """A caller could not tell a locked study from a failed search."""
    arrived = _sent(StudyLockedError("Expected A. Received: B."))
    assert type(arrived) is StudyLockedError
    assert str(arrived) == "Expected A. Received: B."


def test_the_first_traceback_arrives() -> None:
    """The reason of a failed search would be lost on the way."""
    arrived = _sent(SearchFailedError("message", "first", 7))
    assert isinstance(arrived, SearchFailedError)
    assert (arrived.first_traceback, arrived.failed_trials) == ("first", 7)


def test_built_in_errors_keep_their_type_and_show_where() -> None:
    """A TypeError in process would be something else in parallel."""
    arrived = _sent(TypeError("Expected a tuner."))
    assert type(arrived) is TypeError
    assert str(arrived).startswith("Expected a tuner.\nIt was raised in tuner_fn")
    assert "test_errors.py" in str(arrived)


def test_what_our_own_code_expects_needs_no_traceback() -> None:
    """People would look through our modules for what they can mend in theirs."""
    oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=1)
    with pytest.raises(ValueError, match="stop_when") as raised:
        decisions.end_when(oracle, "converged")
    # As in the driver, where all code is ours.
    error = raised.value.with_traceback(raised.tb.tb_next)
    sent = errors.portable(error, "the search's driver")
    assert str(errors.rebuild(sent)) == str(error)


def test_errors_of_user_classes_need_no_user_code() -> None:
    """The pipeline's process would have to import the user's module."""
    arrived = _sent(UserError("no such file"))
    assert type(arrived) is SearchFailedError
    assert "UserError('no such file')" in str(arrived)


def test_errors_that_take_more_than_a_message() -> None:
    """Rebuilding the error would raise another one."""
    arrived = _sent(UnicodeDecodeError("utf-8", b"x", 0, 1, "broken"))
    assert "broken" in str(arrived)


def test_user_code_is_named() -> None:
    """It would not be known what was going on when it happened."""
    with (
        pytest.raises(errors.UserCodeError, match="tuner.search"),
        errors.user_code("tuner.search"),
    ):
        raise UserError


def test_missing_key_is_shown_with_its_lines() -> None:
    """A misspelled hyperparameter would be a line of 2,000 characters."""
    sent = errors.portable(KeyError("unitz does not exist."), "tuner_fn")
    error = errors.rebuild(sent)
    assert isinstance(error, KeyError)
    assert str(error).startswith("unitz does not exist.\nIt was raised in tuner_fn.")


def test_a_chain_has_all_that_an_error_goes_back_to() -> None:
    """What says that memory or the disk is full may be deep in a library."""
    first, second, third = KeyError(), TypeError(), ValueError()
    first.__context__ = third  # Libraries that re-raise make circles.
    second.__context__ = first
    third.__cause__ = second
    assert set(errors.chain(third)) == {first, second, third}
    assert next(errors.chain(third)) is third


@pytest.mark.parametrize(
    "path", ["builtins:exit", "builtins:exec", "builtins.x:y", ":"]
)
def test_what_is_no_error_is_not_called(path: str) -> None:
    """A worker could have the pipeline's process do what it likes, or end it."""
    error = errors.rebuild(errors.PortableError(path, "raise SystemExit"))
    assert type(error) is errors.SearchError and str(error) == "raise SystemExit"
