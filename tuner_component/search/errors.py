"""What can go wrong with a search as a whole, as exceptions a caller can tell apart.

Also how such an error gets from the process where it is raised to the one that wants the
result.
"""

import builtins
import contextlib
import dataclasses
import importlib
import os
import traceback
from collections.abc import Iterator

_OWN = "tuner_component"
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Exceptions that mean the same to the process that wants the result as they did here.
_SHARED = (_OWN, "keras_tuner", builtins.__name__)


class SearchError(RuntimeError):
    """Base of every error that the search engine raises on purpose."""


class StorageError(SearchError):
    """A file of the study could not be read or written.

    What was committed before is still there: once the cause is mended, running the same
    search again goes on from it.
    """


class StudyVersionError(SearchError):
    """The study was written by a newer release. Nothing in it was touched."""


class StudyMismatchError(SearchError):
    """The directory holds the study of another search. Nothing in it was touched."""


class UnknownTrialError(SearchError):
    """Someone named a trial that the search does not have; the search is none the worse."""


class StudyLockedError(SearchError):
    """Another driver holds the study, or took it over from this one."""


class SearchFailedError(SearchError):
    """The search stopped because its trials fail.

    Attributes:
        first_traceback: Message or traceback of the first trial that failed, None where
            it left none.
        failed_trials: How many trials of the study have failed.
    """

    def __init__(
        self, message: str, first_traceback: str | None = None, failed_trials: int = 0
    ) -> None:
        super().__init__(message)
        self.first_traceback = first_traceback
        self.failed_trials = failed_trials


class SearchInterruptedError(SearchError):
    """The search was stopped before its end; the message says how to go on.

    Every trial that had completed is kept: running the same search again, with the
    same study directory, goes on where this one stopped.
    """


class SearchStoppedError(SearchInterruptedError):
    """The search was told to stop: by a signal, or by whoever started it."""


def how_to_go_on(study_directory: str) -> str:
    """What to tell the user whose search was interrupted."""
    return (
        f"All completed trials are kept in {study_directory}: run the same search again "
        "to go on from there."
    )


class PreflightError(SearchError):
    """What would fail every trial was found before the first one."""


class NoModelError(SearchError, ValueError):
    """There is no model of the best trial; what else the search found is there."""


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, and all that it was raised from or in the handling of."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        link = pending.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            pending += [link.__context__, link.__cause__]


# Errors on their way to the process that wants the result.


@dataclasses.dataclass(frozen=True)
class PortableError:
    """An error that ends the search, on its way to another process.

    Exceptions themselves cannot be sent: the other process would have to import the
    user's module to receive one of its classes.

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

    def __init__(self, error: PortableError) -> None:
        super().__init__(error.message)
        self.portable = error


@contextlib.contextmanager
def user_code(stage: str) -> Iterator[None]:
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
        raise UserCodeError(portable(error, stage)) from error


def portable(error: BaseException, stage: str) -> PortableError:
    """Describes an exception for the process that wants the result.

    Args:
        error: The exception.
        stage: What raised it.
    """
    kind = type(error)
    package = kind.__module__.partition(".")[0]
    path = f"{kind.__module__}:{kind.__qualname__}"
    if package == _OWN:
        return PortableError(
            path,
            str(error),
            getattr(error, "first_traceback", None),
            getattr(error, "failed_trials", 0),
        )
    text = "".join(traceback.format_exception(error)).rstrip()
    if package in _SHARED:
        said = error.args[0] if type(error) is KeyError and error.args else error
        if _is_of_own_code(error):
            return PortableError(path, str(said))
        message = f"{said}\nIt was raised in {stage}. Its traceback:\n{text}"
        return PortableError(path, message)
    return PortableError(
        f"{SearchFailedError.__module__}:{SearchFailedError.__qualname__}",
        f"Expected {stage} to run without errors outside of trials. Received: "
        f"{error!r}. Its traceback:\n{text}",
    )


def _is_of_own_code(error: BaseException) -> bool:
    """Whether it says what was expected, and no code but ours had to do with it.

    A traceback would tell people nothing that they can mend.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = f"{_PACKAGE}{os.sep}"
    is_said = str(error).startswith("Expected ") and error.__cause__ is None
    return is_said and all(frame.filename.startswith(own) for frame in frames)


class MissingKeyError(KeyError):
    """A `KeyError` from elsewhere, which shows what it says as it is.

    The built-in one shows its source text: no lines, but backslashes.
    """

    def __str__(self) -> str:
        return str(self.args[0])


def rebuild(sent: PortableError) -> Exception:
    """The exception that was sent, as far as this process knows its class."""
    module, _, name = sent.type_path.partition(":")
    if module.partition(".")[0] not in _SHARED:
        return SearchError(sent.message)
    try:
        kind = getattr(importlib.import_module(module), name, SearchError)
    except ImportError:
        return SearchError(sent.message)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return SearchError(sent.message)
    if kind is SearchFailedError:
        return SearchFailedError(sent.message, sent.first_traceback, sent.failed_trials)
    if kind is KeyError:
        return MissingKeyError(sent.message)
    try:
        error = kind(sent.message)
    except TypeError:  # It takes more than a message.
        return SearchError(sent.message)
    return error
