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
        # The command that made it, by the URI of what this run has.
        self._origins: dict[str, str] = {}

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
        inputs = sorted(_uris(told["inputs"]))
        if not self._origins.keys() >= set(inputs):
            return execute()
        task = Path(told["outputs"]["outputFile"]).parent
        # Maps of protobuf have no order.
        words = [*command[:position], json.dumps(told, sort_keys=True)]
        words += command[position + 1 :]
        normal = [word.replace(str(task.parent), "RUN") for word in words]
        normal += [self._origins[uri] for uri in inputs]
        key = hashlib.sha256(json.dumps(normal).encode()).hexdigest()
        status = self._once(key, task, execute)
        if status == 0:
            self._origins |= dict.fromkeys(_uris(told["outputs"]), key)
        return status

    def _once(self, key: str, task: Path, execute: Callable[[], int]) -> int:
        done = self._directory / key
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
        paths = output.read_text().replace(str(other.parent), str(task.parent))
        output.write_text(paths)
        print(f"Executed before, in {other}", flush=True)
        return 0


def _uris(told: Mapping[str, Any]) -> Iterator[str]:
    for artifacts in told.get("artifacts", {}).values():
        for artifact in artifacts["artifacts"]:
            yield artifact["uri"]
