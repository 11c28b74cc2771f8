"""Weights & Biases in a process of its own.

Its client has the process that uses it wait, at its end, until all is uploaded: for ever, if
nobody answers. It also keeps what is set for one run in variables and in singletons, where
the user's own training may have something else. A process of its own can be ended.
"""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from tuner_component.export import telling
from tuner_component.export.telling import Ending, Runs, Standing, Step, Subject
from tuner_component.report.record import StudyRecord
from tuner_component.search.machine import interpreter

# Seconds that it goes on after the process that it is for.
_GRACE_S = 10.0
_LOOK_S = 5.0
# The user's own: they are of one run, or of the service of one process.
_NOT_OURS = (
    *("WANDB_RUN_ID", "WANDB_RESUME", "WANDB_NAME", "WANDB_RUN_GROUP", "WANDB_NOTES"),
    *("WANDB_JOB_TYPE", "WANDB_SWEEP_ID", "WANDB_SERVICE", "WANDB_RUN_DIR"),
    *("WANDB_FORK_FROM", "WANDB_RESUME_FROM"),
)


class RemoteRuns:
    """The runs of one study in Weights & Biases, told to a process that tells them.

    Args:
        study_id: Of the study.
        directory: Where the directory `wandb` is made; None for what its variables say.

    Attributes:
        place: Where they are, for people.

    Raises:
        ImportError: If wandb is not installed.
        Exception: wandb's own, here and in all methods, if it does not take something.
    """

    def __init__(self, study_id: str, directory: str | None = None) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in _NOT_OURS}
        # It reports its own failures to its makers, unless told not to.
        environment.setdefault("WANDB_ERROR_REPORTING", "false")
        environment["WANDB_SILENT"] = "true"
        if directory:
            environment["WANDB_DIR"] = os.path.abspath(directory)
        self._connection, theirs = Pipe()
        with theirs:
            self._process = interpreter.start(
                __name__, theirs, subprocess.DEVNULL, environment
            )
        self._connection.send(sys.path)
        self._connection.send(study_id)
        try:
            self.place: str = self._answer()
        except BaseException:
            self.abandon()
            raise

    def status(self, trial_id: str) -> str | None:
        """See `Runs`."""
        found: str | None = self._ask("status", trial_id)
        return found

    def begin(
        self, subject: Subject, values: Mapping[str, Any], started: float | None
    ) -> None:
        """See `Runs`."""
        self._ask("begin", subject, dict(values), started)

    def drop(self, trial_id: str) -> None:
        """See `Runs`."""
        self._ask("drop", trial_id)

    def log(self, trial_id: str, steps: Collection[Step]) -> None:
        """See `Runs`."""
        self._ask("log", trial_id, list(steps))

    def end(self, trial_id: str, ending: Ending) -> None:
        """See `Runs`."""
        self._ask("end", trial_id, ending)

    def add(
        self, trial_id: str, values: Mapping[str, Any], figures: Mapping[str, float]
    ) -> bool:
        """See `Runs`."""
        return bool(self._ask("add", trial_id, dict(values), dict(figures)))

    def stand(self, standing: Standing) -> None:
        """See `Runs`."""
        self._ask("stand", standing)

    def close(self) -> None:
        """See `Runs`."""
        try:
            self._ask("close")
        finally:
            self._connection.close()
            self._process.wait()  # Its `main` sees to it that this is soon.

    def abandon(self) -> None:
        """See `Runs`: ends the process, and its service with it."""
        self._process.kill()
        self._process.wait()

    def _ask(self, method: str, *arguments: Any) -> Any:
        self._connection.send((method, arguments))
        return self._answer()

    def _answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise ConnectionError("the process that tells it has ended") from error
        if isinstance(answer, BaseException):
            raise answer
        return answer


def main(connection: Connection) -> NoReturn:
    """Does what a `RemoteRuns` asks for, until it is closed or its process is gone."""
    orders: queue.SimpleQueue[Any] = queue.SimpleQueue()
    study_id = connection.recv()
    threading.Thread(target=_listen, args=(connection, orders), daemon=True).start()
    try:
        from tuner_component.export import wandb_runs

        runs = wandb_runs.Runs(study_id)
        connection.send(runs.place)
        while (order := orders.get()) is not None:
            _obey(runs, order, connection)
        runs.close()
    except BaseException as error:  # noqa: BLE001
        _send(connection, error)
    # Not the way through what its client does at the end of a process.
    os._exit(0)


def _listen(connection: Connection, orders: "queue.SimpleQueue[Any]") -> None:
    """Hears what is asked for. Once nobody is left who asks, all must end soon."""
    parent = os.getppid()
    try:
        # Processes that its own was copied to may keep the connection open.
        while os.getppid() == parent:
            if connection.poll(_LOOK_S):
                orders.put(connection.recv())
    except (EOFError, OSError):
        pass
    orders.put(None)
    time.sleep(_GRACE_S)
    os._exit(1)


def _obey(runs: Runs, order: Any, connection: Connection) -> None:
    method, arguments = order
    try:
        answer = getattr(runs, method)(*arguments)
    except Exception as error:  # noqa: BLE001
        answer = error
    _send(connection, answer)


def _send(connection: Connection, answer: Any) -> None:
    if isinstance(answer, BaseException) and not isinstance(answer, ImportError):
        # Its class may be wandb's, which is not imported over there.
        answer = RuntimeError(f"{type(answer).__name__}: {answer}")
    try:
        connection.send(answer)
    except OSError:
        pass  # Nobody is left to hear it.


def export(study: StudyRecord, directory: str) -> int:
    """Brings a study to Weights & Biases; what is there already is left alone.

    Args:
        study: The study.
        directory: Where the directory `wandb` is made; "" for what its variables say.

    Returns:
        How many trials and re-runs were new.

    Raises:
        ValueError: If wandb is not installed, or does not take it.
    """
    try:
        runs = RemoteRuns(study.study_id, directory or None)
        try:
            count = telling.complete(runs, study)
            runs.close()
        finally:
            runs.abandon()  # Who interrupts this does not wait for a server.
        return count
    except ImportError as error:
        raise ValueError(
            f"Expected wandb to be installed. Received: {error}. Install "
            "'tfx-tuner-component[wandb]'."
        ) from error
    except Exception as error:
        raise ValueError(
            f"Expected Weights & Biases to take the study. Received: {error}. What is "
            "there stays; the same command goes on with it."
        ) from error
