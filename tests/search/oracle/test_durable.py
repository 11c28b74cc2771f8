"""The durable oracle is the user's oracle, and what it said stays said."""

import logging
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from keras_tuner import oracles

from tests.search.conftest import Mount
from tests.support import crashes, simulation
from tuner_component.search import events
from tuner_component.search.errors import (
    SearchError,
    SearchFailedError,
    StorageError,
    StudyMismatchError,
)
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study


class Opened:
    """Opens a study again and again, as run after run of one search would."""

    def __init__(self, directory: Path) -> None:
        self.directory = str(directory)
        self.study: Study | None = None

    def __call__(self, kind: str = "random", **kwargs: Any) -> Any:
        return self.wrap(simulation.oracle(kind), **kwargs)

    def wrap(self, oracle: keras_tuner.Oracle, **kwargs: Any) -> Any:
        self.close()
        self.study = Study.open(self.directory, simulation.FINGERPRINT, seed=1)
        return DurableOracle.open(oracle, self.study, **kwargs)

    def close(self) -> None:
        if self.study is not None:
            self.study.close()


@pytest.fixture(name="opened")
def _opened(tmp_path: Path) -> Iterator[Opened]:
    opened = Opened(tmp_path / "study")
    yield opened
    opened.close()


def fail(durable: Any, trial: Any, message: str = "Traceback: boom") -> None:
    trial.status, trial.message = "FAILED", message
    durable.end_trial(trial)


def end(durable: Any, trial: Any, score: float) -> None:
    durable.update_trial(trial.trial_id, {"score": score})
    trial.status = "COMPLETED"
    durable.end_trial(trial)


# It passes for the oracle it wraps.


def test_passes_for_the_users_oracle(opened: Opened) -> None:
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


def test_attributes_are_set_on_the_users_oracle(opened: Opened) -> None:
    """A limit that a tuner changes would change nothing."""
    oracle = simulation.oracle("random")
    durable = opened.wrap(oracle)
    durable.max_trials = 1
    assert oracle.max_trials == 1
    durable.create_trial("a")
    assert durable.create_trial("b").status == "STOPPED"


def test_methods_can_be_replaced_on_one_instance(opened: Opened) -> None:
    """Tests and wrappers of the user's could not stand between."""
    durable = opened()
    durable.get_best_trials = lambda num_trials=1: ["mine"]
    assert durable.get_best_trials() == ["mine"]


def test_same_tuner_gets_the_same_trial(opened: Opened) -> None:
    """Workers that train one model together would get different ones."""
    durable = opened()
    assert durable.create_trial("a") is durable.create_trial("a")
    assert durable.create_trial("b").trial_id == "1"


def test_all_best_trials_of_an_unlimited_search(opened: Opened) -> None:
    """Hyperband and grid search have no number of trials to ask for."""
    durable = opened("grid")
    for score in (3.0, 1.0, 2.0):
        end(durable, durable.create_trial("a"), score)
    fail(durable, durable.create_trial("a"))
    durable.create_trial("a")
    assert [t.score for t in durable.get_best_trials(None)] == [1.0, 2.0, 3.0]
    assert [t.score for t in durable.get_best_trials()] == [1.0]
    assert len(durable.get_best_trials(9)) == 5


def test_trial_can_be_ended_by_its_id(opened: Opened) -> None:
    """Tuners written for older versions of KerasTuner would fail every trial."""
    durable = opened()
    trial = durable.create_trial("a")
    values = dict(trial.hyperparameters.values)
    durable.update_trial(trial.trial_id, {"score": 1.0})
    durable.end_trial(trial.trial_id, "COMPLETED")
    assert durable.get_trial(trial.trial_id).score == 1.0
    assert durable.get_trial(trial.trial_id).hyperparameters.values == values


@pytest.mark.parametrize("call", ["end_trial", "update_trial", "note", "fail_trial"])
def test_unknown_trial_is_explained(opened: Opened, call: str) -> None:
    """A mixed-up id would be a bare KeyError, and leave the oracle locked."""
    durable = opened()
    arguments = {"update_trial": ({},), "fail_trial": ("",)}.get(call, ())
    with pytest.raises(SearchError, match="'99'"):
        getattr(durable, call)("99", *arguments)
    assert durable.create_trial("a").status == "RUNNING"


def test_error_of_a_call_leaves_the_oracle_usable(opened: Opened) -> None:
    """One bad report would block all workers for ever."""
    durable = opened()
    trial = durable.create_trial("a")
    with pytest.raises(ValueError, match="score"):
        durable.update_trial(trial.trial_id, {"other": 1.0})
    done = threading.Thread(target=end, args=(durable, trial, 1.0), daemon=True)
    done.start()
    done.join(30)
    assert durable.get_trial(trial.trial_id).status == "COMPLETED"


# Trials end once, and failures are results.


def test_late_word_of_a_trial_is_dropped(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    """A trial would count twice, with the result of a worker given up on."""
    durable = opened()
    trial = durable.create_trial("a")
    end(durable, trial, 1.0)
    with caplog.at_level(logging.WARNING):
        durable.update_trial(trial.trial_id, {"score": 0.0})
        durable.end_trial(trial)
    assert "late word of trial 0" in caplog.text
    assert durable.end_order == ["0"]
    assert durable.get_trial("0").score == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("direction", ["min", "max"])
def test_score_that_is_no_number_never_wins(
    opened: Opened, value: float, direction: str
) -> None:
    """A diverged model would be published as the best."""
    oracle = simulation.oracle("random")
    oracle.objective = keras_tuner.Objective("score", direction)
    durable = opened.wrap(oracle)
    end(durable, durable.create_trial("a"), 1.0)
    end(durable, durable.create_trial("a"), value)
    assert [t.score for t in durable.get_best_trials(None)] == [1.0]
    told = simulation.read(opened.directory).trials["1"].ended
    assert told is not None
    assert (told["status"], told["score"]) == ("FAILED", None)
    assert f"Received: {value}" in told["message"]


def test_infinities_do_not_reach_the_model_of_a_bayesian_search(
    opened: Opened,
) -> None:
    """One diverged trial would attract all others."""
    durable = opened("bayesian")
    for score in (1.0, math.inf, 2.0, -math.inf, 3.0):
        end(durable, durable.create_trial("a"), score)
    _, scores = durable._vectorize_trials()
    assert sorted(scores) == [1.0, 2.0, 3.0]


def test_retry_that_the_user_asked_for(opened: Opened) -> None:
    """A flaky trial would fail for good, or never recover from its first score."""
    oracle = simulation.oracle("random")
    oracle.max_retries_per_trial = 2
    durable = opened.wrap(oracle)
    end(durable, durable.create_trial("a"), math.nan)
    trial = durable.create_trial("a")
    trial.status, trial.message = "INVALID", "Traceback: flaky"
    durable.end_trial(trial)
    trial = durable.create_trial("a")
    assert trial.trial_id == "0"
    assert trial.message is None
    end(durable, trial, 2.0)
    assert durable.get_trial("0").score == 2.0
    assert durable.create_trial("a").trial_id == "1"
    told = simulation.read(opened.directory).trials["0"]
    assert [bool(a["failed"]) for a in told.attempts] == [True, True]
    assert told.attempts[1]["reason"] == "Traceback: flaky"
    assert told.ended is not None
    assert told.ended["attempts"] == 3


def test_observer_is_told_what_becomes_of_trials(opened: Opened) -> None:
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
        fail(durable, durable.create_trial("a"))
    values = trial.hyperparameters.values
    started = events.TrialBegun("0", "a", values)
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
    opened: Opened, score: float, status: str
) -> None:
    """Its trials would run for ever, or its infinities win."""
    durable = opened.wrap(OwnBookkeeping(objective=simulation.OBJECTIVE, max_trials=3))
    end(durable, durable.create_trial("a"), score)
    assert simulation.unfinished(durable) == []
    told = simulation.read(opened.directory).trials["0"].ended
    assert told is not None
    assert told["status"] == status


def test_retries_end(opened: Opened) -> None:
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


def test_limit_ends_the_search_with_the_first_traceback(opened: Opened) -> None:
    """A broken module would be trained to the last trial."""
    durable = opened(max_failed_trials=1)
    fail(durable, durable.create_trial("a"), "Traceback: first")
    with pytest.raises(SearchFailedError, match="Traceback: first"):
        fail(durable, durable.create_trial("a"), "Traceback: second")
    with pytest.raises(SearchFailedError):
        durable.create_trial("a")
    assert simulation.read(opened.directory).end_order == ["0", "1"]
    assert opened(max_failed_trials=2).create_trial("a").trial_id == "2"
    with pytest.raises(SearchFailedError):
        opened(max_failed_trials=1).create_trial("a")


def test_three_failures_in_a_row_do_not_end_the_search(opened: Opened) -> None:
    """KerasTuner's own limit would."""
    durable = opened()
    for _ in range(4):
        fail(durable, durable.create_trial("a"))
    end(durable, durable.create_trial("a"), 1.0)


def test_search_without_a_result_is_no_success(opened: Opened) -> None:
    """The pipeline would go on with nothing."""
    durable = opened()
    fail(durable, durable.create_trial("a"), "Traceback: only")
    with pytest.raises(SearchFailedError, match="Traceback: only"):
        durable.finish()


# Attempts.


def test_lost_attempt_is_handed_out_again_first(opened: Opened) -> None:
    """The death of a worker would cost a trial, or its place in the search."""
    durable = opened()
    first, second = durable.create_trial("a"), durable.create_trial("b")
    durable.update_trial(first.trial_id, {"score": 100.0})
    assert durable.attempt_lost("0", "killed by signal 9", status=-9) == 1
    assert simulation.waiting(durable) == ["0"]
    assert simulation.unfinished(durable) == ["0", "1"]
    again = durable.create_trial("c")
    assert again.trial_id == "0"
    assert simulation.waiting(durable) == []
    end(durable, again, 2.0)
    assert durable.get_trial("0").score == 2.0
    end(durable, second, 1.0)
    assert simulation.unfinished(durable) == []
    told = simulation.read(opened.directory).trials["0"]
    assert told.attempts[0]["reason"] == "killed by signal 9"
    assert told.attempts[0]["status"] == -9
    assert told.attempts[0]["worker"] == "a"
    assert told.ended is not None
    assert (told.ended["worker"], told.ended["attempts"]) == ("c", 2)


def test_result_of_a_worker_given_up_on_is_dropped(opened: Opened) -> None:
    """A hung worker that wakes up would end a trial that another one runs."""
    durable = opened()
    stale = durable.create_trial("a").get_state()
    durable.attempt_lost("0", "hung")
    late = keras_tuner.engine.trial.Trial.from_state({**stale, "status": "COMPLETED"})
    durable.end_trial(late)
    assert simulation.unfinished(durable) == ["0"]
    assert durable.create_trial("b").trial_id == "0"


def test_attempt_is_lost_once(opened: Opened) -> None:
    """Two workers would get one trial."""
    durable = opened()
    durable.create_trial("a")
    durable.attempt_lost("0", "killed")
    with pytest.raises(SearchError, match="once"):
        durable.attempt_lost("0", "killed")
    end(durable, durable.create_trial("a"), 1.0)
    with pytest.raises(SearchError, match="ended"):
        durable.attempt_lost("0", "killed")
    assert simulation.waiting(durable) == []


@pytest.mark.parametrize("waiting", [True, False])
def test_trial_can_be_failed_by_the_driver(opened: Opened, waiting: bool) -> None:
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


def test_failing_an_ended_trial_changes_nothing(opened: Opened) -> None:
    """A completed trial would turn into a failed one."""
    durable = opened()
    end(durable, durable.create_trial("a"), 1.0)
    durable.fail_trial("0", "late")
    assert durable.get_trial("0").status == "COMPLETED"


def test_notes_are_kept_with_the_trial(opened: Opened) -> None:
    """A trial's seeds and its log could not be found."""
    durable = opened()
    trial = durable.create_trial("a")
    durable.note("0", seeds=[1, 2])
    durable.note("0", log="log.txt")
    end(durable, trial, 1.0)
    told = simulation.read(opened.directory).trials["0"].ended
    assert told is not None
    assert told["notes"] == {"seeds": [1, 2], "log": "log.txt"}


# Resuming.


@pytest.mark.parametrize("kind", [k for k in simulation.KINDS if k != "bayesian"])
def test_trials_in_flight_come_first_and_once(opened: Opened, kind: str) -> None:
    """Trials that ran at the crash would be lost or run by two workers."""
    durable = opened(kind)
    for number in range(3):
        end(durable, durable.create_trial("a"), float(number))
    running = {}
    for worker in "abc":
        trial = durable.create_trial(worker)
        if trial.status == "RUNNING":
            running[trial.trial_id] = dict(trial.hyperparameters.values)
    assert running
    for _ in range(2):
        durable = opened(kind)
        assert simulation.waiting(durable) == list(running)
        again = [durable.create_trial(w) for w in "xyz"[: len(running)]]
        assert {t.trial_id: dict(t.hyperparameters.values) for t in again} == running
        assert list(running) == [t.trial_id for t in again]
        assert simulation.waiting(durable) == []
    told = simulation.read(opened.directory).trials
    assert [len(told[i].attempts) for i in running] == [2] * len(running)


def test_everything_known_of_a_trial_comes_back(opened: Opened) -> None:
    """Results published after a resume would differ from those seen before."""
    durable = opened()
    trial = durable.create_trial("a")
    trial.hyperparameters.Int("late", 1, 5)
    for step, score in enumerate((3.0, 1.0, 2.0)):
        metrics = {"score": score, "other": math.nan}
        durable.update_trial(trial.trial_id, metrics, step)
    trial.status = "COMPLETED"
    durable.end_trial(trial)
    fail(durable, durable.create_trial("a"), "Traceback")
    before = [t.get_state() for t in durable.trials.values()]
    state = durable.get_state()
    again = opened()
    after = [t.get_state() for t in again.trials.values()]
    assert repr(after) == repr(before)  # As text: nan differs from itself.
    assert after[0]["best_step"] == 1
    restored = again.get_state()
    for key in ("tried_so_far", "display"):
        assert sorted(restored.pop(key)) == sorted(state.pop(key))
    assert restored == state


def test_seed_that_was_drawn_is_kept(opened: Opened) -> None:
    """An unseeded search would go on as another one."""

    def unseeded() -> Any:
        return oracles.RandomSearchOracle(
            simulation.OBJECTIVE, 9, hyperparameters=simulation.space()
        )

    durable = opened.wrap(unseeded())
    seed = durable.seed
    durable.create_trial("a")
    following = durable.create_trial("b").hyperparameters.values
    again = opened.wrap(unseeded())
    assert again.seed == seed
    assert [again.create_trial(w) for w in "ab"][1].hyperparameters.values == following


def test_search_space_of_a_resumed_study_is_its_own(opened: Opened) -> None:
    """Hyperparameters found before the crash would be forgotten."""
    durable = opened()
    trial = durable.create_trial("a")
    trial.hyperparameters.Int("late", 1, 5)
    end(durable, trial, 1.0)
    assert "late" in opened().get_space().values


@pytest.mark.parametrize("what", ["oracle", "objective"])
def test_other_search_is_refused(opened: Opened, what: str) -> None:
    """One search would be gone on with as another."""
    opened("random")
    other = simulation.oracle("grid" if what == "oracle" else "random")
    if what == "objective":
        other.objective = keras_tuner.Objective("loss", "min")
    with pytest.raises(StudyMismatchError, match=f"Expected the {what}"):
        opened.wrap(other)


def test_trials_that_kerastuner_reloaded_are_taken_up(
    opened: Opened, tmp_path: Path
) -> None:
    """Users who come from the stock Tuner would start anew."""
    stock = simulation.oracle("random")
    stock._set_project_dir(str(tmp_path), "project")
    stock.verbose = 0
    end(stock, stock.create_trial("a"), 1.0)
    running = stock.create_trial("a").hyperparameters.values
    reloaded = simulation.oracle("random")
    reloaded._set_project_dir(str(tmp_path), "project")
    reloaded.reload()
    for oracle in (reloaded, simulation.oracle("random")):
        durable = opened.wrap(oracle)
        assert durable.get_trial("0").score == 1.0
        assert durable.create_trial("b").hyperparameters.values == running
    assert durable.create_trial("c").trial_id == "2"


def test_finished_study_gives_its_results_and_no_trial(opened: Opened) -> None:
    """A finished search would be extended by accident."""
    durable = opened()
    end(durable, durable.create_trial("a"), 1.0)
    durable.finish()
    again = opened()
    assert [t.score for t in again.get_best_trials(None)] == [1.0]
    assert again.create_trial("a").status == "STOPPED"
    assert simulation.waiting(again) == []


@pytest.mark.parametrize(
    "point",
    [
        f"trial.{transition}.{when}:{nth}"
        for transition in ("created", "ended", "attempt")
        for when in ("before", "after")
        for nth in (1, 2)
    ],
)
def test_crash_around_each_kind_of_record(tmp_path: Path, point: str) -> None:
    """A crash beside a lost attempt would lose the trial or count it twice."""
    directory = str(tmp_path)

    def search() -> None:
        with Study.open(directory, simulation.FINGERPRINT, seed=1) as study:
            durable = DurableOracle.open(simulation.oracle("random"), study)
            lost: set[str] = set()
            while (trial := durable.create_trial("a")).status == "RUNNING":
                if int(trial.trial_id) % 3 == 1 and trial.trial_id not in lost:
                    lost.add(trial.trial_id)
                    durable.attempt_lost(trial.trial_id, "killed")
                else:
                    simulation.run_trial(durable, trial)
            durable.finish()

    assert not crashes.run(search, point)
    assert crashes.run(search)
    reference = str(tmp_path / "reference")
    assert crashes.run(lambda: simulation.search(reference, "random"))
    assert simulation.results(directory) == simulation.results(reference)


# Commits.


def test_nothing_is_durable_before_a_deferred_commit(opened: Opened) -> None:
    """A driver that answers many workers at once would wait for the disk each time."""
    durable = opened(autocommit=False)
    journal = Path(opened.directory) / "journal"
    before = len(list(journal.iterdir()))
    for worker in "abcd":
        trial = durable.create_trial(worker)
        if worker < "c":
            end(durable, trial, 1.0)
    assert len(list(journal.iterdir())) == before
    durable.commit()
    assert len(list(journal.iterdir())) == before + 1
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


def test_calls_may_come_from_many_threads(opened: Opened) -> None:
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
