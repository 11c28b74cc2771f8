"""What `study.json` says is believed only if it is whole and of this search."""

import json
from pathlib import Path

import pytest

from tuner_component.search.errors import StudyMismatchError, StudyVersionError
from tuner_component.search.journal.journal_end import End
from tuner_component.search.study import description

PARTS = {"data": "1", "module": "2"}


def test_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A study would be another one when it is opened again."""
    written = description.new(PARTS, seed=3)
    description.write(description.file_of(str(tmp_path)), written)
    read = description.read(str(tmp_path), PARTS)
    assert read == written
    assert read is not None and not description.is_finished(read)
    assert (read["seed"], read["fingerprint"]) == (3, PARTS)


def test_finished_search_says_so(tmp_path: Path) -> None:
    """A finished search would be extended by accident."""
    end = End(7, "abc")
    finished = description.finished(description.new(PARTS, 3), end, [(2, 3)], ["0"])
    description.write(description.file_of(str(tmp_path)), finished)
    read = description.read(str(tmp_path), PARTS)
    assert read is not None and description.is_finished(read)
    assert read["seed"] == 3
    assert description.journal_end(read) == end
    assert description.completed(read) == ["0"]


@pytest.mark.parametrize(
    ("missing", "is_right", "lost"),
    [
        ([], True, False),
        ([(2, 3)], True, False),
        ([(2, 3), (7, 7)], True, True),
        ([], False, True),
    ],
)
def test_only_what_was_lost_since_it_was_finished_opens_a_study_again(
    missing: list[tuple[int, int]], is_right: bool, lost: bool
) -> None:
    """A search would go on at each run for ever, or never after a loss."""
    new = description.new(PARTS, 3)
    finished = description.finished(new, End(7, "abc"), [(2, 3)])
    assert description.has_lost(finished, missing, is_right) == lost
    again = description.reopened(finished)
    assert again == new and description.journal_end(again) is None


def test_missing_description_is_none(tmp_path: Path) -> None:
    """No study could be created."""
    assert description.read(str(tmp_path), PARTS) is None


def described(**changes: object) -> bytes:
    """A description of an earlier release, which has no checksum, with other fields."""
    content = {**description.new(PARTS, seed=3), **changes}
    return json.dumps({k: v for k, v in content.items() if v is not ...}).encode()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"{}", b"\0" * 9, b"[" * 100_000, b"9" * 5000),
        *(described(**{key: ...}) for key in ("format", "id", "seed", "status")),
        *(described(fingerprint=...), described(fingerprint={"data": 1})),
        *(described(format=1e999), described(format="1"), described(format=True)),
        *(described(seed="3"), described(seed=3.5), described(status="done")),
        *(described(id=[]), described(id="../../victim"), described(versions=[])),
    ],
)
def test_damaged_description_is_none(tmp_path: Path, content: bytes) -> None:
    """A torn description would be trusted, or block the study."""
    path = tmp_path / "study.json"
    path.write_bytes(content)
    assert description.read(str(tmp_path), PARTS) is None
    assert path.read_bytes() == content


def test_description_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    """Every study would count as damaged after an upgrade."""
    (tmp_path / "study.json").write_bytes(described(of_a_later_release=1))
    read = description.read(str(tmp_path), PARTS)
    assert read is not None and (read["seed"], read["of_a_later_release"]) == (3, 1)


@pytest.mark.parametrize("key", ["seed", "status", "created", "versions"])
def test_changed_description_is_damaged(
    tmp_path: Path, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A search would go on with other random numbers, or count as finished."""
    description.write(
        description.file_of(str(tmp_path)), description.new(PARTS, seed=3)
    )
    path = tmp_path / "study.json"
    values = {"seed": 4, "status": "finished", "created": "2020", "versions": {}}
    content = {**json.loads(path.read_text()), key: values[key]}
    path.write_text(json.dumps(content))
    assert description.read(str(tmp_path), PARTS) is None
    assert "was changed since it was written" in caplog.text


def test_description_of_another_search_is_refused(tmp_path: Path) -> None:
    """Trials of two searches would be mixed."""
    description.write(description.file_of(str(tmp_path)), description.new(PARTS, 3))
    with pytest.raises(StudyMismatchError, match=r"module \(was 2, is 3\)"):
        description.read(str(tmp_path), {**PARTS, "module": "3"})


def test_description_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    """An old release would garble what a new one wrote."""
    newer = {**description.new(PARTS, 3), "format": description.FORMAT_VERSION + 1}
    (tmp_path / "study.json").write_text(json.dumps(newer))
    with pytest.raises(StudyVersionError, match="Upgrade"):
        description.read(str(tmp_path), PARTS)
