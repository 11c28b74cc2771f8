"""The durable oracle is the user's oracle, and what it said stays said."""

import logging
import math
import threading
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from keras_tuner import oracles

from tests.search.conftest import Mount
from tests.support import simulation
from tuner_component.search import events
from tuner_component.search.errors import (
    SearchError,
    SearchFailedError,
    StorageError,
)
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study

# It passes for the oracle it wraps.


def test_passes_for_the_users_oracle(opened: simulation.Opened) -> None:
    """A tuner or user code that looks at its oracle would refuse this one."""
    durable = opened("hyperband")
    assert isinstance(durable, keras_tuner.Oracle)
    assert isinstance(durable, oracles.HyperbandOracle)
    assert not isinstance(durable, oracles.RandomSearchOracle)
    assert durable.objective.name == "score"
    assert durable.factor == 2
    assert durable.trials == {}
    assert durable.remaining_trials() is None
    assert [hp.name for hp in durable.get_space().space] == ["rate", "kind", "layers"]
    with pytest.raises(AttributeError):
        durable.nothing  # noqa: B018


def test_attributes_are_set_on_the_users_oracle(opened: simulation.Opened) -> None:
    """A limit that a tuner changes would change nothing."""
    oracle = simulation.oracle("random")
    durable = opened.wrap(oracle)
    durable.max_trials = 1
    assert oracle.max_trials == 1
    durable.create_trial("a")
    assert durable.create_trial("b").status == "STOPPED"


def test_methods_can_be_replaced_on_one_instance(opened: simulation.Opened) -> None:
    """Tests and wrappers of the user's could not stand between."""
    durable = opened()
    durable.get_best_trials = lambda num_trials=1: ["mine"]
    assert durable.get_best_trials() == ["mine"]


def test_same_tuner_gets_the_same_trial(opened: simulation.Opened) -> None:
    """Workers that train one model together would get different ones."""
    durable = opened()
    assert durable.create_trial("a") is durable.create_trial("a")
    assert durable.create_trial("b").trial_id == "1"


def test_all_best_trials_of_an_unlimited_search(opened: simulation.Opened) -> None:
    """Hyperband and grid search have no number of trials to ask for."""
    durable = opened("grid")
    for score in (3.0, 1.0, 2.0):
        simulation.end(durable, durable.create_trial("a"), score)
    simulation.fail(durable, durable.create_trial("a"))
    durable.create_trial("a")
    assert [t.score for t in durable.get_best_trials(None)] == [1.0, 2.0, 3.0]
    assert [t.score for t in durable.get_best_trials()] == [1.0]
    assert len(durable.get_best_trials(9)) == 5


def test_trial_can_be_ended_by_its_id(opened: simulation.Opened) -> None:
    """Tuners written for older versions of KerasTuner would fail every trial."""
    durable = opened()
    trial = durable.create_trial("a")
    values = dict(trial.hyperparameters.values)
    durable.update_trial(trial.trial_id, {"score": 1.0})
    durable.end_trial(trial.trial_id, "COMPLETED")
    assert durable.get_trial(trial.trial_id).score == 1.0
    assert durable.get_trial(trial.trial_id).hyperparameters.values == values


@pytest.mark.parametrize("call", ["end_trial", "update_trial", "note", "fail_trial"])
def test_unknown_trial_is_explained(opened: simulation.Opened, call: str) -> None:
    """A mixed-up id would be a bare KeyError, and leave the oracle locked."""
    durable = opened()
    arguments = {"update_trial": ({},), "fail_trial": ("",)}.get(call, ())
    with pytest.raises(SearchError, match="'99'"):
        getattr(durable, call)("99", *arguments)
    assert durable.create_trial("a").status == "RUNNING"


def test_error_of_a_call_leaves_the_oracle_usable(opened: simulation.Opened) -> None:
    """One bad report would block all workers for ever."""
    durable = opened()
    trial = durable.create_trial("a")
    with pytest.raises(ValueError, match="score"):
        durable.update_trial(trial.trial_id, {"other": 1.0})
    done = threading.Thread(
        target=simulation.end, args=(durable, trial, 1.0), daemon=True
    )
    done.start()
    done.join(30)
    assert durable.get_trial(trial.trial_id).status == "COMPLETED"


# Trials end once, and failures are results.


def test_late_word_of_a_trial_is_dropped(
    opened: simulation.Opened, caplog: pytest.LogCaptureFixture
) -> None:
    """A trial would count twice, with the result of a worker given up on."""
    durable = opened()
    trial = durable.create_trial("a")
    simulation.end(durable, trial, 1.0)
    with caplog.at_level(logging.WARNING):
        durable.update_trial(trial.trial_id, {"score": 0.0})
        durable.end_trial(trial)
    assert "late word of trial 0" in caplog.text
    assert durable.end_order == ["0"]
    assert durable.get_trial("0").score == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("direction", ["min", "max"])
def test_score_that_is_no_number_never_wins(
    opened: simulation.Opened, value: float, direction: str
) -> None:
    """A diverged model would be published as the best."""
    oracle = simulation.oracle("random")
    oracle.objective = keras_tuner.Objective("score", direction)
    durable = opened.wrap(oracle)
    simulation.end(durable, durable.create_trial("a"), 1.0)
    simulation.end(durable, durable.create_trial("a"), value)
    assert [t.score for t in durable.get_best_trials(None)] == [1.0]
    told = simulation.read(opened.directory).trials["1"].ended
    assert told is not None
    assert (told["status"], told["score"]) == ("FAILED", None)
    assert f"Received: {value}" in told["message"]


def test_infinities_do_not_reach_the_model_of_a_bayesian_search(
    opened: simulation.Opened,
) -> None:
    """One diverged trial would attract all others."""
    durable = opened("bayesian")
    for score in (1.0, math.inf, 2.0, -math.inf, 3.0):
        simulation.end(durable, durable.create_trial("a"), score)
    _, scores = durable._vectorize_trials()
    assert sorted(scores) == [1.0, 2.0, 3.0]


def test_retry_that_the_user_asked_for(opened: simulation.Opened) -> None:
    """A flaky trial would fail for good, or never recover from its first score."""
    oracle = simulation.oracle("random")
    oracle.max_retries_per_trial = 2
    durable = opened.wrap(oracle)
    simulation.end(durable, durable.create_trial("a"), math.nan)
    trial = durable.create_trial("a")
    trial.status, trial.message = "INVALID", "Traceback: flaky"
    durable.end_trial(trial)
    trial = durable.create_trial("a")
    assert trial.trial_id == "0"
    assert trial.message is None
    simulation.end(durable, trial, 2.0)
    assert durable.get_trial("0").score == 2.0
    assert durable.create_trial("a").trial_id == "1"
    told = simulation.read(opened.directory).trials["0"]
    assert [bool(a["failed"]) for a in told.attempts] == [True, True]
    assert told.attempts[1]["reason"] == "Traceback: flaky"
    assert told.ended is not None
    assert told.ended["attempts"] == 3


def test_observer_is_told_what_becomes_of_trials(opened: simulation.Opened) -> None:
    """Those who watch would not hear of a retry, or of the failure that ends it all."""
    told: list[Any] = []
    oracle = simulation.oracle("random")
    oracle.max_retries_per_trial = 1
    durable = opened.wrap(oracle, max_failed_trials=0, observer=told.append)
    durable.create_trial("a")
    durable.epochs.report("0", 0, 0, {"score": 1.0})
    durable.attempt_lost("0", "killed")
    trial = durable.create_trial("a")
    trial.status, trial.message = "INVALID", "flaky"
    durable.end_trial(trial)
    with pytest.raises(SearchFailedError):
        simulation.fail(durable, durable.create_trial("a"))
    values = trial.hyperparameters.values
    started = events.TrialStarted("0", "a", values)
    assert told == [
        started,
        events.EpochEnded("0", 0, 0, {"score": 1.0}),
        events.AttemptLost("0", "killed"),
        started,
        events.AttemptLost("0", "flaky"),
        started,
        events.TrialEnded("0", False, None, "Traceback: boom"),
    ]
    told.clear()
    opened.wrap(oracle=simulation.oracle("random"), observer=told.append)
    assert told == []


class OwnBookkeeping(simulation.CountingOracle):
    """Overrides what ends a trial, and does not call its base."""

    def end_trial(self, trial: Any) -> None:
        trial.score = trial.metrics.get_best_value("score")


@pytest.mark.parametrize(
    ("score", "status"), [(1.0, "COMPLETED"), (math.inf, "FAILED")]
)
def test_oracle_with_an_end_of_its_own(
    opened: simulation.Opened, score: float, status: str
) -> None:
    """Its trials would run for ever, or its infinities win."""
    durable = opened.wrap(OwnBookkeeping(objective=simulation.OBJECTIVE, max_trials=3))
    simulation.end(durable, durable.create_trial("a"), score)
    assert simulation.unfinished(durable) == []
    told = simulation.read(opened.directory).trials["0"].ended
    assert told is not None
    assert told["status"] == status


def test_retries_end(opened: simulation.Opened) -> None:
    """A trial that always fails would be run for ever, a crash between or not."""
    for _ in range(2):
        oracle = simulation.oracle("random")
        oracle.max_retries_per_trial = 1
        durable = opened.wrap(oracle)
        trial = durable.create_trial("a")
        assert trial.trial_id == "0"
        trial.status, trial.message = "INVALID", "Traceback"
        durable.end_trial(trial)
    assert durable.get_trial("0").status == "FAILED"


def test_limit_ends_the_search_with_the_first_traceback(
    opened: simulation.Opened,
) -> None:
    """A broken module would be trained to the last trial."""
    durable = opened(max_failed_trials=1)
    simulation.fail(durable, durable.create_trial("a"), "Traceback: first")
    with pytest.raises(SearchFailedError, match="Traceback: first"):
        simulation.fail(durable, durable.create_trial("a"), "Traceback: second")
    with pytest.raises(SearchFailedError):
        durable.create_trial("a")
    assert simulation.read(opened.directory).end_order == ["0", "1"]
    assert opened(max_failed_trials=2).create_trial("a").trial_id == "2"
    with pytest.raises(SearchFailedError):
        opened(max_failed_trials=1).create_trial("a")


def test_three_failures_in_a_row_do_not_end_the_search(
    opened: simulation.Opened,
) -> None:
    """KerasTuner's own limit would."""
    durable = opened()
    for error in ("red", "green", "blue", "white"):
        simulation.fail(durable, durable.create_trial("a"), f"Traceback: {error}")
    simulation.end(durable, durable.create_trial("a"), 1.0)


def test_search_without_a_result_is_no_success(opened: simulation.Opened) -> None:
    """The pipeline would go on with nothing."""
    durable = opened()
    simulation.fail(durable, durable.create_trial("a"), "Traceback: only")
    with pytest.raises(SearchFailedError, match="Traceback: only"):
        durable.finish()


# Attempts.


def test_lost_attempt_is_handed_out_again_first(opened: simulation.Opened) -> None:
    """The death of a worker would cost a trial, or its place in the search."""
    durable = opened()
    first, second = durable.create_trial("a"), durable.create_trial("b")
    durable.update_trial(first.trial_id, {"score": 100.0})
    assert durable.attempt_lost("0", "killed by signal 9", excused=True).attempts == 1
    assert simulation.waiting(durable) == ["0"]
    assert simulation.unfinished(durable) == ["0", "1"]
    again = durable.create_trial("c")
    assert again.trial_id == "0"
    assert simulation.waiting(durable) == []
    simulation.end(durable, again, 2.0)
    assert durable.get_trial("0").score == 2.0
    simulation.end(durable, second, 1.0)
    assert simulation.unfinished(durable) == []
    told = simulation.read(opened.directory).trials["0"]
    assert told.attempts[0]["reason"] == "killed by signal 9"
    assert told.attempts[0]["excused"]
    assert told.attempts[0]["worker"] == "a"
    assert told.ended is not None
    assert (told.ended["worker"], told.ended["attempts"]) == ("c", 2)


def test_result_of_a_worker_given_up_on_is_dropped(opened: simulation.Opened) -> None:
    """A hung worker that wakes up would end a trial that another one runs."""
    durable = opened()
    stale = durable.create_trial("a").get_state()
    durable.attempt_lost("0", "hung")
    late = keras_tuner.engine.trial.Trial.from_state({**stale, "status": "COMPLETED"})
    durable.end_trial(late)
    assert simulation.unfinished(durable) == ["0"]
    assert durable.create_trial("b").trial_id == "0"


def test_attempt_is_lost_once(opened: simulation.Opened) -> None:
    """Two workers would get one trial."""
    durable = opened()
    durable.create_trial("a")
    durable.attempt_lost("0", "killed")
    with pytest.raises(SearchError, match="once"):
        durable.attempt_lost("0", "killed")
    simulation.end(durable, durable.create_trial("a"), 1.0)
    with pytest.raises(SearchError, match="ended"):
        durable.attempt_lost("0", "killed")
    assert simulation.waiting(durable) == []


@pytest.mark.parametrize("waiting", [True, False])
def test_trial_can_be_failed_by_the_driver(
    opened: simulation.Opened, waiting: bool
) -> None:
    """A trial that kills every worker would be retried for ever."""
    durable = opened()
    durable.create_trial("a")
    if waiting:
        durable.attempt_lost("0", "killed")
    durable.fail_trial("0", "out of memory")
    assert durable.get_trial("0").status == "FAILED"
    assert durable.get_trial("0").message == "out of memory"
    assert simulation.unfinished(durable) == []
    assert durable.create_trial("a").trial_id == "1"
    durable.fail_trial("0", "again")
    assert durable.end_order == ["0"]


def test_failing_an_ended_trial_changes_nothing(opened: simulation.Opened) -> None:
    """A completed trial would turn into a failed one."""
    durable = opened()
    simulation.end(durable, durable.create_trial("a"), 1.0)
    durable.fail_trial("0", "late")
    assert durable.get_trial("0").status == "COMPLETED"


def test_notes_are_kept_with_the_trial(opened: simulation.Opened) -> None:
    """A trial's seeds and its log could not be found."""
    durable = opened()
    trial = durable.create_trial("a")
    durable.note("0", seeds=[1, 2])
    durable.note("0", log="log.txt")
    simulation.end(durable, trial, 1.0)
    told = simulation.read(opened.directory).trials["0"].ended
    assert told is not None
    assert told["notes"] == {"seeds": [1, 2], "log": "log.txt"}


# Commits.


def journaled(directory: str) -> int:
    """How many bytes a study's journal has on disk, less the room that is kept there."""
    files = (Path(directory) / "journal").iterdir()
    return sum(len(file.read_bytes().rstrip(b"\n")) for file in files)


def test_nothing_is_durable_before_a_deferred_commit(opened: simulation.Opened) -> None:
    """A driver that answers many workers at once would wait for the disk each time."""
    durable = opened(autocommit=False)
    before = journaled(opened.directory)
    for worker in "abcd":
        trial = durable.create_trial(worker)
        if worker < "c":
            simulation.end(durable, trial, 1.0)
    assert journaled(opened.directory) == before
    durable.commit()
    assert journaled(opened.directory) > before
    assert simulation.unfinished(opened()) == ["2", "3"]


def test_full_disk_loses_nothing_that_was_committed(mount: Mount) -> None:
    """A search on a full disk could not be gone on with."""
    disk = mount("size=400k")
    directory = str(disk / "study")
    ballast = disk / "ballast"
    with Study.open(directory, simulation.FINGERPRINT, seed=1) as study:
        durable: Any = DurableOracle.open(simulation.oracle("random"), study)
        for _ in range(3):
            simulation.run_trial(durable, durable.create_trial("a"))
        trial = durable.create_trial("a")
        ballast.write_bytes(bytes(free(disk)))
        # More than the room that a journal keeps for its next commits.
        durable.note(trial.trial_id, log="x" * 20_000)
        with pytest.raises(StorageError, match="Free some space"):
            simulation.run_trial(durable, trial)
    ballast.unlink()
    assert len(simulation.history(directory).end_order) == 3
    simulation.search(directory, "random")
    reference = str(disk / "reference")
    simulation.search(reference, "random")
    assert simulation.results(directory) == simulation.results(reference)


def free(disk: Path) -> int:
    import os

    status = os.statvfs(disk)
    return status.f_bavail * status.f_bsize


def test_calls_may_come_from_many_threads(opened: simulation.Opened) -> None:
    """A driver with threads would hand out a trial twice or tear the journal."""
    oracle = simulation.oracle("random")
    oracle.max_trials = 64
    durable = opened.wrap(oracle)

    def work(worker: str) -> None:
        while (trial := durable.create_trial(worker)).status == "RUNNING":
            simulation.run_trial(durable, trial)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(durable.end_order) == [f"{n:02d}" for n in range(64)]
    told = simulation.read(opened.directory)
    assert sorted(told.end_order) == sorted(durable.end_order)
    assert len({t.ended["worker"] for t in told.trials.values() if t.ended}) > 1
