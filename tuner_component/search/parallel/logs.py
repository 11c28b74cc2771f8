"""Where a search's processes write what they print.

Processes can only print into local files. Where the study is kept somewhere else, logs
are copied there as they become complete.
"""

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files, names

# A disk with less space than this is full: what is left is used up by the next line.
_LEAST = 1 << 20


@dataclasses.dataclass(frozen=True)
class Logs:
    """The logs of a search.

    Attributes:
        local: Local directory that they are written to.
        study: Path or URI of the study that they belong to.
        is_copy: Whether somebody else brings them to the study.
    """

    local: str
    study: str
    is_copy: bool = False

    def trial(self, trial_id: str) -> str:
        """The local path of a trial's log."""
        directory = names.component(trial_id)
        return os.path.join(self.local, "trials", directory, "log.txt")

    def process(self, name: str) -> str:
        """The local path of what a process prints outside of trials."""
        return os.path.join(self.local, "logs", f"{name}.log")

    def public(self, path: str) -> str:
        """Where people find the log that has a local path."""
        if not files.is_remote(self.study):
            return path
        return files.join(self.study, os.path.relpath(path, self.local))

    @property
    def are_full(self) -> bool:
        """Whether there is no space left for what is printed."""
        try:
            disk = os.statvfs(self.local)
        except OSError:
            return False
        return 0 < disk.f_blocks and disk.f_bavail * disk.f_frsize < _LEAST

    def hint(self, trial_id: str) -> str:
        """A sentence that says where people find the log of a trial."""
        return f"The trial's log is {self.public(self.trial(trial_id))}."

    def publish(self, path: str) -> None:
        """Moves a log that is complete to where people find it."""
        if self.copy(path):
            os.remove(path)

    def copy(self, path: str) -> bool:
        """Copies a log as far as it goes to where people find it, if that is elsewhere."""
        if self.is_copy or not files.is_remote(self.study) or not os.path.exists(path):
            return False
        target = self.public(path)
        try:
            with open(path, "rb") as file:
                files.makedirs(os.path.dirname(target))
                files.write_bytes(target, file.read())
        except (OSError, StorageError) as error:
            print(f"The log {path} could not be copied to {target}: {error}")
            return False
        return True


@contextlib.contextmanager
def opened(study: str) -> Iterator[Logs]:
    """The logs of a study; what is left of them is published in the end.

    Args:
        study: Path or URI of the study.

    Raises:
        StorageError: If its directory cannot be made.
    """
    files.makedirs_anew(study)
    if not files.is_remote(study):
        local = os.path.abspath(files.local_path(study))
        os.makedirs(os.path.join(local, "logs"), exist_ok=True)
        with files.holding(study):
            yield Logs(local, study)
        return
    with tempfile.TemporaryDirectory(prefix="tuner_component_") as local:
        os.makedirs(os.path.join(local, "logs"))
        logs = Logs(local, study)
        try:
            yield logs
        finally:
            for directory, _, found in os.walk(local):
                for name in found:
                    logs.publish(os.path.join(directory, name))
