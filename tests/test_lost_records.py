"""Records of a search are lost, and all who read it say so, or have the right answer.

Each test looks as people look: with the command line, `load_study`, or the next run.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.support import damage, simulation, studies
from tuner_component import load_study
from tuner_component.cli.main import main
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study


@pytest.fixture(name="finished")
def _finished(tmp_path: Path) -> Path:
    """A finished study."""
    directory = tmp_path / "study"
    simulation.search(str(directory), "random")
    return directory


def lose_the_best(directory: Path) -> str:
    """Takes the end away from that of the best trial on; returns that trial's id."""
    best = load_study(directory).best
    assert best is not None
    segment = damage.segment_of(directory)
    commits = damage.commits(segment)
    said = [f'"kind":"ended","trial":"{best.trial_id}"'.encode() in c for c in commits]
    damage.lose_commits(segment, range(said.index(True), len(commits)))
    return best.trial_id


def test_status_and_best_say_that_results_are_lost(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second best would be taken for the result of a search that is finished."""
    lost = lose_the_best(finished)
    assert main(["status", str(finished)]) == 0
    out = capsys.readouterr().out
    assert "finished." not in out
    assert "are lost" in out and "Run the same search again" in out
    assert main(["best", str(finished), "--format", "json"]) == 1
    assert "are lost" in capsys.readouterr().err
    assert load_study(finished).losses
    simulation.search(str(finished), "random")
    assert lost in {trial.trial_id for trial in load_study(finished).completed}


def test_status_of_a_search_that_goes_on_says_it_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who looks at a running search would hear of fewer results, and of another best."""
    directory = tmp_path / "study"
    simulation.search_some(str(directory), "random", trials=4)
    segment = damage.segment_of(directory)
    last = len(damage.commits(segment)) - 1
    damage.lose_commits(segment, range(last, last + 1))
    assert main(["status", str(directory)]) == 0
    assert "are lost" in capsys.readouterr().out


@pytest.mark.parametrize("begun", range(4))
def test_copy_of_a_study_that_is_written_is_whole_or_says_what_it_lacks(
    tmp_path: Path, begun: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy taken home from a pod would lack results without a word."""
    directory, copy = tmp_path / "study", tmp_path / "copy"
    copy.mkdir()
    told: list[str] = []
    with Study.open(str(directory), simulation.FINGERPRINT) as study:
        study.journal._appends = False  # As in a bucket: a file for each commit.
        study.journal._merge_after = 4
        study.journal.append(studies.opened())

        def tell() -> None:
            told.append(str(len(told)))
            study.journal.append(studies.ended(told[-1]))
            study.commit()

        for _ in range(5 + begun):
            tell()
        known = set(told)
        # One listing, and then file after file.
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            target = copy / path.relative_to(directory)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                shutil.copy(path, target)
            tell()
    found = load_study(copy)
    missing = known - {trial.trial_id for trial in found.completed}
    assert not missing or "are lost" in caplog.text


def flip_a_bit_of_the_beginning(directory: Path) -> None:
    """Damages what the first commit of a study's journal says."""
    first = min((directory / "journal").glob("*.jsonl"))
    data = bytearray(first.read_bytes())
    data[300] ^= 1
    first.write_bytes(data)


def maximize(directory: Path, trials: int) -> Any:
    """Runs a search that maximizes, or goes on with one; returns its best trial."""
    oracle = simulation.oracle("random")
    oracle.objective = keras_tuner.Objective("score", "max")
    oracle.max_trials = trials
    with Study.open(str(directory), simulation.FINGERPRINT, seed=1) as study:
        durable: Any = DurableOracle.open(oracle, study)
        while (trial := durable.create_trial("a")).status == "RUNNING":
            simulation.run_trial(durable, trial)
        return durable.get_best_trials()[0]


def test_one_bit_does_not_make_the_worst_trial_the_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search that maximizes would be taken for one that minimizes."""
    best = maximize(tmp_path, trials=4)
    flip_a_bit_of_the_beginning(tmp_path)
    found = load_study(tmp_path).best
    assert found is not None and found.trial_id == best.trial_id
    assert main(["status", str(tmp_path)]) == 0
    assert f"by trial {best.trial_id}" in capsys.readouterr().out
    main(["best", str(tmp_path), "--format", "json"])
    assert json.loads(capsys.readouterr().out) == best.hyperparameters.values
    # After a resume, all that is published names the same trial, too.
    best = maximize(tmp_path, trials=6)
    found = load_study(tmp_path).best
    assert found is not None and found.trial_id == best.trial_id
