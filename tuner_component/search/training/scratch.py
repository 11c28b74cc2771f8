"""What `fn_args.working_dir` is: a new directory for each call of `tuner_fn`.

The stock Tuner runs in one process, in a directory that is new and goes afterwards. A
module may rely on that: it leaves lock files there, or caches of its data. So no other
process of the search sees such files, and none that is started later.

What has to outlive a process is the tuner's own project: the weights of trials. If the
tuner was told to keep it in the working directory, it is moved into the study.
"""

import contextlib
import contextvars
import itertools
import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from typing import Any

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files, local_files

_LOG = logging.getLogger(__name__)

_numbers = itertools.count()

# Below which directory this process makes its own ones. Threads may search side by side.
_claimed: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "tuner_component_scratch", default=None
)


@contextlib.contextmanager
def of_search(study_directory: str, locked: bool) -> Iterator[None]:
    """Gives the calls of `tuner_fn` in this process directories of their own.

    Args:
        study_directory: Path or URI of the study.
        locked: Whether this process holds the study. Then what earlier processes left
            is removed before, and what its workers left after. Others may be at work
            otherwise: only what this process made is removed.
    """
    everything = _root(study_directory)
    try:
        if locked:
            _discard(everything)
        with claimed(study_directory, uuid.uuid4().hex):
            yield
    finally:
        if locked or not files.list_names(everything):
            _discard(everything)


@contextlib.contextmanager
def swept(study_directory: str) -> Iterator[None]:
    """Removes at its end what all processes of a search have left, as `of_search` does.

    For a process that holds the study only since its tuner was made.

    Args:
        study_directory: Path or URI of the study.
    """
    try:
        yield
    finally:
        _discard(_root(study_directory))


@contextlib.contextmanager
def claimed(study_directory: str, owner: str) -> Iterator[None]:
    """Gives the calls of `tuner_fn` in this process directories below one of its own.

    Args:
        study_directory: Path or URI of the study.
        owner: No other living process has this name. What an earlier process of that
            name left is removed.
    """
    root = files.join(_root(study_directory), owner)
    _discard(root)
    token = _claimed.set(root)
    try:
        yield
    finally:
        _claimed.reset(token)
        _discard(root)


def new(workdir: str) -> str:
    """Returns a new, empty directory for a call of `tuner_fn`.

    Args:
        workdir: What to return where this process has claimed none.
    """
    root = _claimed.get()
    if root is None:
        return workdir
    # A process may be forked after it has claimed its directory.
    directory = files.join(root, f"{os.getpid()}-{next(_numbers)}")
    files.makedirs(directory)
    return directory


def keep_project(tuner: Any, directory: str, workdir: str) -> None:
    """Moves a tuner's project to where it outlives this process.

    Args:
        tuner: Fresh from its constructor.
        directory: What `new` returned for the call that made it.
        workdir: The directory of the study for this.
    """
    made_in, name = str(tuner.directory), str(tuner.project_name)
    below = _below(made_in, directory)
    if below is None or directory == workdir:
        return
    kept_in = files.join(workdir, below) if below else workdir
    tuner.directory = kept_in
    tuner.oracle._set_project_dir(kept_in, tuner.project_name)
    made, kept = files.join(made_in, name), files.join(kept_in, name)
    if not files.is_remote(directory) and _below(made, directory):
        _move(files.local_path(made), files.local_path(kept))


def _root(study_directory: str) -> str:
    return files.join(study_directory, "scratch")


def _discard(directory: str) -> None:
    try:
        files.remove_tree(directory)
    except (OSError, StorageError) as error:
        _LOG.warning("%s stays. %s", directory, error)


def _below(path: str, directory: str) -> str | None:
    """The path relative to the directory that it is in; None if it is not."""
    if files.is_remote(directory):
        inside = f"{path.rstrip('/')}/".startswith(f"{directory.rstrip('/')}/")
        return path[len(directory) :].strip("/") if inside else None
    path, directory = files.local_path(path), files.local_path(directory)
    for resolve in (os.path.abspath, os.path.realpath):
        relative = os.path.relpath(resolve(path), resolve(directory))
        if relative.partition(os.sep)[0] != os.pardir:
            return "" if relative == os.curdir else relative
    return None


def _move(made: str, kept: str) -> None:
    """Moves a directory, and leaves a link: the user's code may know the old name.

    What is there already stays: other processes have made it, and worked with it.
    """
    os.makedirs(kept, exist_ok=True)
    for folder, _, names in os.walk(made):
        target = os.path.join(kept, os.path.relpath(folder, made))
        os.makedirs(target, exist_ok=True)
        for name in names:
            copy = os.path.join(target, name)
            if not os.path.exists(copy):
                temporary = f"{copy}.{uuid.uuid4().hex}{local_files.TEMPORARY_SUFFIX}"
                shutil.copy2(os.path.join(folder, name), temporary)
                os.replace(temporary, copy)
    # Not every filesystem has links. The tuner knows the new name.
    with contextlib.suppress(OSError):
        shutil.rmtree(made)
        os.symlink(os.path.abspath(kept), made)
