"""Scores in a file: what counts, and what is run again."""

from pathlib import Path

import pytest

from benchmarks import score_file, search_quality
from benchmarks.score_file import Key, ScoreFile
from benchmarks.scoring import Score

KEY = Key("tiny", "auto", 2, 0)
SCORE = Score(False, False, 12.5, 0.25, 0.125, 0.001, 0.5)


def test_what_is_there_is_not_run_again(tmp_path: Path) -> None:
    """A measurement that was stopped would begin anew."""
    ScoreFile(tmp_path / "scores").add(KEY, SCORE)
    kept = ScoreFile(tmp_path / "scores")
    assert kept.scores == {KEY: SCORE}
    other = KEY._replace(seed=1)
    assert list(kept.missing([KEY, other])) == [other]


def test_what_was_cut_off_is_run_again(tmp_path: Path) -> None:
    """A run that was killed would leave a file that cannot be read, or a wrong score."""
    path, other = tmp_path / "scores", KEY._replace(seed=1)
    ScoreFile(path).add(KEY, SCORE)
    line = path.read_text()
    path.write_text(line + line[:-9])
    ScoreFile(path).add(other, SCORE)
    assert ScoreFile(path).scores == {KEY: SCORE, other: SCORE}


def test_scores_of_another_planner_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures of one search would be those of several."""
    ScoreFile(tmp_path / "scores").add(KEY, SCORE)
    monkeypatch.setattr(score_file, "_PLANNER", ("planner/steps.py",))
    score_file.version_of.cache_clear()
    score_file._of_searcher.cache_clear()
    stale = ScoreFile(tmp_path / "scores")
    assert (stale.scores, stale.out_of_date) == ({}, 1)
    monkeypatch.undo()
    score_file.version_of.cache_clear()
    score_file._of_searcher.cache_clear()
    assert ScoreFile(tmp_path / "scores").scores


def test_assembling_loses_nothing(tmp_path: Path) -> None:
    """Hours of replays would be gone because a source has changed for a moment."""
    path = tmp_path / "scores"
    ScoreFile(path).add(KEY, SCORE)
    stale = path.read_text().replace(score_file.version_of("tiny", "auto"), "other")
    path.write_text(stale)
    ScoreFile(path).write()
    assert path.read_text() == stale
    ScoreFile(path).add(KEY, SCORE)
    ScoreFile(path).write()
    assert len(path.read_text().splitlines()) == 1
    assert ScoreFile(path).scores == {KEY: SCORE}


def test_words_and_places_of_a_source_change_no_version() -> None:
    """A better sentence in a docstring, or a better room, would cost hours."""
    said = 'import x\n\ndef f() -> int:\n    """Says."""\n    return 1  # So.\n'
    bare = score_file._bare(said)
    assert bare == score_file._bare("def f() -> int:\n    return 1\n")
    assert bare != score_file._bare("def f() -> int:\n    return 2\n")


def test_searches_of_a_family_differ() -> None:
    """A change of one rule would leave its old scores in place."""
    names = ["ours", "ours median", "optuna median", "kerastuner hyperband", "auto"]
    versions = {score_file.version_of("tiny", name) for name in names}
    assert len(versions) == len(names)
    assert versions.isdisjoint({score_file.version_of("late", name) for name in names})


def test_all_searches_have_about_as_many_seeds_when_a_run_is_ended() -> None:
    """What was measured by then could not be compared."""
    keys = search_quality.replays(["auto", "ours"], ["tiny", "late"], [2, 8], 3)
    assert [key.seed for key in keys] == [0] * 8 + [1] * 8 + [2] * 8


def test_slow_searches_get_fewer_seeds() -> None:
    """A measurement would not end."""
    keys = search_quality.replays(["auto", "kerastuner bayesian"], ["tiny"], [2], 9)
    assert [key.searcher for key in keys].count("kerastuner bayesian") == 5
