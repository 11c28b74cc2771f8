"""The format of one file of the journal: blocks of records that vouch for themselves.

A block is what one commit, or several merged ones, made durable. Its first line is a JSON
object with the format's version and a list: the number of the first record, which run of
the search committed it, the length of the records that follow (one JSON object a line),
what all records before it add up to (see `journal_end`), and 128 bits of a SHA-256 over
the journal's owner and all that. So a block that was cut short, altered, copied from
another study, or that continues other records shows it, whatever the filesystem did.
A file's first block also names the owner. Between blocks and behind the last one there may
be empty lines: room for blocks to come.

Files are named by a number and by a token of the run that writes them: no run can write
over the file of another one, even if both believe that the journal is theirs. (Without
the token where a store itself sees to that: see `numbered_commits`.)
"""

import base64
import contextlib
import dataclasses
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tuner_component.search.errors import StudyVersionError

# 2: a file may hold several blocks. Releases that know only 1 refuse the study; they
# would find the first block and take the others for what a longer file left behind.
# 3: a block tells what came before it.
# 4: and which run committed it; files are named by the run, too.
# 5: headers are short, being a third of the journal: most commits are one small record.
# 6: a trial may be paused. Releases that know only 5 would take it for one that was lost.
FORMAT_VERSION = 6
_FIRST_WITH_CHAIN = 3
_FIRST_WITH_RUN = 4
_FIRST_SHORT = 5

_NAME = re.compile(r"(commit|segment|slot)-(\d{12})(-[0-9a-f]{8})?\.jsonl")
# What a header begins with and no record contains: records have no space behind a colon.
_HEADER = b'{"format": '
# The header of a block since format 5, which tells nothing twice.
_SHORT = re.compile(
    b"("
    + _HEADER
    + rb'[56](?:, "journal": ("[^\n]*?"))?, "block": '
    + rb'\[(\d{1,18}),(\d{1,18}),(\d{1,18}),"([^"\n]*)",)"([^"\n]*)"\]\}\n'
)
_CHAIN = re.compile("[0-9a-f]{32}")
_SHORT_DIGITS = 22
_ROOM = re.compile(rb"\n*")
_DECODED_TOGETHER = 64
_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class DamagedFileError(ValueError):
    """What is in a file is not, or no longer, what this journal wrote there."""


@dataclass(frozen=True)
class Block:
    """Consecutive records, each one line of JSON without its line end.

    Attributes:
        first: Number of the first record, counted from 1 over the whole journal.
        lines: The records.
        before: The chain of all records before; empty if the block does not tell.
        run: Number of the run that committed them; 0 if the block does not tell.
    """

    first: int
    lines: tuple[bytes, ...]
    before: str = ""
    run: int = 0

    @property
    def last(self) -> int:
        """Number of the last record."""
        return self.first + len(self.lines) - 1

    def records(self) -> Iterator[Any]:
        """The records, decoded; None for what is no JSON."""
        # One call of the parser is several times as fast as one for each line. One for
        # all lines would make those pay who want the first record only.
        for start in range(0, len(self.lines), _DECODED_TOGETHER):
            lines = self.lines[start : start + _DECODED_TOGETHER]
            try:
                yield from msgspec.json.decode(b"[" + b",".join(lines) + b"]")
            except (ValueError, RecursionError, msgspec.MsgspecError):
                # Text with half a character, say. Or sound by its checksum, and no record:
                # somebody else made this block.
                yield from map(_parsed, lines)


def new_token() -> str:
    """What tells the files of a run from those of all others."""
    return secrets.token_hex(4)


def file_name(kind: str, number: int, token: str = "") -> str:
    """Name of a `commit` or `segment`; the number orders the files of a kind."""
    return f"{kind}-{number:012d}{token and '-'}{token}.jsonl"


def kind_of(name: str) -> str | None:
    """The kind of a file; None if no journal writes files of that name.

    Earlier releases wrote `slot`s.
    """
    match = _NAME.fullmatch(name)
    return match[1] if match else None


def encode(owner: str, *blocks: Block, at: int = 0) -> bytes:
    """The bytes of blocks.

    Args:
        owner: Name of the study.
        blocks: They follow each other in one file.
        at: How many bytes of that file lie before the first of them.
    """
    parts: list[bytes] = []
    for block in blocks:
        payload = b"\n".join((*block.lines, b""))
        name = "" if at or parts else f'"journal": {json.dumps(owner)}, '
        told = (
            f'{{"format": {FORMAT_VERSION}, {name}"block": [{block.first},{block.run},'
            f'{len(payload)},"{_shortened(block.before)}",'
        ).encode()
        check = _short_checksum(owner, told, payload)
        parts += [told, b'"', check, b'"]}\n', payload]
    return b"".join(parts)


def decode(owner: str, data: bytes) -> tuple[list[Block], str]:
    """What is in a file, if it is sound and of this journal.

    Args:
        owner: Name of the study.
        data: The content of the file: what `encode` returned.

    Returns:
        The sound blocks; and what is wrong with the rest, empty if nothing is.

    Raises:
        StudyVersionError: A newer release wrote it.
    """
    blocks: list[Block] = []
    damage = ""
    position = _skip_room(data, 0)
    while position < len(data):
        try:
            block, position = _decode_block(owner, data, position)
            blocks.append(block)
        except DamagedFileError as error:
            damage = damage or str(error)
            # What lies behind a damaged block is not lost with it.
            following = data.find(_HEADER, position + 1)
            position = following if following > 0 else len(data)
        position = _skip_room(data, position)
    return blocks, damage or ("" if blocks else "it holds no records")


def decode_slot(owner: str, data: bytes) -> Block:
    """What is in a `slot`, a file that earlier releases wrote over again and again.

    It begins with a block. What lies behind that means nothing.

    Raises:
        DamagedFileError: The block is not sound, or of another journal.
    """
    return _decode_block(owner, data, 0)[0]


def dump(record: object) -> bytes:
    """One record as a line of standard JSON.

    Raises:
        TypeError, ValueError: It holds something that JSON cannot express.
    """
    return _JSON.encode(record).encode()


def join_blocks(blocks: Iterable[Block]) -> list[Block]:
    """The same records in as few blocks as possible; each run's stay its own."""
    joined: list[tuple[Block, list[bytes]]] = []
    for block in blocks:
        if not joined or not _continues(block, *joined[-1]):
            joined.append((block, []))
        joined[-1][1].extend(block.lines)
    return [dataclasses.replace(b, lines=tuple(lines)) for b, lines in joined]


def require_known_format(owner: str, data: bytes) -> None:
    """Raises if a newer release wrote a file of this journal, whatever its name.

    Raises:
        StudyVersionError: It did.
    """
    head = data[: data.find(b"\n") + 1]
    if f'"journal": "{owner}"'.encode() in head:
        with contextlib.suppress(DamagedFileError):
            _header(head)


def _continues(block: Block, begin: Block, lines: Sequence[bytes]) -> bool:
    return block.run == begin.run and block.first == begin.first + len(lines)


def _decode_block(owner: str, data: bytes, position: int) -> tuple[Block, int]:
    """The block that begins at a position, and where it ends."""
    if short := _SHORT.match(data, position):
        return _decode_short(owner, data, short)
    begin = data.find(b"\n", position) + 1 or len(data)
    header = _header(data[position:begin])
    if header["format"] >= _FIRST_SHORT:
        raise DamagedFileError("its header is damaged")
    if header.get("journal") != owner:
        raise DamagedFileError(f"it belongs to the journal {header.get('journal')!r}")
    length = header.get("bytes")
    if not isinstance(length, int) or not 0 <= length <= len(data) - begin:
        raise DamagedFileError(_cut_short(len(data) - begin, length))
    payload = data[begin : begin + length]
    if header.get("sha256") != _checksum(header, payload):
        raise DamagedFileError("its records do not match their checksum")
    lines = tuple(payload.split(b"\n")[:-1])
    first, before = header.get("first"), header.get("before", "")
    run = header.get("run", 0)
    if (
        not isinstance(first, int)
        or first < 1
        or not isinstance(before, str)
        or not isinstance(run, int)
        or not lines
        or len(lines) != header.get("count")
    ):
        raise DamagedFileError("its header does not fit its records")
    return Block(first, lines, before, run), begin + length


def _decode_short(
    owner: str, data: bytes, header: re.Match[bytes]
) -> tuple[Block, int]:
    """The block with this short header."""
    told, named, *numbers, before, check = header.groups()
    if named is not None and named != json.dumps(owner).encode():
        raise DamagedFileError(f"it belongs to the journal {_parsed(named)!r}")
    first, run, length = map(int, numbers)
    begin, end = header.end(), header.end() + length
    if end > len(data):
        raise DamagedFileError(_cut_short(len(data) - begin, length))
    payload = data[begin:end]
    if check != _short_checksum(owner, told, payload):
        raise DamagedFileError("its records do not match their checksum")
    lines = tuple(payload.split(b"\n")[:-1])
    if first < 1 or not lines:
        raise DamagedFileError("its header does not fit its records")
    return Block(first, lines, _restored(before), run), end


def _short_checksum(owner: str, told: bytes, payload: bytes) -> bytes:
    """A checksum over a header, as far as it is told before that, and its records."""
    digest = hashlib.sha256(b"%b\n%b%b" % (owner.encode(), told, payload)).digest()
    return base64.b64encode(digest[:16])[:_SHORT_DIGITS]


def _shortened(chain: str) -> str:
    """A chain in fewer digits, if it is one."""
    if not _CHAIN.fullmatch(chain):
        return chain
    return base64.b64encode(bytes.fromhex(chain))[:_SHORT_DIGITS].decode()


def _restored(short: bytes) -> str:
    """The inverse of `_shortened`."""
    if len(short) != _SHORT_DIGITS:
        return short.decode(errors="replace")
    return base64.b64decode(short + b"==").hex()


def _cut_short(there: int, told: object) -> str:
    return f"it has {there} bytes of records and should have {told}"


def _skip_room(data: bytes, position: int) -> int:
    if data[position : position + 1] != b"\n":
        return position
    room = _ROOM.match(data, position)
    return room.end() if room else position


def _checksum(header: Mapping[str, Any], payload: bytes) -> str:
    names = ["journal", "first", "count"]
    if header["format"] >= _FIRST_WITH_CHAIN:
        names.append("before")
    if header["format"] >= _FIRST_WITH_RUN:
        names.append("run")
    told = " ".join(str(header.get(name)) for name in names)
    return hashlib.sha256(f"{told}\n".encode() + payload).hexdigest()


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _header(head: bytes) -> dict[str, Any]:
    try:
        header = json.loads(head.decode())
    except (ValueError, RecursionError) as error:
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
