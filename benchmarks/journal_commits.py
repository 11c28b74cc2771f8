"""What one durable commit costs, by the shape of the file it goes into.

Compares four ways to make a commit's records (600 bytes, as most are) durable:

- `append`: one write at the end of one file, then `fdatasync`. The file's new length has
  to become durable too.
- `append_padded`: the same into a file that is lengthened by `PADDING` bytes at a time,
  so that most commits change no length.
- `slots`: over the beginning of one of 64 files of a fixed length, in turn.
- `new_file`: a new file for each commit: written under a temporary name, synced, renamed,
  its directory synced.

Each is also measured at its 95th percentile. The ways take turns in rounds, so that a
busy disk is busy for all of them; the figures are medians over rounds of each round's
median.

Goal: `append_padded`, which is what the journal does on local filesystems, takes at most
1.3 times as long as `slots`, and at most half as long as `new_file`.

    python -m benchmarks.journal_commits [--quick] [--check] [--directory DIR]
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import harness

RECORD = b"x" * 599 + b"\n"
PADDING = 1 << 14
SLOTS = 64
SLOT_BYTES = 4096
COMMITS = 200

sync = getattr(os, "fdatasync", os.fsync)
Commit = Callable[[], None]


def append(directory: Path) -> Commit:
    descriptor = os.open(directory / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def commit() -> None:
        os.write(descriptor, RECORD)
        sync(descriptor)

    return commit


def append_padded(directory: Path) -> Commit:
    descriptor = os.open(directory / "log", os.O_WRONLY | os.O_CREAT)
    end = length = 0

    def commit() -> None:
        nonlocal end, length
        if end + len(RECORD) > length:
            os.pwrite(descriptor, b"\n" * PADDING, length)
            length += PADDING
        os.pwrite(descriptor, RECORD, end)
        sync(descriptor)
        end += len(RECORD)

    return commit


def slots(directory: Path) -> Commit:
    def numbers() -> Iterator[int]:
        while True:
            yield from range(SLOTS)

    number = numbers()

    def commit() -> None:
        descriptor = os.open(directory / str(next(number)), os.O_WRONLY | os.O_CREAT)
        os.pwrite(descriptor, RECORD.ljust(SLOT_BYTES, b"\n"), 0)
        sync(descriptor)
        os.close(descriptor)

    for _ in range(SLOTS):  # A new slot costs as much as a new file, once.
        commit()
    return commit


def new_file(directory: Path) -> Commit:
    number = 0

    def commit() -> None:
        nonlocal number
        number += 1
        descriptor = os.open(directory / ".temporary", os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, RECORD)
        os.fsync(descriptor)
        os.close(descriptor)
        os.replace(directory / ".temporary", directory / str(number))
        parent = os.open(directory, os.O_RDONLY)
        os.fsync(parent)
        os.close(parent)

    return commit


WAYS: tuple[Callable[[Path], Commit], ...] = (append, append_padded, slots, new_file)


def milliseconds(commit: Commit) -> list[float]:
    taken = []
    for _ in range(COMMITS):
        begin = time.perf_counter()
        commit()
        taken.append((time.perf_counter() - begin) * 1e3)
    return taken


def measure(parent: str | None, rounds: int) -> dict[str, dict[str, float]]:
    """Medians over rounds, in milliseconds, by way."""
    medians: dict[str, list[float]] = {way.__name__: [] for way in WAYS}
    slow: dict[str, list[float]] = {way.__name__: [] for way in WAYS}
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        commits = {}
        for way in WAYS:
            own = Path(directory, way.__name__)
            own.mkdir()
            commits[way.__name__] = way(own)
        for _ in range(rounds):
            for name, commit in commits.items():
                taken = milliseconds(commit)
                medians[name].append(statistics.median(taken))
                slow[name].append(statistics.quantiles(taken, n=20)[-1])
    return {
        name: {
            "median_ms": statistics.median(medians[name]),
            "p95_ms": statistics.median(slow[name]),
        }
        for name in medians
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    harness.add_arguments(parser)
    parser.add_argument("--directory", help="on the disk to be measured")
    arguments = parser.parse_args()
    ways = measure(arguments.directory, rounds=5 if arguments.quick else 25)
    ours = ways["append_padded"]["median_ms"]
    met = (
        ours <= 1.3 * ways["slots"]["median_ms"]
        and ours <= 0.5 * ways["new_file"]["median_ms"]
    )
    figures = {"load_average": os.getloadavg()[0], **ways}
    harness.report(arguments, figures, met)


if __name__ == "__main__":
    main()
