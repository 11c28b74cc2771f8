"""Telling what the user's code raises to the process that wants the result."""

import builtins
import contextlib
import dataclasses
import importlib
import traceback
from collections.abc import Iterator

from tuner_component.search.errors import SearchError, SearchFailedError

_OWN = "tuner_component"
# Exceptions that mean the same to whoever wants the result as they did here.
_SHARED = (_OWN, "keras_tuner", builtins.__name__)


@dataclasses.dataclass(frozen=True)
class ErrorReport:
    """An error that ends the search.

    Attributes:
        type_path: `module:name` of the exception's class.
        message: What it says, with the traceback of the user's code.
        first_traceback: That of the first trial that failed, if trials did.
        failed_trials: How many trials failed.
    """

    type_path: str
    message: str
    first_traceback: str | None = None
    failed_trials: int = 0


class UserCodeError(Exception):
    """The user's code raised outside of a trial: the search cannot go on."""

    def __init__(self, report: ErrorReport) -> None:
        super().__init__(report.message)
        self.report = report


@contextlib.contextmanager
def reported(stage: str) -> Iterator[None]:
    """Turns exceptions into a `UserCodeError`.

    Args:
        stage: What is going on, for the message.

    Raises:
        UserCodeError: If the code within raises.
    """
    try:
        yield
    except UserCodeError:
        raise  # A part of the stage has a name of its own.
    except Exception as error:
        raise UserCodeError(describe(error, stage)) from error


def describe(error: BaseException, stage: str) -> ErrorReport:
    """Describes an exception for the process that wants the result.

    Args:
        error: The exception.
        stage: What raised it.
    """
    kind = type(error)
    package = kind.__module__.partition(".")[0]
    path = f"{kind.__module__}:{kind.__qualname__}"
    if package == _OWN:
        return ErrorReport(
            path,
            str(error),
            getattr(error, "first_traceback", None),
            getattr(error, "failed_trials", 0),
        )
    text = "".join(traceback.format_exception(error)).rstrip()
    if package in _SHARED:
        message = f"{error}\nIt was raised in {stage}. Its traceback:\n{text}"
        return ErrorReport(path, message)
    return ErrorReport(
        f"{SearchFailedError.__module__}:{SearchFailedError.__qualname__}",
        f"Expected {stage} to run without errors outside of trials. Received: "
        f"{error!r}. Its traceback:\n{text}",
    )


def rebuild(report: ErrorReport) -> Exception:
    """The exception that a report describes."""
    module, _, name = report.type_path.partition(":")
    if module.partition(".")[0] not in _SHARED:
        return SearchError(report.message)
    kind = getattr(importlib.import_module(module), name, SearchError)
    if kind is SearchFailedError:
        return SearchFailedError(
            report.message, report.first_traceback, report.failed_trials
        )
    try:
        error = kind(report.message)
    except TypeError:  # It takes more than a message.
        return SearchError(report.message)
    return error if isinstance(error, Exception) else SearchError(report.message)
