"""A study that is moved, removed or robbed of its lock while a search works on it.

Another search is started at the same place while the first one lives, each with two
workers. Everything that either said to be done must be in its own journal, and nothing of
the first one's in the second one's.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import checks, families, meeting, processes, scripts
from tuner_component.search.errors import StudyLockedError
from tuner_component.search.options import SearchOptions

TRIALS = 6


def remove_lock(study: Path) -> None:
    (study / "lock").unlink()


def move(study: Path) -> None:
    study.rename(study.with_name("moved"))


def remove(study: Path) -> None:
    shutil.rmtree(study)


def files_of(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("lose", [remove_lock, move, remove])
def test_only_one_of_two_searches_goes_on(
    executors: processes.Executors,
    tmp_path: Path,
    place: meeting.Meeting,
    lose: Callable[[Path], None],
) -> None:
    """Both would write into one study, and results would be lost without a word."""
    study, options = tmp_path / "study", SearchOptions(num_workers=2)
    script = scripts.Script(
        str(tmp_path / "old"),
        trials=TRIALS,
        acts={"3": ["meet"], "4": ["meet"]},
        meeting=place.address,
    )
    old = executors.start(scripts.search, script.entry(), str(study), options)
    under_way = [place.next(), place.next()]
    family = families.of(old.pid).all
    lose(study)
    other = scripts.Script(str(tmp_path / "new"), trials=TRIALS)
    new = executors.start(scripts.search, other.entry(), str(study), options)
    for guest in under_way:
        guest.release()  # Results of the old search, at the worst moment.
    with pytest.raises(StudyLockedError, match=r"Expected .* Received: .*run"):
        old.result()
    processes.wait_until_gone(family[1:], 10)
    result = new.result()
    # What the old one had ended is known where only its lock was taken.
    begun = set(scripts.attempts(other))
    known = {0, 1, 2} if lose is remove_lock else set()
    assert begun == set(range(TRIALS)) - known
    assert len(result.completed) == TRIALS
    assert set(checks.times_ended(str(study)).values()) == {1}
    if lose is move:
        assert set(checks.times_ended(str(tmp_path / "moved"))) == {"0", "1", "2"}


@pytest.mark.parametrize("lose", [move, remove])
def test_a_search_without_its_study_ends_and_leaves_nothing(
    executors: processes.Executors,
    tmp_path: Path,
    place: meeting.Meeting,
    lose: Callable[[Path], None],
) -> None:
    """It would train for hours, for nothing; and make parts of the study anew."""
    study, options = tmp_path / "study", SearchOptions(num_workers=2)
    script = scripts.Script(
        str(tmp_path / "work"), act="meet", meeting=place.address, trials=TRIALS
    )
    search = executors.start(
        scripts.observed_search, script.entry(), str(study), options
    )
    under_way = [place.next(), place.next()]
    lose(study)
    # Nothing is committed as long as both trials run.
    with pytest.raises(StudyLockedError, match=str(study)):
        search.result(20)
    processes.wait_until_gone(families.of(search.pid).all[1:], 10)
    assert not study.exists(), files_of(study)
    for guest in under_way:  # They were under way for as long as that.
        guest.release()
