"""Damages the journal of a study, a commit at a time."""

from pathlib import Path

# What the header of each commit begins with, and no record does.
_HEADER = b'{"format": '


def commits(segment: Path) -> list[bytes]:
    """What each commit appended to a segment."""
    parts = segment.read_bytes().rstrip(b"\n").split(b"\n" + _HEADER)
    return [parts[0] + b"\n", *(_HEADER + part + b"\n" for part in parts[1:])]


def lose_commits(segment: Path, numbers: range) -> None:
    """Takes commits, counted from 0, out of a segment without a trace."""
    left = [c for n, c in enumerate(commits(segment)) if n not in numbers]
    segment.write_bytes(b"".join(left))


def tear_commit(segment: Path, number: int) -> None:
    """Takes the last byte of a commit, counted from 0, away."""
    torn = commits(segment)
    torn[number] = torn[number].rstrip()[:-1] + b"\n"
    segment.write_bytes(b"".join(torn))


def segment_of(study: Path) -> Path:
    """The only segment of a study's journal."""
    (segment,) = (study / "journal").glob("segment-*")
    return segment
