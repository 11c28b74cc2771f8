"""Damage to the files of a search is healed or said, whatever reads them.

The long form, with all kinds of journals: `python -m benchmarks.corruption`.
"""

import collections
import os
from pathlib import Path

import pytest

from benchmarks import corruption, fuzzed_studies
from benchmarks.corruption import Seen
from benchmarks.fuzzed_studies import Original
from tuner_component.search.storage import local_files

MUTATIONS = 100
SCORES = {"0": 0.5, "1": 0.25}
VALUES = {"0": {"x": 0.3, "y": 0.5, "units": 0}, "1": {"x": 0.3, "y": 0.25, "units": 0}}
NEW = {"x": 0.3, "y": 0.125, "units": 0}
ORIGINAL = Original("a study", Path("/"), (), "min", SCORES, VALUES, frozenset({"2"}))


def seen(**changes: object) -> Seen:
    whole = {"scores": SCORES, "failed": frozenset({"2"}), "best": 0.25}
    return Seen(**{**whole, **changes})  # type: ignore[arg-type]


def test_no_damage_goes_unsaid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result would be lost, or another be the best, and nobody knew."""
    # No power is lost here, and most of the time would be spent on waiting for the disk.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(local_files, "_sync_data", lambda _: None)
    answers: collections.Counter[str] = collections.Counter()
    for verdict in corruption.fuzz(tmp_path, range(MUTATIONS), forms=("appended",)):
        assert verdict.answer not in corruption.FAULTS, str(verdict)
        answers[verdict.answer] += 1
    # Without each of these it would have damaged too little, or too much.
    assert min(answers[answer] for answer in ("right", "said", "refused")) > 10


@pytest.mark.parametrize(
    ("answer", "said", "expected"),
    [
        (seen(), False, "right"),
        (seen(scores={"1": 0.25}), False, "silent_loss"),
        (seen(scores={"1": 0.25}), True, "said"),
        (seen(scores={"0": 0.5}, best=0.5), False, "wrong_best"),
        (seen(scores={"0": 0.5}, best=0.5), True, "said"),
        (seen(best=0.5), True, "wrong_best"),
        (seen(best=None), False, "silent_loss"),
        (seen(scores={"0": 0.5, "1": 0.125}, best=0.125), True, "wrong_best"),
        (seen(failed=frozenset()), False, "silent_loss"),
        (seen(seed=fuzzed_studies.SEED + 1), False, "silent_loss"),
        (
            seen(
                scores={**SCORES, "3": 0.125},
                values={**VALUES, "3": NEW},
                best=0.125,
                goes_on=True,
            ),
            False,
            "right",
        ),
        (seen(values={"0": NEW}), True, "wrong_best"),
    ],
)
def test_what_is_wrong_counts(answer: Seen, said: bool, expected: str) -> None:
    """The benchmark would find nothing, whatever there is."""
    assert corruption.judge(ORIGINAL, answer, said) == expected
