"""Two runs' commands that are equal but for the run's directory: executed once.

As a backend's cache does it, which kfp.local lacks. What two pipelines have in common, up
to Transform, is most of what each of them takes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

_TOLD = "--json_serialized_invocation_args"


class Cache:
    """The cache as one run sees it.

    Args:
        directory: The same for all runs that share it; is made where it is missing.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        # What this run shares with another one that executes the same commands.
        self._shared: set[str] = set()

    def run(self, command: list[str], execute: Callable[[], int]) -> int:
        """Executes a command, or copies what it has written in another run.

        Args:
            command: The command.
            execute: Executes it; returns its exit status.
        """
        if _TOLD not in command:
            return execute()
        position = command.index(_TOLD) + 1
        told = json.loads(command[position])
        if not self._shared.issuperset(_uris(told["inputs"])):
            return execute()
        task = Path(told["outputs"]["outputFile"]).parent
        # Maps of protobuf have no order.
        ordered = json.dumps(told, sort_keys=True)
        words = [*command[:position], ordered, *command[position + 1 :]]
        status = self._once(words, task, execute)
        if status == 0:
            self._shared.update(_uris(told["outputs"]))
        return status

    def _once(self, words: list[str], task: Path, execute: Callable[[], int]) -> int:
        run = str(task.parent)
        normal = json.dumps([word.replace(run, "RUN") for word in words])
        done = self._directory / hashlib.sha256(normal.encode()).hexdigest()
        with open(f"{done}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # Another run may be at it.
            if not done.exists():
                status = execute()
                if status == 0:
                    done.write_text(str(task))
                return status
        other = Path(done.read_text())
        shutil.copytree(other, task, dirs_exist_ok=True)
        output = task / "executor_output.json"
        output.write_text(output.read_text().replace(str(other.parent), run))
        print(f"Executed before, in {other}", flush=True)
        return 0


def _uris(told: Mapping[str, Any]) -> Iterator[str]:
    for artifacts in told.get("artifacts", {}).values():
        for artifact in artifacts["artifacts"]:
            yield artifact["uri"]
