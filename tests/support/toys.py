"""User code for tests: tuners whose trials do what a test asks for."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from absl import flags

from tests.support import meeting
from tests.support.scripts import Script
from tuner_component.search import events
from tuner_component.search.parallel import protocol
from tuner_component.search.training.epoch_reports import report_epoch


class Toy(keras_tuner.Tuner):
    """Its score is 0.1 times the trial's number."""

    script: Script

    def run_trial(self, trial: Any) -> Any:
        number = int(trial.trial_id)
        acts = self.script.acts.get(str(number), [self.script.act])
        attempt = self._count_attempt(number)
        (Path(self.script.directory) / f"pid-{number}").write_text(str(os.getpid()))
        name = acts[min(attempt, len(acts) - 1)]
        Path(self.project_dir, f"checkpoint-{number}").touch()
        began = time.monotonic()
        if name.startswith("say "):
            _say(name, self.oracle, trial.trial_id)
        try:
            return _act(name, self.script, trial, number)
        finally:
            with Path(self.script.directory, "times").open("a") as file:
                print(number, began, time.monotonic(), file=file)

    def _count_attempt(self, number: int) -> int:
        path = Path(self.script.directory) / f"attempts-{number}"
        with path.open("ab") as file:
            file.write(b".")
        return path.stat().st_size - 1


def _act(name: str, script: Script, trial: Any, number: int) -> Any:
    score = number / 10
    if name.startswith("meet"):
        meeting.attend(script.meeting, pid=os.getpid(), trial=number)
    if name == "meet, print":
        print("a line that is as long as a page, " * 128, flush=True)
    if name == "meet, take 1 GiB":
        bytearray(1 << 30)
    if name == "meet, grow":
        held = []
        while True:  # As a training does: not at once.
            held.append(bytearray(64 << 20))
            time.sleep(0.2)
    if name == "meet, run out of memory":
        raise MemoryError
    if name == "spawn and meet":
        child = subprocess.Popen(["sleep", "3600"])
        meeting.attend(script.meeting, pid=os.getpid(), trial=number)
        child.kill()
        child.wait()
    elif name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "end the search":
        os.kill(os.getppid(), signal.SIGKILL)  # The fork server.
        time.sleep(3600)
    elif name == "die of a signal without a name":
        os.kill(os.getpid(), signal.SIGRTMIN + 6)
    elif name == "crash":
        ctypes.string_at(0)
    elif name == "exit":
        sys.exit(3)
    elif name == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif name == "hang":
        time.sleep(3600)
    elif name == "raise":
        raise ValueError(f"trial {number} is broken")
    elif name == "fatal":
        raise keras_tuner.errors.FatalValueError("no trial can work")
    elif name == "memory":
        raise MemoryError
    elif name == "fill the disk":
        _fill(script.directory)
    elif name == "nan":
        return float("nan")
    elif name == "print":
        print("from Python")
        ctypes.CDLL(None).puts(b"from C")
    elif name == "print settings":
        steps = flags.FLAGS["toy_steps"].value
        print("settings", sys.getrecursionlimit(), np.geterr()["divide"], steps)
    elif name.startswith("print "):
        print(os.environ.get(name.partition(" ")[2]))
    elif name == "train":
        return _train(Path(script.directory), number)
    elif name == "meet, tick":
        return _tick(Path(script.directory), number) or score
    elif name.startswith("sleep "):
        time.sleep(float(name.partition(" ")[2]))
    return score


def _train(directory: Path, number: int) -> float:
    """Trains until it is told to stop, and leaves a sign of each epoch."""
    epoch = 0
    while not report_epoch({"default_objective": 1.0 + number}, epoch):
        (directory / f"trains-{number}").write_text(str(epoch))
        epoch += 1
        time.sleep(0.02)
    return 1.0 + number


def _tick(directory: Path, number: int) -> float | None:
    """Writes down when it runs, until a file tells it to end, with a score perhaps.

    It prints more than a connection that is cut takes.
    """
    everyone, alone = directory / "end", directory / f"end-{number}"
    with (directory / f"ticks-{number}").open("a", buffering=1) as file:
        while True:
            print(os.getpid(), time.monotonic(), file=file)
            print("x" * 8192)
            if everyone.exists() or alone.exists():
                break
            time.sleep(0.05)
    return float(alone.read_text() or 0) if alone.exists() else None


def _say(what: str, oracle: Any, trial_id: str) -> None:
    """Says to the driver what no worker should."""
    link = oracle._call_driver.__self__
    if what == "say garbage":
        link._channel.send_bytes(b"garbage")
    elif what == "say a wrong epoch":
        link.tell(events.EpochEnded(trial_id, 0, 400_000_000, {"loss": 1.0}))
    elif what == "say a wrong trial":
        link.call("update_trial", "1000000", {"score": 1.0})
    elif what == "say to finish":
        link.call("finish")
    elif what == "say to report a wrong epoch":
        link.call("report_epoch", trial_id, 0, -1, {"loss": 1.0})
    elif what == "say to answer nobody":
        link.tell(protocol.Request(1_000_000, "get_space"))
        link.call("get_space")
    time.sleep(3600)


def _fill(directory: str) -> None:
    """Writes until the disk is full, also for a log on the same disk."""
    with Path(directory, "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            print("no space left in the log either, " * 256, flush=True)
            raise


class Thinker(keras_tuner.oracles.RandomSearchOracle):
    """Takes a while for a suggestion."""

    script: Script

    def populate_space(self, trial_id: str) -> Any:
        if self.script.think == "meet":
            meeting.attend(self.script.meeting, suggestion=int(trial_id))
            time.sleep(0.05)
        elif self.script.think:
            time.sleep(float(self.script.think))
        return super().populate_space(trial_id)


def make(argument: bytes, role: str) -> Any:
    """The entry point of toy searches."""
    script = Script(**json.loads(argument))
    if role == "check":
        raise RuntimeError("only in the check")
    if role == "worker" and script.worker_fault == "exit":
        sys.exit(4)
    if role == "worker" and script.worker_fault == "raise":
        raise RuntimeError("only in workers")
    if script.module:
        __import__(script.module)
    Path(script.directory).mkdir(parents=True, exist_ok=True)
    if role == "driver" and script.driver_fault == "hang":
        Path(script.directory, "driver").touch()
        time.sleep(3600)
    space = keras_tuner.HyperParameters()
    space.Int("x", 0, 1_000_000)
    oracle = Thinker(max_trials=script.trials, hyperparameters=space, seed=1)
    oracle.script = script
    tuner = Toy(
        oracle,
        directory=script.directory,
        project_name="toy",
        overwrite=script.overwrite,
    )
    tuner.script = script
    return types.SimpleNamespace(tuner=tuner, fit_kwargs={})
