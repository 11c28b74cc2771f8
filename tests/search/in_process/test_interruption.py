"""Searches in process end when they are told to, and lose nothing by it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import keras_tuner
import pytest
from keras_tuner.engine import base_tuner

from tests.support import keras_trials, simulation
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.in_process.run import run_in_process
from tuner_component.search.options import SearchOptions
from tuner_component.search.study.study import Study

FOREVER_S = 3600.0


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Sees that a signal that is not caught fails its test, and not the whole run."""

    def uncaught(number: int, frame: Any) -> None:
        raise AssertionError("the signal was not caught")

    before = signal.signal(signal.SIGTERM, uncaught)
    yield
    left = signal.signal(signal.SIGTERM, before)
    assert left is uncaught
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL


def sigterm() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def wait_for_ever() -> None:
    threading.Event().wait()


class Acting(base_tuner.BaseTuner):  # type: ignore[misc]
    """Trials that do something on the way to their score, which is their number."""

    acts: dict[str, Callable[[], object]]
    ran: list[str]

    def run_trial(self, trial: Any) -> dict[str, float]:
        trial.hyperparameters.Float("x", 0.0, 1.0)
        self.ran.append(trial.trial_id)
        self.acts.get(trial.trial_id, bool)()
        return {"score": float(trial.trial_id)}


def search(
    root: Path,
    acts: dict[str, Callable[[], object]],
    grace_period_s: float = FOREVER_S,
    **options: Any,
) -> tuple[bool, Acting]:
    """Runs a search of five trials, or what is left of it."""
    oracle = keras_tuner.oracles.RandomSearchOracle(
        simulation.OBJECTIVE, max_trials=5, seed=2
    )
    tuner = Acting(oracle, directory=str(root / "workdir"))
    tuner.acts, tuner.ran = acts, []
    wanted = SearchOptions(grace_period_s=grace_period_s, **options)
    with Study.open(str(root / "study"), simulation.FINGERPRINT) as study:
        try:
            return run_in_process(tuner, {}, study, wanted), tuner
        finally:
            trials = tuner.oracle.trials.values()
            assert not [t.trial_id for t in trials if t.status in ("FAILED", "INVALID")]


def rest(root: Path) -> list[str]:
    """Runs the search to its end: the trials that were left."""
    complete, tuner = search(root, {})
    assert complete
    assert len(tuner.oracle.get_best_trials(None)) == 5
    return tuner.ran


def test_sigterm_lets_the_running_trial_finish(tmp_path: Path) -> None:
    """Stopping a pipeline would cost a trial, and not say how to go on."""
    with pytest.raises(SearchInterruptedError, match="SIGTERM.*again") as raised:
        search(tmp_path, {"1": sigterm})
    assert str(tmp_path / "study") in str(raised.value)
    assert rest(tmp_path) == ["2", "3", "4"]


def test_trial_is_interrupted_after_its_grace_period(tmp_path: Path) -> None:
    """A long trial would keep a machine that is being taken away."""

    def stop_and_wait() -> None:
        sigterm()
        wait_for_ever()

    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        search(tmp_path, {"1": stop_and_wait}, grace_period_s=0.05)
    assert rest(tmp_path) == ["1", "2", "3", "4"]


def test_second_sigterm_interrupts_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A trial that is not worth it could not be ended."""

    def stop_twice() -> None:
        sigterm()
        sigterm()
        wait_for_ever()

    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(SearchInterruptedError, match="SIGTERM"),
    ):
        search(tmp_path, {"1": stop_twice})
    assert "SIGTERM: a running trial has 3600 seconds to finish" in caplog.text
    assert rest(tmp_path) == ["1", "2", "3", "4"]


def test_time_budget_interrupts_a_trial_after_its_grace_period(tmp_path: Path) -> None:
    """The last trial would take as long as it likes, whatever the budget."""
    with pytest.raises(SearchInterruptedError):
        search(tmp_path, {"1": sigterm})
    complete, tuner = search(
        tmp_path, {"2": wait_for_ever}, grace_period_s=0.05, time_budget_s=1.0
    )
    assert not complete
    assert tuner.ran == ["2"]
    assert len(tuner.oracle.get_best_trials(None)) == 2
    assert rest(tmp_path) == ["2", "3", "4"]


class Told(logging.Handler):
    """Waits for a message."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self.event = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.getMessage():
            self.event.set()


def test_trial_that_runs_out_of_time_may_finish(tmp_path: Path) -> None:
    """A budget would throw away what is all but done."""
    told = Told("time budget is used up: a running trial has 3600 seconds")
    logging.getLogger("tuner_component").addHandler(told)
    try:
        complete, _ = search(tmp_path, {"0": told.event.wait}, time_budget_s=1.0)
    finally:
        logging.getLogger("tuner_component").removeHandler(told)
    assert not complete
    assert rest(tmp_path) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("then", ["fails", "completes", "goes on"])
def test_interruption_that_a_trial_swallows(tmp_path: Path, then: str) -> None:
    """A trial would fail, win with half a result, or go on for ever."""
    swallowed = []

    def swallow() -> None:
        sigterm()
        sigterm()
        try:
            wait_for_ever()
        except BaseException as interruption:
            swallowed.append(interruption)
            if then == "fails":
                raise RuntimeError from interruption
        if then == "goes on":
            wait_for_ever()

    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        search(tmp_path, {"1": swallow})
    assert swallowed
    assert rest(tmp_path) == ["1", "2", "3", "4"]


def test_what_cleans_up_is_not_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial could not remove its files, nor end its processes."""
    monkeypatch.setattr("tuner_component.search.in_process.interruption._AGAIN_S", 0.01)
    nudges, kill = threading.Semaphore(0), signal.pthread_kill
    cleaned = []

    def nudge(thread: int, number: int) -> None:
        kill(thread, number)
        nudges.release()

    def clean_up() -> None:
        sigterm()
        sigterm()
        try:
            wait_for_ever()
        finally:
            for _ in range(5):
                nudges.acquire()
            cleaned.append(True)

    monkeypatch.setattr(signal, "pthread_kill", nudge)
    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        search(tmp_path, {"1": clean_up})
    assert cleaned


@pytest.mark.slow
def test_what_cannot_be_interrupted_ends_with_the_process(tmp_path: Path) -> None:
    """SIGTERM would not end a process that is stuck in native code."""
    script = f"""
from tests.search.in_process import test_interruption as tests
from tuner_component.search.in_process import interruption
import logging, hashlib, pathlib
logging.basicConfig()
interruption._AGAIN_S = interruption._CLEAN_UP_S = 0.1
def stick():
    tests.sigterm()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
tests.search(pathlib.Path({str(tmp_path)!r}), {{"1": stick}}, grace_period_s=0.1)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert "SIGTERM: a running trial has 0.1 seconds to finish" in done.stderr
    assert "run the same search again" in done.stderr
    assert rest(tmp_path) == ["1", "2", "3", "4"]


def test_time_budget_that_ends_between_a_result_and_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial would count as completed that has no score, and nothing be published."""

    def export(self: Any, trial: Any) -> None:
        if trial.trial_id == "1":
            wait_for_ever()
        base_tuner.BaseTuner.on_trial_end(self, trial)

    monkeypatch.setattr(Acting, "on_trial_end", export)
    complete, tuner = search(tmp_path, {}, grace_period_s=0.05, time_budget_s=1.0)
    assert not complete
    assert [trial.trial_id for trial in tuner.oracle.get_best_trials(None)] == ["0"]
    monkeypatch.undo()
    assert rest(tmp_path) == ["1", "2", "3", "4"]


def test_search_within_a_trial_is_interrupted_with_it(tmp_path: Path) -> None:
    """The inner search would take the signal for its own, and the outer one go on."""
    inner: list[str] = []

    def stop() -> None:
        sigterm()
        sigterm()
        wait_for_ever()

    def nest() -> None:
        search(tmp_path / "inner", {"1": stop})
        inner.append("went on")

    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        search(tmp_path, {"1": nest})
    assert not inner
    assert rest(tmp_path / "inner") == ["1", "2", "3", "4"]
    assert rest(tmp_path) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("limit", ["time_budget_s", "grace_period_s"])
def test_limits_may_be_as_long_as_one_likes(tmp_path: Path, limit: str) -> None:
    """What watches the search would end, and nothing could be interrupted."""

    def stop() -> None:
        sigterm()
        sigterm()
        wait_for_ever()

    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        search(tmp_path, {"1": stop}, **{limit: 1e12})


def test_result_that_is_being_kept_is_not_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial could be published whose result is in no journal."""
    commit, nudged = Study.commit, threading.Event()
    kill = signal.pthread_kill

    def nudge(thread: int, number: int) -> None:
        kill(thread, number)
        nudged.set()

    def slow_commit(self: Study) -> None:
        if self.ended:  # type: ignore[attr-defined]
            sigterm()
            sigterm()
            nudged.wait()
        commit(self)

    def end() -> None:
        Study.ended = True  # type: ignore[attr-defined]

    monkeypatch.setattr(Study, "ended", False, raising=False)
    monkeypatch.setattr(Study, "commit", slow_commit)
    monkeypatch.setattr(signal, "pthread_kill", nudge)
    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        search(tmp_path, {"1": end})
    monkeypatch.undo()
    assert rest(tmp_path) == ["2", "3", "4"]


def test_sigterm_after_the_last_trial_stops_the_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pipeline would run on, though it was asked to end."""
    monkeypatch.setattr(Acting, "on_search_end", lambda self: sigterm())
    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        search(tmp_path, {})
    monkeypatch.undo()
    assert rest(tmp_path) == []


def test_ctrl_c_ends_at_once_and_says_how_to_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A search in process could not be left as any other Python program."""
    # Python does not handle it where a shell has started it in the background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path, {"1": lambda: os.kill(os.getpid(), signal.SIGINT)})
    finally:
        signal.signal(signal.SIGINT, before)
    assert f"kept in {tmp_path / 'study'}: run the same search again" in caplog.text
    assert "Interrupted. 1 trial completed, 0 failed." in caplog.text
    assert rest(tmp_path) == ["1", "2", "3", "4"]


def test_sigterm_ends_processes_that_a_trial_forks(tmp_path: Path) -> None:
    """A trial that ends its pool of processes would wait for them for ever."""
    exits: list[int | None] = []

    def fork_and_terminate() -> None:
        child = multiprocessing.get_context("fork").Process(target=wait_for_ever)
        child.start()
        child.terminate()
        child.join(60)
        exits.append(child.exitcode)
        child.kill()

    uncaught = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert search(tmp_path, dict.fromkeys("1234", fork_and_terminate))[0]
    assert signal.signal(signal.SIGTERM, uncaught) is signal.SIG_DFL
    assert exits == 4 * [-signal.SIGTERM]


def test_handlers_of_a_trial_are_its_childrens_too(tmp_path: Path) -> None:
    """Processes that a trial forks would not clean up as they were told to."""
    exits: list[int] = []

    def fork_and_terminate() -> None:
        before = signal.signal(signal.SIGTERM, lambda number, frame: os._exit(42))
        child = os.fork()
        if child == 0:
            wait_for_ever()
        os.kill(child, signal.SIGTERM)
        exits.append(os.waitpid(child, 0)[1])
        signal.signal(signal.SIGTERM, before)

    assert search(tmp_path, {"1": fork_and_terminate})[0]
    assert list(map(os.WEXITSTATUS, exits)) == [42]


def test_search_in_another_thread_keeps_to_its_time_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the main thread may see to signals: a search elsewhere would not begin."""
    found: list[bool] = []

    def much_later() -> None:
        monkeypatch.setattr(
            "time.monotonic", lambda before=time.monotonic: before() + FOREVER_S
        )

    def run() -> None:
        complete, _ = search(tmp_path, {"1": much_later}, time_budget_s=FOREVER_S)
        found.append(complete)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    monkeypatch.undo()
    assert found == [False]
    assert rest(tmp_path) == ["2", "3", "4"]


class StopAt(keras_trials.InterruptAt):
    """Asks the process to end at once; the training goes on until it does."""

    def interrupt(self) -> None:
        sigterm()
        sigterm()


@pytest.mark.slow
def test_interrupted_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted Keras trial would begin anew, or be a failed one."""
    monkeypatch.setattr(
        "tuner_component.search.training.instrument.WriteBudget",
        keras_trials.EveryEpoch,
    )

    def train(stop_after: int | None, epochs: int) -> list[int]:
        StopAt.after(stop_after)
        tuner = keras_tuner.RandomSearch(
            keras_trials.build, "val_loss", max_trials=1, directory=tmp_path / "work"
        )
        fit_kwargs = {**keras_trials.DATA, "epochs": epochs, "callbacks": [StopAt()]}
        with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
            run_in_process(tuner, fit_kwargs, study)
        return StopAt.epochs

    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        train(stop_after=3, epochs=1000)
    last = StopAt.epochs[-1]
    assert last < 999
    again = train(stop_after=None, epochs=last + 2)
    assert again in ([last, last + 1], [last + 1])


class StopTwiceAt(keras_trials.InterruptAt):
    """Asks the process to end, and after one more epoch to end at once."""

    tuner: ClassVar[Any] = None

    @classmethod
    def in_grace(cls) -> bool:
        return bool(cls.tuner.oracle.interruption.in_grace)

    def interrupt(self) -> None:
        sigterm()
        while not self.in_grace():
            time.sleep(0.01)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if len(self.epochs) == (self.remaining or -2) + 1:
            sigterm()
            wait_for_ever()


@pytest.mark.slow
def test_what_is_trained_in_the_grace_period_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All epochs since the last one that was saved would be lost with the process."""
    monkeypatch.setattr(
        "tuner_component.search.training.instrument.WriteBudget", keras_trials.NoEpoch
    )

    def train(stop_after: int | None) -> list[int]:
        StopTwiceAt.after(stop_after)
        StopTwiceAt.tuner = tuner = keras_tuner.RandomSearch(
            keras_trials.build, "val_loss", max_trials=1, directory=tmp_path / "work"
        )
        fit_kwargs = {**keras_trials.DATA, "epochs": 6, "callbacks": [StopTwiceAt()]}
        with Study.open(str(tmp_path / "study"), simulation.FINGERPRINT) as study:
            run_in_process(tuner, fit_kwargs, study)
        return StopTwiceAt.epochs

    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        train(stop_after=2)
    assert StopTwiceAt.epochs == [0, 1, 2]
    assert train(stop_after=None) == [3, 4, 5]
