"""What must hold for a toy search, however often it was killed."""

import collections

from tests.support import scripts
from tuner_component.search.journal.journal import Journal
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.storage import files
from tuner_component.search.study.fingerprint import study_id


def check(
    script: scripts.Script, study: str, result: SearchResult, repeated_at_most: int
) -> None:
    """No trial is lost or counted twice, the best one is right, little was repeated."""
    ids = sorted(int(trial["trial_id"]) for trial in result.completed)
    assert ids == list(range(script.trials))
    assert not result.failed and not result.unfinished
    assert result.completed[0]["score"] == 0.0  # The toy's trial 0 is the best.
    assert set(times_ended(study).values()) == {1}
    started = sum(scripts.attempts(script).values())
    assert started - script.trials <= repeated_at_most


def under_way(script: scripts.Script, study: str) -> set[int]:
    """The trials that have started, and whose ends are not durable."""
    return set(scripts.attempts(script)) - {int(trial) for trial in times_ended(study)}


def times_ended(study: str) -> dict[str, int]:
    """How often the journal records the end of each trial."""
    journal = Journal(
        files.join(study, "journal"), study_id(scripts.FINGERPRINT), read_only=True
    )
    return collections.Counter(
        record["trial"] for record in journal.records() if record["kind"] == "ended"
    )
