"""What is left of a damaged journal is put to use."""

import json
import logging
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.support import damage, simulation
from tuner_component.search.errors import StorageError, StudyMismatchError
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study

# Commits: the opening, then the creation and the end of each trial.
TRIALS = 6
COMMITS = range(1 + 2 * TRIALS)


def damaged(directory: Path, kind: str, commit: int) -> dict[str, float]:
    """Leaves a search with one commit torn; returns the scores that the others tell."""
    simulation.search_some(str(directory), kind, trials=TRIALS)
    everything = simulation.history(str(directory)).trials
    damage.tear_commit(damage.segment_of(directory), commit)
    left = simulation.history(str(directory))
    assert len(everything) == TRIALS
    return {i: left.trials[i].ended["score"] for i in left.end_order}  # type: ignore[index]


@pytest.mark.parametrize("kind", [k for k in simulation.KINDS if k != "bayesian"])
@pytest.mark.parametrize("commit", COMMITS)
def test_search_with_a_lost_commit_goes_on(
    tmp_path: Path, kind: str, commit: int, caplog: pytest.LogCaptureFixture
) -> None:
    """One bad sector would end a study, or give two trials one id."""
    caplog.set_level(logging.ERROR)
    known = damaged(tmp_path, kind, commit)
    assert len(known) >= TRIALS - 1
    simulation.search(str(tmp_path), kind)
    after = simulation.history(str(tmp_path))
    scores = {i: t.ended["score"] for i, t in after.trials.items() if t.ended}
    assert {i: scores[i] for i in known} == known
    assert after.unfinished() == []
    assert len(scores) >= TRIALS


@pytest.mark.parametrize("kind", [k for k in simulation.KINDS if k != "bayesian"])
def test_search_whose_space_is_lost_goes_on_in_todays(
    tmp_path: Path, kind: str
) -> None:
    """All further trials would have no values, and be the same."""
    for _ in range(2):  # Only the first run tells of the space.
        simulation.search_some(str(tmp_path), kind, trials=2)
    damage.tear_commit(min((tmp_path / "journal").glob("segment-*")), 0)
    simulation.search(str(tmp_path), kind)
    values = [t.values for t in simulation.history(str(tmp_path)).trials.values()]
    assert len(values) > 4
    assert all(values)


@pytest.mark.parametrize("kind", ["grid", "hyperband", "random"])
def test_lost_trials_keep_their_places(tmp_path: Path, kind: str) -> None:
    """New trials would take the ids, and the files, of lost ones."""
    simulation.search_some(str(tmp_path), kind, trials=TRIALS)
    # All of the third and the fourth trial.
    damage.lose_commits(damage.segment_of(tmp_path), range(5, 9))
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        durable = DurableOracle.open(simulation.oracle(kind), study)
        assert len(durable.trials) == TRIALS
        lost = [t for t in durable.trials.values() if "were lost" in str(t.message)]
        assert [int(trial.trial_id) for trial in lost] == [2, 3]
        assert {trial.status for trial in lost} == {"FAILED"}
        following = durable.create_trial("w")
        assert int(following.trial_id) == TRIALS
        assert following.hyperparameters.values not in [
            trial.hyperparameters.values
            for i, trial in durable.trials.items()
            if i != following.trial_id
        ]


def test_grid_finds_lost_points_again(tmp_path: Path) -> None:
    """A damaged file would leave holes in the grid."""
    simulation.search(str(tmp_path / "whole"), "grid")
    simulation.search_some(str(tmp_path / "holed"), "grid", trials=TRIALS)
    damage.lose_commits(damage.segment_of(tmp_path / "holed"), range(5, 9))
    simulation.search(str(tmp_path / "holed"), "grid")

    def points(name: str) -> set[str]:
        results = simulation.results(str(tmp_path / name))
        return {repr(sorted(values.items())) for values, _ in results.values()}

    assert points("holed") == points("whole")


def test_finished_search_with_a_lost_end_runs_again_what_is_lost(
    tmp_path: Path,
) -> None:
    """A pipeline would publish another trial as the best one, or not the whole search."""
    simulation.search(str(tmp_path), "random")
    whole = simulation.history(str(tmp_path))
    segment = damage.segment_of(tmp_path)
    number = len(damage.commits(segment))
    damage.lose_commits(segment, range(number - 4, number))
    assert simulation.history(str(tmp_path)).end_order != whole.end_order
    simulation.search(str(tmp_path), "random")
    again = simulation.history(str(tmp_path))
    assert sorted(again.end_order) == sorted(whole.end_order)
    assert not again.goes_on
    assert json.loads((tmp_path / "study.json").read_text())["status"] == "finished"


def test_results_tell_what_a_search_is_for(tmp_path: Path) -> None:
    """With the record of how it began, the direction would be lost."""
    simulation.search_some(str(tmp_path), "random", trials=2)
    damage.lose_commits(damage.segment_of(tmp_path), range(1))
    history = simulation.history(str(tmp_path))
    assert history.opened is None
    assert history.objective == ("score", "min")
    other = simulation.oracle("random")
    other.objective = keras_tuner.Objective("score", "max")
    with (
        Study.open(str(tmp_path), simulation.FINGERPRINT) as study,
        pytest.raises(StudyMismatchError, match="direction"),
    ):
        DurableOracle.open(other, study)


def test_records_that_no_oracle_fits_are_explained(tmp_path: Path) -> None:
    """A forged journal would end in a traceback from deep below."""
    simulation.search_some(str(tmp_path), "random", trials=2)
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        forged = [{"class_name": "os.system", "config": {"name": "x"}}]
        study.journal.append({"kind": "space", "space": "x", "entries": forged})
        study.commit()
    with (
        Study.open(str(tmp_path), simulation.FINGERPRINT) as study,
        pytest.raises(StorageError, match=r"Expected records .* from a copy"),
    ):
        DurableOracle.open(simulation.oracle("random"), study)


class Renaming(simulation.CountingOracle):
    """Counts from 1, as a service may."""

    def create_trial(self, tuner_id: str) -> Any:
        before = dict(self.trials)
        trial = super().create_trial(tuner_id)
        if trial.status == "RUNNING":
            trial.trial_id = str(len(before) + 1)
            self.trials = {**before, trial.trial_id: trial}
            self.start_order[-1] = trial.trial_id
        return trial


def test_an_oracle_that_counts_from_one_has_lost_no_trial(
    opened: simulation.Opened,
) -> None:
    """It would get a failed trial 0 that never was."""
    for _ in range(2):
        durable = opened.wrap(Renaming(objective=simulation.OBJECTIVE, max_trials=3))
        simulation.run_trial(durable, durable.create_trial("a"))
    assert list(durable.trials) == ["1", "2"]
