"""Failed trials of any search are run again, and what comes of them takes their place."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from tests.support import crashes, simulation
from tuner_component.report.loading import load_study
from tuner_component.search.options import RetryOptions
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study

MESSAGE = "Traceback (most recent call last):\nOSError: no room in slot {}"
FAILING = (1, 3)


def kinds(*slow: str) -> list[Any]:
    return [
        pytest.param(kind, marks=[pytest.mark.slow] if kind in slow else [])
        for kind in simulation.KINDS
    ]


def search(
    directory: str, kind: str, failing: Collection[int] = (), **options: Any
) -> list[str]:
    """Runs a search, or the rest of one; returns the ids of what it ran."""
    ran = []
    with (
        simulation.one_step(),
        Study.open(directory, simulation.FINGERPRINT, seed=1, **options) as study,
    ):
        durable: Any = DurableOracle.open(simulation.oracle(kind), study)
        while (trial := durable.create_trial("worker")).status == "RUNNING":
            ran.append(trial.trial_id)
            if int(trial.trial_id) in failing:
                simulation.fail(durable, trial, MESSAGE.format(trial.trial_id))
            else:
                simulation.run_trial(durable, trial)
        if not study.is_finished:
            durable.finish()
    return ran


@pytest.mark.parametrize("kind", simulation.KINDS)
def test_failed_trials_of_a_finished_search_are_run_again(
    tmp_path: Path, kind: str
) -> None:
    """A search would have to begin anew since a disk was full for an hour."""
    directory = str(tmp_path)
    first = search(directory, kind, FAILING)
    failed = [first[number] for number in FAILING]
    before = simulation.results(directory)
    again = search(directory, kind, FAILING[1:], retry=RetryOptions())
    assert again[:2] == failed
    study = load_study(directory)
    assert study.status == "finished"
    assert [t.trial_id for t in study.trials if t.retried] == failed
    assert [t.trial_id for t in study.with_status("FAILED")] == failed[1:]
    good = next(trial for trial in study.trials if trial.trial_id == failed[0])
    told = [(attempt.outcome, attempt.reason) for attempt in good.attempts]
    assert told == [("failed", MESSAGE.format(failed[0])), ("completed", None)]
    assert (good.status, good.message, good.hyperparameters) == (
        *("COMPLETED", None),
        before[failed[0]][0],
    )
    # What had completed is as it was, and what was run again is not again.
    after = simulation.results(directory)
    assert {i: after[i] for i in before if i not in failed} == {
        i: found for i, found in before.items() if i not in failed
    }
    assert search(directory, kind, retry=RetryOptions()) == []
    assert search(directory, kind, retry=RetryOptions(times=2))[:1] == failed[1:]
    assert not load_study(directory).with_status("FAILED")
    assert search(directory, kind) == []


@pytest.mark.parametrize("kind", kinds("bayesian", "hyperband", "optuna"))
def test_a_retry_is_killed_at_every_commit(tmp_path: Path, kind: str) -> None:
    """A trial would be run again twice, or not at all, or its first error be lost."""

    def retried(directory: str) -> None:
        begun = Path(directory, "study.json").exists()
        if not begun or not load_study(directory).finished:
            failing = () if begun and again(directory) else FAILING
            search(directory, kind, failing)
        search(directory, kind, retry=RetryOptions())

    def again(directory: str) -> list[str]:
        return [t.trial_id for t in load_study(directory).trials if t.retried]

    for point in ("study.create.before", "study.create.after", "journal.commit.after"):
        (tmp_path / point).mkdir()
        for directory in crashes.run_through(retried, point, tmp_path / point):
            study = load_study(directory)
            assert study.status == "finished", point
            assert not study.with_status("FAILED")
            for trial in study.trials:
                outcomes = [a.outcome for a in trial.attempts if a.outcome != "lost"]
                expected = int(trial.trial_id) in FAILING
                assert trial.retried == expected
                assert outcomes == ["failed"] * expected + ["completed"]


@pytest.mark.parametrize(
    ("retry", "meant"),
    [
        (RetryOptions(), [0, 2, 4]),
        (RetryOptions(trials=("2", "77")), [2]),
        (RetryOptions(causes=("slot 123",)), [0, 2, 4]),
        (RetryOptions(causes=("ValueError", "RuntimeError")), []),
        (RetryOptions(trials=("4",), causes=("ValueError",)), [4]),
    ],
)
def test_what_is_meant(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    retry: RetryOptions,
    meant: list[int],
) -> None:
    """Trials whose cause is still there would cost their time once more."""
    search(str(tmp_path), "random", (0, 2, 4))
    again = search(str(tmp_path), "random", retry=retry)
    assert again == [str(number) for number in meant]
    assert ("There is no trial 77" in caplog.text) == ("77" in retry.trials)


def test_more_trials_and_failed_ones_together(tmp_path: Path) -> None:
    """Only one of them would be done, or in two runs."""
    search(str(tmp_path), "counting", FAILING)
    simulation.search(str(tmp_path), "counting", max_trials=10, retry=RetryOptions())
    study = load_study(str(tmp_path))
    assert len(study.completed) == 10
    assert [t.retried for t in study.trials] == [0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    assert [told.after for told in study.extensions] == [10]


def test_on_any_filesystem(root: str) -> None:
    """Where nothing is appended a wish would be lost, or undo what was there."""
    directory = f"{root}/study"
    search(directory, "random", FAILING)
    options = {"max_trials": 10, "retry": RetryOptions()}
    simulation.search(directory, "random", **options)
    study = load_study(directory)
    assert (study.status, len(study.completed)) == ("finished", 10)
    assert [t.retried for t in study.trials] == [0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    assert search(directory, "random", **options) == []
    assert not load_study(directory).losses
