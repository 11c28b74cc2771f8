"""A search that is stopped in the middle of a commit, and wakes when another took over.

Without locks nothing can keep it from writing then, but a store that writes on condition.
Nobody hears of what it writes so late, and nothing that anybody was told of may be lost by
it.
"""

import contextlib
import itertools
import os
import shutil
import signal
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import buckets, crashes
from tuner_component.search.errors import StudyLockedError
from tuner_component.search.journal.journal import Journal
from tuner_component.search.lock import kernel_lock, owner
from tuner_component.search.lock import lease as lease_lib
from tuner_component.search.storage import faults
from tuner_component.search.study.fingerprint import study_id
from tuner_component.search.study.study import Study

PARTS = {"what": "late"}
COMMITS = 12
# Where the journal is: in a bucket, in one that is mounted without locks, on NFS, in a
# store that writes on condition.
BUCKET, MOUNT, NFS, STORE = "bucket", "mount", "nfs", "store"
# Moments between the look at the lease and the end of the write, each at the n-th time.
BEFORE, AFTER = "journal.commit.before", "journal.commit.after"
MOMENTS = [
    *((form, BEFORE, n) for form in (BUCKET, MOUNT, NFS) for n in (1, 6)),
    *((form, AFTER, 6) for form in (BUCKET, MOUNT, NFS)),
    *((BUCKET, f"journal.merge.{when}", 2) for when in ("before", "written", "after")),
    (BUCKET, "journal.merge.removing", 6),
    *((STORE, BEFORE, n) for n in (1, 2, 6)),
    (STORE, AFTER, 6),
    *((STORE, f"journal.merge.{when}", 2) for when in ("before", "written", "after")),
    (STORE, "journal.merge.removing", 6),
]


def arrange(form: str) -> None:
    """Makes this process see such a filesystem."""
    lease_lib.SETTLE_S = 0.05
    if form in (BUCKET, MOUNT):
        kernel_lock.KernelLock.acquire = lambda *_: None  # type: ignore[assignment]
    if form != NFS:
        return
    flock = kernel_lock.fcntl.flock

    def without_directories(descriptor: int, operation: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(9, "Bad file descriptor")
        flock(descriptor, operation)

    kernel_lock.fcntl.flock = without_directories


@contextlib.contextmanager
def opened(directory: Path, form: str, stale_after: float = 60) -> Iterator[Study]:
    place = f"gs://{BUCKET}/study" if form == STORE else str(directory)
    with Study.open(place, PARTS, stale_after=stale_after) as study:
        if isinstance(lease := study._lock._lock, lease_lib.Lease):
            lease._stale_after = 60  # Nobody renews while the test lasts.
        study.journal._appends = form in (MOUNT, NFS)
        study.journal._merge_after = 4
        yield study


def tell(study: Study, by: str, number: int) -> str:
    """Commits a result; returns what people are told of then."""
    study.journal.append({"kind": "ended", "by": by, "number": number})
    study.commit()
    return f"{by} {number}"


def hold(
    directory: Path,
    form: str,
    point: str,
    nth: int,
    environ: Mapping[str, str],
    descriptor: int,
) -> None:
    """What the first search does, on another machine: it waits at a fault point."""
    arrange(form)
    if form == STORE:
        buckets.see(directory.parents[1], environ)
    owner._namespace = lambda: "elsewhere"
    link = socket.socket(fileno=descriptor)
    passes = itertools.count(1)

    def wait(name: str) -> None:
        if name == point and next(passes) == nth:
            link.sendall(b"waits\n")
            link.recv(1)

    faults.point = wait
    try:
        with opened(directory, form) as study:
            for number in range(COMMITS):
                link.sendall(f"{tell(study, 'old', number)}\n".encode())
    except StudyLockedError:
        link.sendall(b"lost\n")


def read(directory: Path) -> Journal:
    return Journal(str(directory / "journal"), study_id(PARTS), read_only=True)


def results(journal: Journal) -> list[str]:
    ended = [r for r in journal.records() if r["kind"] == "ended"]
    return [f"{record['by']} {record['number']}" for record in ended]


@pytest.fixture(name="form")
def _form(request: Any, tmp_path: Path) -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        if request.param == STORE:
            stack.enter_context(buckets.serving(tmp_path))
        for module, name in (
            (lease_lib, "SETTLE_S"),
            (kernel_lock.KernelLock, "acquire"),
            (kernel_lock.fcntl, "flock"),
        ):
            patch.setattr(module, name, getattr(module, name))
        arrange(request.param)
        yield request.param


@pytest.mark.parametrize(("form", "point", "nth"), MOMENTS, indirect=["form"])
def test_nothing_that_was_told_is_lost(
    tmp_path: Path,
    form: str,
    point: str,
    nth: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A result that people were told of would be gone, or another one be in its place."""
    study_directory = tmp_path / BUCKET / "study"
    study_directory.parent.mkdir()
    environ = dict(os.environ)
    ours, theirs = socket.socketpair()
    with ours, ours.makefile("r") as heard:
        with theirs:
            old = crashes.start(
                lambda d: hold(study_directory, form, point, nth, environ, d),
                theirs.fileno(),
            )
        told = list(itertools.takewhile(lambda line: line != "waits\n", heard))
        told = [line.strip() for line in told]
        os.kill(old, signal.SIGSTOP)
        ours.sendall(b".")
        if form == NFS:
            (study_directory / "lock").unlink()
        with opened(study_directory, form, stale_after=0.3) as study:
            told += [tell(study, "new", number) for number in range(5)]
            os.kill(old, signal.SIGCONT)
            assert list(heard) == ["lost\n"]
            told += [tell(study, "new", number) for number in range(5, 15)]
    copy = tmp_path / "copy"
    shutil.copytree(study_directory, copy)
    (copy / "journal.end").unlink()
    for directory in (copy, study_directory):
        check(read(directory), told, unheard=point != BEFORE)
    with opened(study_directory, form) as study:
        # What the first one writes late is there, and nobody knew; or it is refused.
        late = point == BEFORE and form != STORE
        assert (study_directory / "journal" / "quarantine").exists() == late
        assert study.journal.end.run == 3
        told.append(tell(study, "new", 15))
    caplog.clear()
    check(read(study_directory), told, unheard=point != BEFORE)
    assert not caplog.records


def check(journal: Journal, told: list[str], unheard: bool) -> None:
    # The search may have been stopped when a result was safe, and nobody had heard of it.
    found = results(journal)
    assert [result for result in found if result in told] == told
    assert len(found) - len(told) <= unheard
    assert journal.is_right and not journal.missing
