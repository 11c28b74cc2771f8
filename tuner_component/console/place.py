"""A study that a command looks at, and where the files are that belong to it."""

import dataclasses

from tuner_component.report import log_tails
from tuner_component.report.loading import find, load_study, own_directory
from tuner_component.report.record import StudyRecord
from tuner_component.search.lock import lock
from tuner_component.search.spelling import counted, did_you_mean
from tuner_component.search.storage import files

_REPORT = "report.html"
# Ids in a message.
_NAMED = 10
BEST = "best"
FINISHED, INTERRUPTED = "finished", "interrupted"
OVER = (FINISHED, INTERRUPTED)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a study is.

    Attributes:
        given: What the user named.
        found: The directory of the study, or of its record.
        own: The directory that the search works in; None if only its results are here.
    """

    given: str
    found: str
    own: str | None

    @classmethod
    def of(cls, given: str) -> "Place":
        """Finds the study that a path or URI names.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is something else, or of a newer version.
            StorageError: If it cannot be read.
        """
        found = find(given)
        try:
            own = own_directory(found)[0]
        except FileNotFoundError:
            own = None
        return cls(given, found, own)

    def load(self) -> StudyRecord:
        """Loads what is known of it now."""
        return load_study(self.found)

    def require_own(self) -> str:
        """The directory that the search works in.

        Raises:
            FileNotFoundError: If only its results are here; the message says what to name.
        """
        return self.own or own_directory(self.found)[0]

    @property
    def report(self) -> str | None:
        """The report that was written last, if there is one near."""
        near = [self.found, self.given, files.join(self.given, "results")]
        paths = [files.join(directory, _REPORT) for directory in near]
        return next((path for path in paths if files.exists(path)), None)

    def log(self, trial_id: str) -> str | None:
        """Where the log of a trial is, or would be; None if only results are here."""
        if self.own is None:
            return None
        return log_tails.log_file(self.own, trial_id)

    def holder(self) -> lock.Holder | None:
        """Who works on the study, or was the last to; None if that is not known."""
        return None if self.own is None else lock.holder(self.own)


def standing(study: StudyRecord, holder: lock.Holder | None) -> str:
    """How a search stands.

    Args:
        study: The search, as it was read after the holder.
        holder: Who works on it, or was the last to; None if that is not known.

    Returns:
        "finished", "interrupted" if nobody works on it any more, or else what its study
        says, which is "running".
    """
    if study.status != FINISHED and holder is not None and holder.is_gone:
        return INTERRUPTED
    return study.status


def trial_named(study: StudyRecord, name: str) -> str:
    """The id of the trial that a user means: its id, its number, or "best".

    Raises:
        ValueError: If there is no such trial.
    """
    known = [trial.trial_id for trial in (*study.trials, *study.reruns)]
    if name in known:
        return name
    if name == BEST and study.best is not None:
        return study.best.trial_id
    if name.isdecimal():
        same = [i for i in known if i.isdecimal() and int(i) == int(name)]
        if len(same) == 1:
            return same[0]
    shown = ", ".join(known[:_NAMED])
    if len(known) > _NAMED:
        shown += f", ... {known[-1]} ({counted(len(known), 'trial')})"
    raise ValueError(
        f"Expected TRIAL to be an id, a number or {BEST}: {shown or 'there is no trial'}. "
        f"Received: {name}.{did_you_mean(name, known)}"
    )
