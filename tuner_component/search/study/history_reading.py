"""Reading the history of a study from its files, and what is known to be missing of it."""

from collections.abc import Mapping
from typing import Any

from tuner_component.search.journal.journal import Journal
from tuner_component.search.storage import files
from tuner_component.search.study import description as description_lib
from tuner_component.search.study.history import History

# Ids in one message.
_NAMED = 20


def read_history(
    directory: str, study_id: str, description: Mapping[str, Any] | None = None
) -> History:
    """Reads what happened in a study, without a lock and without touching anything.

    Args:
        directory: The study's directory; a search may be running on it.
        study_id: The study's id.
        description: What the study's `study.json` says, if it is known: that of a
            finished study tells what its journal must have.
    """
    described = description or {}
    path = files.join(directory, "journal")
    journal = Journal(
        path,
        study_id,
        read_only=True,
        end=description_lib.journal_end(described),
        gone_without=description_lib.gone_without(described),
    )
    return history_of(journal, described)


def history_of(journal: Journal, description: Mapping[str, Any]) -> History:
    """What a journal tells, and what it should tell and does not.

    Args:
        journal: As it was opened.
        description: What the study's `study.json` says.
    """
    history = History.of(journal.records())
    gone_without = description_lib.gone_without(description)
    for first, last in journal.missing:
        told = f"Records {first} to {last} of the journal are lost"
        if (first, last) in gone_without:
            told += "; the search ran again what was missing"
        history.losses.append(f"{told}.")
    if not journal.is_right:
        history.losses.append(
            "Some records of the journal are not those of this study."
        )
    if description_lib.is_finished(description):
        history.goes_on = description_lib.has_lost(
            description, journal.missing, journal.is_right
        )
        every = (*history.trials.items(), *history.reruns.items())
        known = {i for i, t in every if t.ended is not None}
        gone = [i for i in description_lib.completed(description) if i not in known]
        if gone:
            history.lose(
                f"{len(gone)} trials completed, and their results are lost: "
                f"{', '.join(gone[:_NAMED])}{', ...' if len(gone) > _NAMED else ''}."
            )
    return history
