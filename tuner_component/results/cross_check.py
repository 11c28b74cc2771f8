"""Whether a table of trials says what the record beside it says.

The table has the format of stock's Tuner, where there is no room for a checksum. The
record of the search, which is published beside it, has one.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tuner_component.documents import decoding, seal
from tuner_component.documents.decoding import DecodingError

RECORD_FILE = "study.json"
TABLE_FILE = "tuner_results.json"
_KIND = "tuner_component.study"
_COMPLETED = "COMPLETED"


class _Trial(msgspec.Struct):
    """What a record tells of a trial, as far as a table does."""

    trial_id: str
    status: str
    hyperparameters: dict[str, Any]
    score: Any = None


class _Row(msgspec.Struct):
    """What a table tells of a trial, besides its hyperparameters."""

    trial_id: str | int
    score: float


class _Record(msgspec.Struct):
    """What is compared of a record."""

    kind: str
    trials: list[_Trial]


def differing(
    rows: Mapping[str, tuple[float, Mapping[str, Any]]], record: bytes
) -> list[str]:
    """Ids of trials of which the record says something else than the table.

    Args:
        rows: Scores and hyperparameters by the trials' ids.
        record: The content of the record's file. One that shows that it was changed
            itself, or that has no checksum, says nothing.

    Returns:
        The ids, sorted; also of trials that only one of both has.
    """
    try:
        content = decoding.decode(record, dict[str, Any])
        told = decoding.check(content, _Record)
    except DecodingError:
        return []
    is_sound = seal.is_sealed(content) and seal.is_intact(content)
    if told.kind != _KIND or not is_sound:
        return []
    # The table leaves trials out that have no hyperparameters.
    known = {
        trial.trial_id: (trial.score, trial.hyperparameters)
        for trial in told.trials
        if trial.status == _COMPLETED and trial.hyperparameters
    }
    ids = known.keys() | rows.keys()
    return sorted(i for i in ids if not _agree(known.get(i), rows.get(i)))


def differing_scores(scores: Mapping[str, float | None], table: bytes) -> list[str]:
    """Ids of trials of which a table says something else than a record.

    Args:
        scores: Those that the record has of completed trials, by their ids.
        table: The content of the table's file. What is no table says nothing.

    Returns:
        The ids, sorted, of trials with another score, or that only the table has.
    """
    try:
        rows = decoding.decode(table, list[_Row])
    except DecodingError:
        return []
    told = {str(row.trial_id): row.score for row in rows}
    return sorted(i for i, score in told.items() if scores.get(i) != score)


def _agree(
    known: tuple[Any, Mapping[str, Any]] | None,
    told: tuple[float, Mapping[str, Any]] | None,
) -> bool:
    if known is None or told is None or known[0] != told[0]:
        return False
    return known[1].keys() == told[1].keys() and all(
        _same(value, told[1][name]) for name, value in known[1].items()
    )


def _same(known: Any, told: Any) -> bool:
    # What JSON has no word for is an object in the record only.
    return isinstance(known, dict) or (known == told and type(known) is type(told))
