"""Workers run the user's own tuner, whatever it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import processes, scripts
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.study import history_reading
from tuner_component.search.study.fingerprint import study_id


@pytest.fixture
def run(executors: processes.Executors, tmp_path: Path) -> Any:
    """Runs a search of one of `tuners`' kinds on two workers."""

    def search(kind: str, **options: Any) -> Any:
        argument = json.dumps([kind, str(tmp_path / "work")]).encode()
        (tmp_path / "work").mkdir()
        return executors.start(
            scripts.search,
            EntryPoint("tests.support.tuners:make", argument),
            str(tmp_path / "study"),
            SearchOptions(num_workers=2, **options),
        ).result()

    return search


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "trials"),
    [("random", 4), ("bayesian", 6), ("grid", 3), ("hypermodel", 3)],
)
def test_keras_tuners_run_unchanged(
    run: Any, kind: str, trials: int, tmp_path: Path
) -> None:
    """A tuner that works in process would not work with workers, or not be watched."""
    result = run(kind)
    assert not result.failed
    assert len(result.completed) == trials
    values = [t["hyperparameters"]["values"] for t in result.completed]
    assert len({json.dumps(v, sort_keys=True) for v in values}) == trials
    told = history_reading.read_history(
        str(tmp_path / "study"), study_id(scripts.FINGERPRINT)
    )
    for trial in told.trials.values():
        assert trial.ended is not None
        best = min(trial.ended["curves"][0]["val_loss"])
        assert trial.ended["score"] == pytest.approx(best)


@pytest.mark.slow
def test_hyperband_continues_a_trial_that_another_worker_trained(
    run: Any, tmp_path: Path
) -> None:
    """Its second rounds would begin with new weights, or fail."""
    # With workers that stay, each trial may by chance go on where it was before.
    result = run("hyperband", max_trials_per_worker=1)
    assert not result.failed
    lines = [line.split() for line in (tmp_path / "work/ran").read_text().splitlines()]
    worker = {line[0]: line[1] for line in lines}
    continued = [line for line in lines if len(line) == 3]
    assert len(continued) >= 4
    assert all(worker[before] != pid for _, pid, before in continued)


@pytest.mark.parametrize(("kind", "least"), [("float", 1), ("dict", 1), ("list", 2)])
def test_a_base_tuner_returns_what_it_may(run: Any, kind: str, least: float) -> None:
    """Users' own run_trial would be restricted to what Keras returns."""
    result = run(kind)
    assert len(result.completed) == 4
    for trial in result.completed:
        x = trial["hyperparameters"]["values"].get("x", 0)
        assert trial["score"] == pytest.approx(least + x)


def test_overridden_hooks_are_called(run: Any, tmp_path: Path) -> None:
    """on_trial_end of the user's subclass would be bypassed."""
    run("float")
    assert len(list((tmp_path / "work").glob("ended-*"))) == 4


def test_a_retried_trial_learns_what_became_of_it(run: Any, tmp_path: Path) -> None:
    """The retry of a trial that diverged would repeat it with the same seed."""
    result = run("retried")
    assert len(result.completed) == 3
    for trial in result.completed:
        drawn = (tmp_path / f"work/drawn-{trial['trial_id']}").read_text().split()
        assert len(set(drawn)) == 2
        statuses = (tmp_path / f"work/status-{trial['trial_id']}").read_text().split()
        assert statuses == ["INVALID", "COMPLETED"]


def test_sklearn_tuner(run: Any) -> None:
    """SklearnTuner has a `search` of its own."""
    result = run("sklearn")
    assert len(result.completed) == 3
    assert result.direction == "max"
    assert result.completed[0]["score"] > 0.9


def test_the_oracle_answers_as_in_process(run: Any) -> None:
    """Subclasses that look at their oracle would break in workers."""
    result = run("curious")
    assert not result.failed, result.failed[0]["message"]
    # What the trial reported itself counts, as in process, and not what it returned.
    assert {trial["score"] for trial in result.completed} == {7.0}


def test_ends_of_datasets_are_not_waited_for(run: Any) -> None:
    """Workers that keep all cores busy would stand still at the end of epochs."""
    result = run("iterating")
    assert not result.failed, result.failed[0]["message"]
