"""Leaving no study behind where there was nothing to search with."""

import contextlib
import logging
import os
from collections.abc import Iterator

from tuner_component.pipeline.user_module import ModuleLoadError
from tuner_component.report.loading import load_study
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files

_log = logging.getLogger("tuner_component")


@contextlib.contextmanager
def unless_module_loads(directory: str) -> Iterator[None]:
    """Removes a study that was begun within, if the user's module cannot be loaded.

    The module is loaded by the processes of the search, which need the study's directory for
    their logs before. What the module printed there is in the error as well.

    Args:
        directory: Path or URI of the study. If anything is there already, it stays.
    """
    was_there = bool(files.list_names(directory))
    parent = os.path.dirname(directory)
    had_parent = files.exists(parent)
    try:
        yield
    except ModuleLoadError:
        if not (was_there or _has_trials(directory)):
            _remove(directory)
            if not had_parent:
                with contextlib.suppress(OSError):  # By now there may be another study.
                    os.rmdir(files.local_path(parent))
        raise


def _has_trials(directory: str) -> bool:
    """Whether there may be any: a module may fail in one process, and not in others."""
    try:
        return bool(load_study(directory).trials)
    except FileNotFoundError:
        return False
    except (StorageError, ValueError):
        return True


def _remove(directory: str) -> None:
    try:
        files.remove_tree(directory)
    except StorageError as error:
        _log.warning("The study, which has no trials, stays: %s", error)
