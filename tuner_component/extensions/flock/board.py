"""What replicas of a job leave for each other: files in a directory that all see.

There the first one says where the head of the Ray cluster is and when the search is over,
and each says what it died of. The directory is made by who starts the job, which puts the
secret of the cluster there, and is removed by it.
"""

import contextlib
import logging
import os
import secrets
import time
from typing import Any

import msgspec

from tuner_component.search.errors import (
    PortableError,
    SearchError,
    StorageError,
    portable,
)
from tuner_component.search.storage import files

_TOKEN, _HEAD, _END, _OUTPUTS = "token", "head.json", "end.json", "outputs.json"
# Something may be written while it is removed: then it is removed again.
_REMOVALS, _PAUSE_S = 5, 0.2
_ERROR = "error-"
_REPLICA = "replica-"

_log = logging.getLogger("tuner_component")


class Head(msgspec.Struct, frozen=True):
    """The head of the cluster.

    Attributes:
        address: Its host and port.
        turn: A word of its own: a head that was restarted is another one.
    """

    address: str
    turn: str


class Machine(msgspec.Struct, frozen=True):
    """What a replica has.

    Attributes:
        cpus: CPU cores.
        gpus: GPUs.
    """

    cpus: float
    gpus: int


class _Failure(msgspec.Struct, frozen=True):
    type_path: str
    message: str
    first_traceback: str | None
    failed_trials: int


class Board:
    """The directory of one job.

    Args:
        directory: A path or URI that all replicas see.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def make(self) -> None:
        """Makes it, with a secret of its own.

        Raises:
            StorageError: If it cannot be written.
        """
        files.makedirs(self.directory)
        if not files.is_remote(self.directory):
            os.chmod(files.local_path(self.directory), 0o700)
        self._write(_TOKEN, secrets.token_hex(32).encode())

    def remove(self) -> None:
        """Removes it, the secret first: a replica may still write, as long as it lives.

        If it cannot be removed there is a warning: what the job has found stays found.
        """
        try:
            files.remove(files.join(self.directory, _TOKEN))
            for _ in range(_REMOVALS):
                with contextlib.suppress(StorageError):
                    files.remove_tree(self.directory)
                if not files.exists(self.directory):
                    return
                time.sleep(_PAUSE_S)
            files.remove_tree(self.directory)
        except StorageError as error:
            _log.warning(
                "%s Or delete it yourself: the job that it was for is over.", error
            )

    def token(self) -> str:
        """The secret of the cluster.

        Raises:
            SearchError: If this replica does not see it.
        """
        data = self._read(_TOKEN)
        if data is None:
            raise SearchError(
                "Expected the job's directory to be where all replicas see the same "
                f"files. Received: {self.directory}, which is not there, or was removed "
                "because the pipeline gave the job up. Take a bucket (gs://...) or a "
                "filesystem that is mounted at the same place in all of them as the "
                "pipeline's root or as tune_args.study_dir."
            )
        return data.decode()

    def announce(self, head: Head) -> None:
        """Says where the head is."""
        self._write(_HEAD, msgspec.json.encode(head))

    def head(self) -> Head | None:
        """Where the head is; None as long as there is none."""
        found: Head | None = self._get(_HEAD, Head)
        return found

    def end(self, head: Head) -> None:
        """Says that the search is over, for all who joined this head."""
        self._write(_END, msgspec.json.encode(head))

    def has_ended(self, head: Head) -> bool:
        """Whether the search that this head was for is over."""
        return bool(self._get(_END, Head) == head)

    def add(self, name: str, machine: Machine) -> None:
        """Says what a replica has."""
        self._write(f"{_REPLICA}{name}.json", msgspec.json.encode(machine))

    def machines(self) -> dict[str, Machine]:
        """What replicas have, by their names."""
        found = {}
        for file in self._names(_REPLICA):
            if machine := self._get(file, Machine):
                found[file.removeprefix(_REPLICA).removesuffix(".json")] = machine
        return found

    def add_outputs(self, artifacts: str) -> None:
        """Says what the search found, for who started the job.

        Args:
            artifacts: The component's output artifacts, in TFX's JSON.
        """
        self._write(_OUTPUTS, artifacts.encode())

    def outputs(self) -> str | None:
        """What was said so; None if nothing was."""
        data = self._read(_OUTPUTS)
        return None if data is None else data.decode()

    def fail(self, name: str, error: BaseException) -> None:
        """Says what a replica died of; whatever happens, nothing is raised."""
        said = portable(error, f"the replica {name}")
        failure = _Failure(
            said.type_path, said.message, said.first_traceback, said.failed_trials
        )
        with contextlib.suppress(Exception):
            self._write(f"{_ERROR}{name}.json", msgspec.json.encode(failure))

    def failures(self) -> dict[str, PortableError]:
        """What replicas died of, by their names; of those who could say it."""
        found = {}
        for file in self._names(_ERROR):
            if (said := self._get(file, _Failure)) is not None:
                name = file.removeprefix(_ERROR).removesuffix(".json")
                found[name] = PortableError(
                    said.type_path,
                    said.message,
                    said.first_traceback,
                    said.failed_trials,
                )
        return found

    def forget_failure(self, name: str) -> None:
        """A replica that was started again has not died."""
        files.remove(files.join(self.directory, f"{_ERROR}{name}.json"))

    def _names(self, prefix: str) -> list[str]:
        return [n for n in files.list_names(self.directory) if n.startswith(prefix)]

    def _get(self, name: str, kind: type[Any]) -> Any:
        data = self._read(name)
        try:
            return None if data is None else msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError:
            return None  # Torn, or not ours: as if it were not there.

    def _read(self, name: str) -> bytes | None:
        try:
            return files.read_bytes(files.join(self.directory, name))
        except FileNotFoundError:
            return None

    def _write(self, name: str, data: bytes) -> None:
        files.write_bytes(files.join(self.directory, name), data)
