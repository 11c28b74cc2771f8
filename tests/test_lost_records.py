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


def test_status_says_that_results_are_lost(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search that lost results would look finished."""
    lost = lose_the_best(finished)
    assert main(["status", str(finished)]) == 0
    out = capsys.readouterr().out
    assert "finished." not in out and "running." in out
    assert "Records " in out and "of the journal are lost" in out
    assert f"and their results are lost: {lost}, " in out
    assert "Run the same search again" in out
    assert main(["status", "--json", str(finished)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["status"] == "running" and len(facts["losses"]) == 2


def test_best_of_what_is_left_is_no_success(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script would take the second best for the result of the search."""
    lose_the_best(finished)
    assert main(["best", str(finished), "--format", "json"]) == 1
    captured = capsys.readouterr()
    left = load_study(finished)
    assert left.best is not None and left.losses
    assert json.loads(captured.out) == left.best.hyperparameters
    assert "Expected all results" in captured.err and "are lost" in captured.err


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


def maximize(directory: Path) -> Any:
    """Runs a search that maximizes, or goes on with one; returns its best trial."""
    oracle = simulation.oracle("random")
    oracle.objective = keras_tuner.Objective("score", "max")
    oracle.max_trials = 4
    with Study.open(str(directory), simulation.FINGERPRINT, seed=1) as study:
        durable: Any = DurableOracle.open(oracle, study)
        while (trial := durable.create_trial("a")).status == "RUNNING":
            simulation.run_trial(durable, trial)
        durable.finish()
        return durable.get_best_trials()[0]


@pytest.fixture(name="flipped")
def _flipped(tmp_path: Path) -> tuple[Path, Any]:
    """A study with a bit that flipped in its beginning, and its best trial."""
    best = maximize(tmp_path)
    flip_a_bit_of_the_beginning(tmp_path)
    return tmp_path, best


def test_one_bit_does_not_make_the_worst_trial_the_best(
    flipped: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A search that maximizes would be taken for one that minimizes."""
    directory, best = flipped
    found = load_study(directory).best
    assert found is not None and found.trial_id == best.trial_id
    assert main(["status", str(directory)]) == 0
    assert f"by trial {best.trial_id}" in capsys.readouterr().out
    main(["best", str(directory), "--format", "json"])
    assert json.loads(capsys.readouterr().out) == best.hyperparameters.values


def test_one_bit_does_not_give_the_next_run_two_best_trials(
    flipped: tuple[Path, Any],
) -> None:
    """The report would name another trial than the hyperparameters are of."""
    directory, _ = flipped
    best = maximize(directory)
    found = load_study(directory).best
    assert found is not None and found.trial_id == best.trial_id
