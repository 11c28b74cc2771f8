"""A study is created, gone on with, finished, and never mixed up."""

import contextlib
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.search.conftest import Mount
from tests.support import crashes, damage, studies
from tuner_component.search.errors import (
    StorageError,
    StudyLockedError,
    StudyVersionError,
)
from tuner_component.search.journal.journal import Journal
from tuner_component.search.study.fingerprint import study_id
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.study import Study, StudyState

PARTS = {"data": "1", "module": "2"}


def change(directory: Path, **changes: Any) -> None:
    path = directory / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def everything(directory: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_new_study_has_its_layout(tmp_path: Path) -> None:
    """Logs, checkpoints or the user's files would have no place."""
    directory = tmp_path / "deep" / "study"
    with Study.open(str(directory), PARTS) as study:
        assert study.found is StudyState.NEW
        assert study.workdir == str(directory / "workdir")
        assert Path(study.workdir).is_dir()
    assert {p.name for p in directory.iterdir()} == {
        "journal",
        "journal.end",
        "lock",
        "study.json",
        "trials",
        "workdir",
    }


def test_description_tells_what_the_study_is(tmp_path: Path) -> None:
    """A person with a directory in hand could not tell what it is."""
    with Study.open(str(tmp_path), PARTS, seed=5) as study:
        told = json.loads((tmp_path / "study.json").read_text())
        assert told["id"] == study.id
        assert told["fingerprint"] == PARTS
        assert told["seed"] == 5
        assert told["status"] == "running"
        assert {"tuner_component", "python", "keras", "keras-tuner"} <= set(
            told["versions"]
        )


def test_seed_is_drawn_once_and_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Trials after a resume would be seeded differently."""
    with Study.open(str(tmp_path / "a"), PARTS) as study:
        seed = study.seed
    with Study.open(str(tmp_path / "a"), PARTS) as study:
        assert study.found is StudyState.RESUMED
        assert study.seed == seed
    with Study.open(str(tmp_path / "a"), PARTS, seed=seed + 1) as study:
        assert study.seed == seed
    assert f"its own seed {seed}" in caplog.text
    with Study.open(str(tmp_path / "b"), PARTS) as study:
        assert study.seed != seed
        assert 0 <= study.seed < 2**31


def unseal(directory: Path) -> None:
    """Makes the description one of an earlier release."""
    path = directory / "study.json"
    content = json.loads(path.read_text())
    content.pop("sha256", None)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("release", ["this", "an earlier one"])
@pytest.mark.parametrize("finished", [False, True])
def test_changed_seed_is_not_believed(
    tmp_path: Path, release: str, finished: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A search would go on with other weights and other suggestions than it began with."""
    with Study.open(str(tmp_path), PARTS, seed=5) as study:
        study.commit()
        if finished:
            study.mark_finished()
    if release != "this":
        unseal(tmp_path)
    change(tmp_path, seed=6)
    with Study.open(str(tmp_path), PARTS) as study:
        assert study.seed == 5
    assert caplog.messages
    caplog.clear()
    if not study.is_finished:  # What is on disk is right again.
        with Study.open(str(tmp_path), PARTS) as study:
            assert study.seed == 5
        assert not caplog.messages


def test_lost_seed_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody would know why the same study suggests other trials than before."""
    with Study.open(str(tmp_path), PARTS, seed=5) as study:
        study.commit()
        study.journal.append({"kind": "opened"})
        study.commit()
    damage.lose_commits(damage.segment_of(tmp_path), range(1))
    (tmp_path / "study.json").unlink()
    with Study.open(str(tmp_path), PARTS, seed=6) as study:
        assert (study.found, study.seed) == (StudyState.RESUMED, 6)
    assert "The seed of the study" in caplog.text and "is lost" in caplog.text


@pytest.mark.parametrize("point", ["study.create.before", "study.create.after"])
def test_crash_while_creating_is_harmless(tmp_path: Path, point: str) -> None:
    """A crash in the first moment would leave a study that cannot be opened."""
    assert not crashes.run(lambda: Study.open(str(tmp_path), PARTS, 3), point)
    with Study.open(str(tmp_path), PARTS, 3) as study:
        assert study.seed == 3


@pytest.mark.parametrize(
    ("point", "state"),
    [
        ("study.finish.before", StudyState.RESUMED),
        ("study.finish.after", StudyState.FINISHED),
    ],
)
def test_crash_while_finishing_is_harmless(
    tmp_path: Path, point: str, state: StudyState
) -> None:
    """A finished study would be damaged by its very end."""
    assert not crashes.run(
        lambda: Study.open(str(tmp_path), PARTS).mark_finished(), point
    )
    with Study.open(str(tmp_path), PARTS) as study:
        assert study.found is state


def test_how_a_study_was_found_is_not_how_it_ends(tmp_path: Path) -> None:
    """A new search that has ended would be reported as one that ran no trial."""
    with Study.open(str(tmp_path), PARTS) as study:
        assert not study.is_finished
        study.mark_finished()
        assert study.is_finished
        assert study.found is StudyState.NEW


def test_finished_study_needs_no_lock(tmp_path: Path) -> None:
    """Only one could look at a finished study at a time."""
    with Study.open(str(tmp_path), PARTS) as study:
        study.mark_finished()
        study.mark_finished()
        with Study.open(str(tmp_path), PARTS) as other:
            assert other.found is StudyState.FINISHED and other.is_finished


@pytest.mark.parametrize("stop_when", [None, "bored"])
def test_a_study_that_ended_early_goes_on_without_that(
    tmp_path: Path, stop_when: str | None
) -> None:
    """A search that its user wants to go on would have to begin anew."""
    with Study.open(str(tmp_path), PARTS, stop_when="converged") as study:
        end(study, 0)
        study.mark_finished(["0"], "converged")
    with Study.open(str(tmp_path), PARTS, stop_when="converged") as study:
        assert study.is_finished
    with Study.open(str(tmp_path), PARTS, stop_when=stop_when) as study:
        assert study.found is StudyState.RESUMED and not study.is_finished
        study.mark_finished(["0"])
    with Study.open(str(tmp_path), PARTS, stop_when="converged") as study:
        assert study.is_finished  # It has all trials now.


def test_a_finished_study_goes_on_for_more_trials(tmp_path: Path) -> None:
    """More trials would be a new search; or each run would open the study again."""

    def begin(study: Study, max_trials: int) -> None:
        study.journal.append({"kind": "opened", "max_trials": max_trials, "time": 1.0})

    with Study.open(str(tmp_path), PARTS) as study:
        begin(study, 10)
        end(study, 0)
        study.mark_finished(["0"])
    for wanted in (None, 1, 10):
        with Study.open(str(tmp_path), PARTS, max_trials=wanted) as study:
            assert study.is_finished
    with Study.open(str(tmp_path), PARTS, max_trials=11) as study:
        assert study.found is StudyState.RESUMED and not study.is_finished
        begin(study, 11)
        study.mark_finished(["0"])
    with Study.open(str(tmp_path), PARTS, max_trials=11) as study:
        assert study.is_finished


def test_more_trials_come_before_what_is_confirmed(tmp_path: Path) -> None:
    """A search of which only re-runs were to come would get no further trial."""
    with Study.open(str(tmp_path), PARTS) as study:
        for record in (studies.created("0"), studies.ended("0")):
            study.journal.append(record)
        study.mark_finished(["0"])
    with Study.open(str(tmp_path), PARTS, confirm_top=1) as study:
        assert study.search_is_over
    with Study.open(str(tmp_path), PARTS, confirm_top=1, max_trials=5) as study:
        assert not study.search_is_over and not study.is_finished


def test_what_ended_a_study_early_is_known_while_its_best_are_confirmed(
    tmp_path: Path,
) -> None:
    """Confirmed in two runs, it would count as one that had all of its trials."""
    with Study.open(str(tmp_path), PARTS, stop_when="converged") as study:
        for record in (studies.created("0"), studies.ended("0")):
            study.journal.append(record)
        study.mark_finished(["0"], "converged")
    with Study.open(
        str(tmp_path), PARTS, confirm_top=1, stop_when="converged"
    ) as study:
        assert study.search_is_over and not study.is_finished
    with Study.open(str(tmp_path), PARTS, confirm_top=1) as study:
        assert study.search_is_over
        study.mark_finished(["0"])
    with Study.open(str(tmp_path), PARTS, stop_when="converged") as study:
        assert study.is_finished
    with Study.open(str(tmp_path), PARTS) as study:
        assert not study.is_finished and not study.search_is_over


def test_finished_study_on_a_read_only_filesystem_is_read(mount: Mount) -> None:
    """An archived study could not be looked at."""
    directory = mount("size=1m")
    with Study.open(str(directory), PARTS) as study:
        study.mark_finished()
    remount(directory)
    assert Study.open(str(directory), PARTS).found is StudyState.FINISHED


def test_running_study_on_a_read_only_filesystem_is_explained(mount: Mount) -> None:
    """A user would not be told to choose another directory."""
    directory = mount("size=1m")
    Study.open(str(directory), PARTS).close()
    before = everything(directory)
    remount(directory)
    with pytest.raises(StorageError, match="choose another study directory"):
        Study.open(str(directory), PARTS)
    assert everything(directory) == before


def remount(directory: Path) -> None:
    import subprocess

    subprocess.run(["mount", "-o", "remount,ro", str(directory)], check=True)


def test_study_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """An old release would garble what a new one wrote."""
    Study.open(str(tmp_path), PARTS).close()
    change(tmp_path, format=2)
    before = everything(tmp_path)
    with pytest.raises(StudyVersionError, match=r"format 2.*Upgrade"):
        Study.open(str(tmp_path), PARTS)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": "x", "fingerprint": {}}',
        '{"format": 1e999, "fingerprint": {}}',
        '{"format": 1, "fingerprint": {"data": "1", "module": "2"}}',
        '{"format": 1, "fingerprint": [], "id": [], "seed": "x", "status": {}}',
        "[" * 100_000,
        "\0" * 100,
    ],
    ids=lambda content: content[:70],
)
def test_damaged_description_is_replaced(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A torn description would block the study."""
    Study.open(str(tmp_path), PARTS).close()
    (tmp_path / "study.json").write_text(content)
    with caplog.at_level(logging.WARNING), Study.open(str(tmp_path), PARTS) as study:
        assert study.fingerprint == PARTS
    assert "study.json is damaged" in caplog.text
    assert json.loads((tmp_path / "study.json").read_text())["fingerprint"] == PARTS


def test_closed_study_takes_no_records(tmp_path: Path) -> None:
    """A driver that gave its lock back would write beside its successor."""
    study = Study.open(str(tmp_path), PARTS)
    study.close()
    study.close()
    study.journal.append({"kind": "x"})
    with pytest.raises(StudyLockedError, match="closed"):
        study.commit()


def test_failed_opening_gives_the_lock_back(tmp_path: Path) -> None:
    """One failure would lock the study until the process ends."""
    Study.open(str(tmp_path), PARTS).close()
    (tmp_path / "journal" / "commit-000000000001.jsonl").write_text('{"format": 9}\n')
    for _ in range(2):
        with pytest.raises(StudyVersionError):
            Study.open(str(tmp_path), PARTS)


def finished_with(directory: Path, trials: int) -> None:
    """A finished study with so many records of results, each a commit."""
    with Study.open(str(directory), PARTS) as study:
        study.commit()
        for number in range(trials):
            study.journal.append(studies.ended(str(number)))
            study.commit()
        study.mark_finished([str(number) for number in range(trials)])


def test_finished_study_that_lost_its_end_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A pipeline would publish the best of what is left as the result."""
    finished_with(tmp_path, 4)
    (tmp_path / "journal.end").unlink()
    damage.lose_commits(damage.segment_of(tmp_path), range(3, 5))
    with Study.open(str(tmp_path), PARTS) as study:
        assert study.found is StudyState.RESUMED
        assert not study.is_finished
        assert json.loads((tmp_path / "study.json").read_text())["status"] == "running"
        assert "2 trials completed, and their results are lost: 2, 3." in caplog.text
        assert "Records 4 to 5" in caplog.text
        assert "goes on" in caplog.text
        study.mark_finished(["0", "1"])
    caplog.clear()
    # What it went on without is no reason to go on again, nor to warn at each reading.
    found = Study.open(str(tmp_path), PARTS)
    assert found.found is StudyState.FINISHED
    description = json.loads((tmp_path / "study.json").read_text())
    losses = read_history(str(tmp_path), found.id, description).losses
    assert not caplog.records
    (loss,) = losses
    assert "4 to 5" in loss and "ran again" in loss


def test_training_of_a_lost_trial_is_not_continued(tmp_path: Path) -> None:
    """Another trial of the same id would go on with the weights of the lost one."""
    with Study.open(str(tmp_path), PARTS) as study:
        for trial_id in ("0", "1"):
            study.journal.append(studies.created(trial_id))
            study.commit()
            training = tmp_path / "trials" / trial_id / "training"
            training.mkdir(parents=True)
            (training / "fit").touch()
    damage.lose_commits(damage.segment_of(tmp_path), range(1, 2))
    Study.open(str(tmp_path), PARTS).close()
    assert (tmp_path / "trials" / "0" / "training" / "fit").exists()
    assert not (tmp_path / "trials" / "1" / "training").exists()


def test_study_without_its_journal_is_not_new(tmp_path: Path) -> None:
    """What belongs to the trials of before would be deleted as of no search."""
    finished_with(tmp_path, 2)
    for path in (tmp_path / "study.json", damage.segment_of(tmp_path)):
        path.unlink()
    with Study.open(str(tmp_path), PARTS) as study:
        assert study.found is StudyState.RESUMED
        assert study.journal.missing == ((1, 3),)


def test_study_without_journal_and_mark_is_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A search that has lost everything would begin again without a word."""
    with Study.open(str(tmp_path), PARTS) as study:
        assert not caplog.records
        study.commit()
    shutil.rmtree(tmp_path / "journal")
    (tmp_path / "journal.end").unlink()
    assert read_history(str(tmp_path), study.id).is_empty()
    assert caplog.text.count("journal.end is missing") == 1
    Study.open(str(tmp_path), PARTS).close()
    assert caplog.text.count("journal.end is missing") == 2


def test_closing_marks_the_end_unless_the_lock_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a bucket the last results would be missed by nobody, or the mark be another's."""
    marked = []
    with Study.open(str(tmp_path), PARTS) as study:
        monkeypatch.setattr(study.journal, "close", lambda: marked.append(True))
    assert marked == [True]

    def lost() -> contextlib.AbstractContextManager[None]:
        raise StudyLockedError

    with Study.open(str(tmp_path), PARTS) as study:
        monkeypatch.setattr(study.journal, "close", lambda: marked.append(True))
        monkeypatch.setattr(study._lock, "writing", lost)
    assert marked == [True]


def test_forged_first_record_is_not_believed(tmp_path: Path) -> None:
    """A study whose description is damaged could not be opened any more."""
    with Study.open(str(tmp_path), PARTS) as study:
        study.journal._buffer.clear()
        study.journal.append({"kind": "study", "seed": "x"})
        study.commit()
    (tmp_path / "study.json").unlink()
    with Study.open(str(tmp_path), PARTS, seed=3) as study:
        assert study.seed == 3


def remove_lock(directory: Path) -> None:
    (directory / "lock").unlink()


def move_away(directory: Path) -> None:
    directory.rename(directory.with_name("moved"))


def remove(directory: Path) -> None:
    shutil.rmtree(directory)


LOSSES = (remove_lock, move_away, remove)


def end(study: Study, number: int) -> None:
    study.journal.append({"kind": "ended", "trial": str(number)})
    study.commit()


def ended(directory: Path) -> list[str]:
    records = Journal(str(directory / "journal"), study_id(PARTS), read_only=True)
    return [r["trial"] for r in records.records() if r["kind"] == "ended"]


@pytest.mark.parametrize("lose", LOSSES)
def test_of_two_drivers_only_one_commits(
    tmp_path: Path, lose: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Results that people were told of would be overwritten by another search's."""
    directory = tmp_path / "study"
    old = Study.open(str(directory), PARTS)
    for number in range(3):
        end(old, number)
    lose(directory)
    with Study.open(str(directory), PARTS) as new:
        kept = [] if lose is not remove_lock else ["0", "1", "2"]
        assert ended(directory) == kept
        end(new, 10)
        before = everything(directory)
        for _ in range(2):
            with pytest.raises(StudyLockedError, match="this search has locked"):
                end(old, 3)
        with pytest.raises(StudyLockedError):
            old.mark_finished()
        with pytest.raises(StudyLockedError):
            old.require_lock()
        old.close()
        assert everything(directory) == before
        end(new, 11)
    assert ended(directory) == [*kept, "10", "11"]
    assert not caplog.messages
    if lose is move_away:
        assert ended(tmp_path / "moved") == ["0", "1", "2"]


@pytest.mark.parametrize("lose", [move_away, remove])
def test_a_study_that_is_gone_is_not_made_again(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    """A part of a study would stand where a user has removed it."""
    directory = tmp_path / "study"
    study = Study.open(str(directory), PARTS)
    lose(directory)
    for write in (lambda: end(study, 0), study.mark_finished):
        with pytest.raises(StudyLockedError):
            write()
    study.close()
    assert not directory.exists()


def test_a_study_that_is_moved_back_goes_on(tmp_path: Path) -> None:
    """Who moves a study by mistake could not put it right."""
    directory = tmp_path / "study"
    with Study.open(str(directory), PARTS) as study:
        move_away(directory)
        with pytest.raises(StudyLockedError):
            end(study, 0)
        (tmp_path / "moved").rename(directory)
        study.commit()
    assert ended(directory) == ["0"]
