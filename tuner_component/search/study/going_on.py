"""What a study goes on for, although all of its trials may have ended."""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from tuner_component.search.journal.journal import Journal
from tuner_component.search.options import RetryOptions
from tuner_component.search.storage import files, names
from tuner_component.search.study import description as description_lib
from tuner_component.search.study import retries
from tuner_component.search.study.history import History
from tuner_component.search.study.history_reading import history_of

_log = logging.getLogger(__name__)


class Wanted(NamedTuple):
    """What a finished study may go on for.

    Attributes:
        confirm_top: How many of the best trials are to be run again.
        confirm_seeds: How often each of them is.
        stop_when: By which condition the search may end before all trials were run.
        max_trials: How many trials it is to have; None for as many as it has.
        retry: Which failed trials are to be run again; None for none.
        go_on: Whether a search goes on that somebody has stopped, or that was killed when
            it was to end for that.
    """

    confirm_top: int
    confirm_seeds: int
    stop_when: str | None
    max_trials: int | None
    retry: RetryOptions | None
    go_on: bool = False

    @property
    def asks(self) -> bool:
        """Whether it depends on what happened in a study."""
        some = self.confirm_top or self.max_trials or self.retry
        return bool(some or self.go_on)

    def searches_on(self, history: History) -> bool:
        """Whether trials of the search are to be run, and not only its re-runs."""
        longer = history.falls_short_of(self.max_trials)
        return longer or bool(retries.chosen(history, self.retry))

    def more_than(self, history: History) -> bool:
        """Whether there is something to do where all trials of a search have ended."""
        top, seeds = self.confirm_top, self.confirm_seeds
        return self.searches_on(history) or history.lacks_reruns(top, seeds)

    def reopens(self, description: Mapping[str, Any], history: History) -> bool:
        """Whether a finished study goes on.

        One that somebody has stopped does not by what was wanted before that already:
        re-runs, and retries that its pipeline asks for each time.
        """
        if description_lib.was_stopped(description):
            return self.go_on or history.falls_short_of(self.max_trials)
        return self.more_than(history)


def going_on(
    directory: str, journal: Journal, description: dict[str, Any], wanted: Wanted
) -> dict[str, Any]:
    """The description with which a search goes on, whatever its journal has lost.

    Args:
        directory: The study's directory.
        journal: Its journal, open for writing.
        description: What it says of itself.
        wanted: What it is opened for.
    """
    if journal.missing or not journal.is_right:
        _leave_trainings(directory, history_of(journal, description))
    finished = description_lib.is_finished(description)
    if finished and description_lib.has_lost(
        description, journal.missing, journal.is_right
    ):
        _log.warning(
            "The study %s was finished, and records of it are lost: its search goes on "
            "with what is there, and runs again what is not.",
            directory,
        )
        return description_lib.reopened(description)
    if not finished and wanted.go_on:
        description = _ends_no_more(journal, description)
    if not finished and not description_lib.is_over(description):
        return description
    history = history_of(journal, description)
    if description_lib.was_stopped(description) and wanted.reopens(
        description, history
    ):
        _log.info("The study %s was stopped. Its search goes on.", directory)
        return description_lib.reopened(description, heeded=journal.end.records)
    if wanted.searches_on(history):
        return description_lib.reopened(description)
    if not finished:
        return description
    if description_lib.stays_finished(description, wanted.stop_when):
        _log.info("The study %s is finished. Its best trials are confirmed.", directory)
        return description_lib.reopened(description, is_over=True)
    _log.info(
        "The study %s had ended before all trials were run. Its search goes on.",
        directory,
    )
    return description_lib.reopened(description)


def _ends_no_more(journal: Journal, description: dict[str, Any]) -> dict[str, Any]:
    """The description with which a search does not end that was killed when it was to."""
    asked = history_of(journal, description).asked
    if not asked.ends_search(description_lib.heeded(description)):
        return description
    over, end = description_lib.is_over(description), journal.end.records
    return description_lib.reopened(description, is_over=over, heeded=end)


def _leave_trainings(directory: str, history: History) -> None:
    """Removes the trainings of trials that the journal does not know any more.

    Their ids will be given to other trials, which must not continue them.
    """
    unfinished = (*history.unfinished(), *history.unfinished_reruns())
    known = {names.component(trial_id) for trial_id in unfinished}
    trials = files.join(directory, "trials")
    for name in files.list_names(trials):
        if name not in known:
            files.remove_tree(files.join(trials, name, "training"))
