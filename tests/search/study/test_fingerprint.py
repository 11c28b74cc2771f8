"""Which searches are the same study, and what tells two apart."""

import json
from pathlib import Path

from tuner_component.search.study.fingerprint import (
    differences,
    explain_difference,
    study_id,
)


def describe(directory: Path, created: str, **fingerprint: str) -> None:
    directory.mkdir()
    description = {"created": created, "fingerprint": fingerprint}
    (directory / "study.json").write_text(json.dumps(description))


def test_id_depends_on_every_part_and_on_no_order() -> None:
    """Another search would resume this one's study, or this one miss its own."""
    parts = {"data": "1", "module": "2"}
    assert study_id(parts) == study_id({"module": "2", "data": "1"})
    others = [{"data": "2", "module": "1"}, {"data": "1"}, {**parts, "x": ""}]
    assert len({study_id(other) for other in [parts, *others]}) == 4
    assert len(study_id(parts)) == 16


def test_id_is_stable() -> None:
    """An upgrade would begin every study anew."""
    assert study_id({"data": "1", "module": "2"}) == "87815a7a315e024c"


def test_differences_are_told_by_name() -> None:
    """A user would have to guess why a search began anew."""
    long = "0" * 64
    old = {"data": "a", "module": long, "steps": "10", "same": "1"}
    new = {"data": "b", "module": long[:-1] + "1", "splits": "x", "same": "1"}
    assert differences(old, new) == [
        "data (was a, is b)",
        "module",
        "splits (added)",
        "steps (removed)",
    ]


def test_new_study_names_what_changed_since_the_latest(tmp_path: Path) -> None:
    """A search that begins anew would not say why."""
    describe(tmp_path / "a", "2024-01-01", data="1", module="1")
    describe(tmp_path / "b", "2024-02-01", data="1", module="2")
    told = explain_difference(str(tmp_path / "c"), {"data": "1", "module": "3"})
    assert told is not None
    assert "since the study b of 2024-02-01" in told
    assert "module (was 2, is 3)" in told
    # A larger number of trials in the module is a change of the module.
    assert told.endswith("set max_trials: then the study b goes on.")
    told = explain_difference(str(tmp_path / "c"), {"data": "2", "module": "3"})
    assert told is not None
    assert "max_trials" not in told


def test_the_latest_study_is_latest_wherever_it_was_started(tmp_path: Path) -> None:
    """A search would name what changed since some other search."""
    describe(tmp_path / "a", "2024-01-02T14:49:00+0900", data="1", module="1")
    describe(tmp_path / "b", "2024-01-02T05:49:02+0000", data="1", module="2")
    told = explain_difference(str(tmp_path / "c"), {"data": "1", "module": "3"})
    assert told is not None and "since the study b of 2024-01-02T05:49:02" in told


def test_first_study_needs_no_explanation(tmp_path: Path) -> None:
    """The first search would be compared with whatever lies about."""
    (tmp_path / "stray").mkdir()
    (tmp_path / "stray" / "study.json").write_text("{}")
    (tmp_path / "file").write_text("x")
    assert explain_difference(str(tmp_path / "own"), {"data": "2"}) is None
    assert explain_difference(str(tmp_path / "no" / "x"), {"data": "2"}) is None


def test_a_study_that_goes_on_needs_no_explanation(tmp_path: Path) -> None:
    """A search that goes on after another one would be called new."""
    describe(tmp_path / "own", "2024-01-01", data="1")
    describe(tmp_path / "other", "2024-02-01", data="2")
    assert explain_difference(str(tmp_path / "own"), {"data": "1"}) is None
