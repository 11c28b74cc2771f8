"""What wandb has written of runs, read back with its own classes.

As a script it runs in an environment with wandb: for each line of its input, a directory
with runs, it prints one of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

WANDB = "0.25.0"


def python() -> Path:
    """The Python of an environment with wandb."""
    from tests.support import environments  # Not there where this is a script.

    return environments.interpreter("wandb", [f"wandb=={WANDB}"])


def packages() -> str:
    """Where that environment has its packages."""
    (found,) = python().parent.parent.glob("lib/python*/site-packages")
    return str(found)


class Reader:
    """Reads runs, in a process that imports wandb once."""

    def __init__(self) -> None:
        command = [str(python()), str(Path(__file__).resolve())]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def runs(self, directory: Path | str) -> dict[str, Any]:
        """The runs in a directory of wandb's by their ids; none may be there twice."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(directory, file=self._process.stdin, flush=True)
        found: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        by_id = {run["id"]: run for run in found}
        assert len(by_id) == len(found), [run["id"] for run in found]
        return by_id

    def close(self) -> None:
        """Ends its process."""
        self._process.communicate()


def _read(path: Path) -> dict[str, Any]:
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal import datastore

    store = datastore.DataStore()
    store.open_for_scan(str(path))
    run: dict[str, Any] = {"id": path.stem.removeprefix("run-"), "exit": None}
    run |= {"history": [], "summary": {}, "config": {}, "kinds": []}
    while (data := store.scan_data()) is not None:
        record = wandb_internal_pb2.Record.FromString(data)
        kind = record.WhichOneof("record_type")
        run["kinds"].append(kind)
        if kind == "run":
            told = record.run
            run |= {"name": told.display_name, "group": told.run_group}
            run |= {"project": told.project, "type": told.job_type}
            run["started"] = told.start_time.seconds
            run["config"].update(_items(told.config.update))
        elif kind == "config":
            run["config"].update(_items(record.config.update))
        elif kind == "summary":
            run["summary"].update(_items(record.summary.update))
        elif kind == "history":
            run["history"].append(_items(record.history.item))
        elif kind == "exit":
            run["exit"] = record.exit.exit_code
    run["config"].pop("_wandb", None)
    return run


def _items(items: Any) -> dict[str, Any]:
    found = {}
    for item in items:
        name = "/".join(item.nested_key) if item.nested_key else item.key
        found[name] = json.loads(item.value_json)
    return {k: v for k, v in found.items() if k == "_wandb" or not k.startswith("_")}


if __name__ == "__main__":
    for line in sys.stdin:
        paths = sorted(Path(line.strip()).glob("*run-*/run-*.wandb"))
        print(json.dumps([_read(path) for path in paths]), flush=True)
