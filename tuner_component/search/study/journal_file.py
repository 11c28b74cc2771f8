"""The format of one file of the journal: a header that vouches for the records.

The first line is a JSON object with the format's version, the journal's owner, the
number of the first record, how many there are, the length of the records that follow
(one JSON object a line), and a SHA-256 over owner, numbers and records. A file that was
cut short, altered, or copied from another study shows it, whatever the filesystem did.
What lies behind the records means nothing: a file may have been longer before.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tuner_component.search.errors import StudyVersionError

FORMAT_VERSION = 1

_NAME = re.compile(r"(commit|segment|slot)-(\d{12})\.jsonl")


class DamagedFileError(ValueError):
    """What is in a file is not, or no longer, what this journal wrote there."""


@dataclass(frozen=True)
class Block:
    """Consecutive records, each one line of JSON without its line end.

    Attributes:
        first: Number of the first record, counted from 1 over the whole journal.
        lines: The records.
    """

    first: int
    lines: tuple[bytes, ...]

    @property
    def last(self) -> int:
        """Number of the last record."""
        return self.first + len(self.lines) - 1

    def records(self) -> list[dict[str, Any]]:
        """The records, decoded."""
        # One call of the parser is several times as fast as one for each line.
        decoded: list[dict[str, Any]] = json.loads(b"[" + b",".join(self.lines) + b"]")
        return decoded


def file_name(kind: str, number: int) -> str:
    """Name of a `commit` or `segment` by its first record, or of a `slot` by its own."""
    return f"{kind}-{number:012d}.jsonl"


def is_journals(name: str) -> bool:
    """Whether a file's name is one of those."""
    return _NAME.fullmatch(name) is not None


def parse_name(name: str) -> tuple[str, int]:
    """What `file_name` was given."""
    kind, _, number = name.removesuffix(".jsonl").partition("-")
    return kind, int(number)


def encode(owner: str, block: Block) -> bytes:
    """The content of a file that holds `block`."""
    payload = b"".join(line + b"\n" for line in block.lines)
    header = {
        "format": FORMAT_VERSION,
        "journal": owner,
        "first": block.first,
        "count": len(block.lines),
        "bytes": len(payload),
        "sha256": _checksum(owner, block.first, len(block.lines), payload),
    }
    return json.dumps(header).encode() + b"\n" + payload


def decode(owner: str, data: bytes) -> Block:
    """What `encode` was given, if the content is sound and of this journal.

    Raises:
        DamagedFileError: It is not.
        StudyVersionError: A newer release wrote it.
    """
    head, _, payload = data.partition(b"\n")
    header = _header(head)
    if header.get("journal") != owner:
        raise DamagedFileError(f"it belongs to the journal {header.get('journal')!r}")
    length = header.get("bytes")
    if not isinstance(length, int) or len(payload) < length:
        raise DamagedFileError(
            f"it has {len(payload)} bytes of records and should have {length}"
        )
    payload = payload[:length]
    first, count = header.get("first"), header.get("count")
    if header.get("sha256") != _checksum(owner, first, count, payload):
        raise DamagedFileError("its records do not match their checksum")
    return Block(header["first"], tuple(payload.splitlines()))


def dump(record: object) -> bytes:
    """One record as a line of standard JSON.

    Raises:
        TypeError, ValueError: It holds something that JSON cannot express.
    """
    return json.dumps(record, allow_nan=False, separators=(",", ":")).encode()


def join_blocks(blocks: Sequence[Block]) -> Block:
    """One block out of blocks that follow each other without a gap."""
    lines = tuple(line for block in blocks for line in block.lines)
    return Block(blocks[0].first, lines)


def _checksum(owner: str, first: object, count: object, payload: bytes) -> str:
    return hashlib.sha256(f"{owner} {first} {count}\n".encode() + payload).hexdigest()


def _header(head: bytes) -> dict[str, Any]:
    try:
        header = json.loads(head)
    except ValueError as error:
        raise DamagedFileError("it does not begin with a journal's header") from error
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise DamagedFileError("it does not begin with a journal's header")
    if header["format"] > FORMAT_VERSION:
        raise StudyVersionError(
            f"Expected a journal of format {FORMAT_VERSION} or older. Received: format "
            f"{header['format']}, which a newer release wrote. Upgrade "
            "tfx-tuner-component to go on with this study; nothing in it was changed."
        )
    return header
