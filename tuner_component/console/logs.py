"""`logs`: what a trial printed, also as it prints it."""

import argparse
import contextlib
import os
import sys
import time

from tuner_component.console.errors import NoResultError
from tuner_component.console.place import OVER, Place, standing, trial_named
from tuner_component.report.record import PAUSED, RUNNING
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files

# Seconds between two looks at a log, and at the study: whether the trial goes on.
_AGAIN_S, _ENDED_S = 0.5, 3.0


def run(args: argparse.Namespace) -> None:
    """Runs the command.

    Raises:
        NoResultError: If the trial has no log.
        ValueError: If there is no such trial.
    """
    place = Place.of(args.study)
    place.require_own()
    trial_id = trial_named(place.load(), args.trial)
    log = _Log(str(place.log(trial_id)))
    if args.follow:
        with contextlib.suppress(KeyboardInterrupt):  # It only looked.
            _follow(log, place, trial_id)
    if not log.show() and not log.shown:
        raise NoResultError(
            f"Expected the log of trial {trial_id} at {log.path}. Received: none. A trial "
            "has one when it has begun in a worker (num_parallel_trials is 1 or more); a "
            "search in process prints where it was started, and on a cluster or in a "
            "bucket logs come when the trial has ended."
        )


def _follow(log: "_Log", place: Place, trial_id: str) -> None:
    """Shows what comes until the trial has ended, or nobody works on the study."""
    while _goes_on(place, trial_id):
        until = time.monotonic() + _ENDED_S
        while time.monotonic() < until:
            log.show()
            time.sleep(_AGAIN_S)


def _goes_on(place: Place, trial_id: str) -> bool:
    holder, study = place.holder(), place.load()
    if standing(study, holder) in OVER:
        return False
    trials = (*study.trials, *study.reruns)
    status = next((t.status for t in trials if t.trial_id == trial_id), RUNNING)
    return status in (RUNNING, PAUSED)


class _Log:
    """A log that grows.

    Attributes:
        path: Path or URI.
        shown: How many of its bytes were shown.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.shown = 0

    def show(self) -> bool:
        """Shows what is new; returns whether there was anything."""
        data = self._new()
        self.shown += len(data)
        if data:
            # Its bytes, as they are: progress bars, colours, any encoding.
            sys.stdout.flush()
            raw = getattr(sys.stdout, "buffer", None)
            if raw is None:
                sys.stdout.write(data.decode(errors="backslashreplace"))
            else:
                raw.write(data)
            sys.stdout.flush()
        return bool(data)

    def _new(self) -> bytes:
        try:
            if files.is_remote(self.path):
                return files.read_bytes(self.path)[self.shown :]
            with open(files.local_path(self.path), "rb") as file:
                if os.fstat(file.fileno()).st_size < self.shown:
                    self.shown = 0  # It was begun anew.
                file.seek(self.shown)
                return file.read()
        except (FileNotFoundError, IsADirectoryError):
            return b""
        except OSError as error:
            raise StorageError(
                f"Expected a log that can be read at {self.path}. Received: {error}. "
                "Make it readable for this user."
            ) from error
