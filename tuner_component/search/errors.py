"""What can go wrong with a search as a whole, as exceptions a caller can tell apart."""

from collections.abc import Iterator


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


def how_to_go_on(study_directory: str) -> str:
    """What to tell somebody whose search was interrupted."""
    return (
        f"All completed trials are kept in {study_directory}: run the same search again "
        "to go on from there."
    )


class PreflightError(SearchError):
    """What would fail every trial was found before the first one."""


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
