"""What wandb keeps of a study's runs in a directory, and what is noted there of each."""

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner_component.search.storage import files

_RUN = re.compile(r"(offline-)?run-\d{8}_\d{6}-(.+)")
_NOTE = "tuner_component.json"


@dataclasses.dataclass(frozen=True)
class Told:
    """What was told of a run that is over.

    Attributes:
        status: How it ended.
        values: The names of its hyperparameters, in order.
        figures: What it is compared by.
    """

    status: str
    values: Sequence[str]
    figures: Mapping[str, float]


class Directory:
    """The runs in a directory of wandb's.

    A run is noted once all of it is there: one that nobody finished is as if it had never
    been, and is written anew.

    Args:
        path: Of the directory.
        offline: Whether runs that are for a later upload are meant, or those that were
            uploaded.
        target: What says where they belong: what was told elsewhere is not told here.
    """

    def __init__(self, path: str, offline: bool, target: Sequence[str]) -> None:
        self._path = path
        self._offline = offline
        self._target = list(target)

    def told(self) -> dict[str, Told]:
        """What was told of runs that are over, by their ids."""
        found = {}
        for run_id, directory in self._runs():
            if (told := self._noted(directory)) is not None:
                found[run_id] = told
        return found

    def note(self, directory: str, told: Told) -> None:
        """Notes that a run is over, and all of it told.

        Args:
            directory: The run's.
            told: What was.
        """
        content = {"target": self._target, **dataclasses.asdict(told)}
        files.write_bytes(os.path.join(directory, _NOTE), json.dumps(content).encode())

    def remove(self, run_id: str) -> None:
        """Removes what there is of a run."""
        for found, directory in list(self._runs()):
            if found == run_id:
                # Out of the way at once: a search that was killed may still be closing it.
                away = os.path.join(
                    self._path, f"removed-{os.path.basename(directory)}"
                )
                shutil.rmtree(away, ignore_errors=True)
                os.rename(directory, away)
                shutil.rmtree(away, ignore_errors=True)

    def _runs(self) -> Iterator[tuple[str, str]]:
        try:
            names = sorted(os.listdir(self._path))
        except FileNotFoundError:
            return
        for name in names:
            match = _RUN.fullmatch(name)
            if match and bool(match[1]) == self._offline:
                yield match[2], os.path.join(self._path, name)

    def _noted(self, directory: str) -> Told | None:
        try:
            with open(os.path.join(directory, _NOTE), encoding="utf-8") as file:
                content: dict[str, Any] = json.load(file)
            if content["target"] != self._target:
                return None
            return Told(content["status"], content["values"], content["figures"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # There is none, or it is torn.
