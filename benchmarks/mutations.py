"""Ways in which a directory of files is damaged: by disks, by copying, by people.

Each takes one file of a directory and does to it what has happened to files: cut short,
bits flipped, zeros where a write was lost, gone, there twice, exchanged with another, an
older copy of itself, a file of another study, a value edited, a commit that comes too late.
"""

import dataclasses
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuner_component.search.journal import journal_file

# Names that a stray copy of a journal's file may have.
_JOURNAL_NAMES = (
    "commit-000000000001.jsonl",
    "segment-000000000001.jsonl",
    "segment-000000000009.jsonl",
    "slot-000000000005.jsonl",
    "slot-000000000063.jsonl",
)
_EDITS: tuple[Any, ...] = (
    *(None, [], {}, "x", -1, 0, 1, True, 1.5, float("inf"), float("nan")),
    *(12345678901234567890123, "finished", "running", "max", "\0", "../../x", "\ud800"),
)


@dataclasses.dataclass(frozen=True)
class Target:
    """A directory that is about to be damaged.

    Attributes:
        root: The directory.
        older: The same directory at earlier times.
        foreign: Directories of others.
        chance: Decides.
    """

    root: Path
    older: tuple[Path, ...]
    foreign: tuple[Path, ...]
    chance: random.Random


@dataclasses.dataclass(frozen=True)
class Mutation:
    """What was done.

    Attributes:
        kind: The way.
        file: The file, relative to the directory.
        detail: More about it, for people.
    """

    kind: str
    file: str
    detail: str = ""


def mutate(target: Target) -> Mutation:
    """Damages one file, or two, in one way that is drawn at random."""
    kind = target.chance.choice(sorted(_WAYS))
    names = files_of(target.root)
    if kind == "edit":
        names = [name for name in names if name.endswith((".json", ".txt"))]
    # Small files that decide over all else are damaged as often as large ones.
    weights = [8 if "journal" not in name and name != "lock" else 4 for name in names]
    [name] = target.chance.choices(names, weights)
    return Mutation(kind, name, _WAYS[kind](target, name) or "")


def files_of(root: Path) -> list[str]:
    """Names of all files below a directory, relative to it, sorted."""
    found = (path for path in root.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(root)) for path in found)


def _truncate(target: Target, name: str) -> str:
    path = target.root / name
    size = target.chance.randrange(path.stat().st_size + 1)
    os.truncate(path, size)
    return f"to {size} bytes"


def _empty(target: Target, name: str) -> None:
    (target.root / name).write_bytes(b"")


def _flip(target: Target, name: str) -> str:
    path = target.root / name
    data = bytearray(path.read_bytes())
    # Not in the room behind what was written, where nothing can be lost.
    end = len(data.rstrip(b"\n"))
    if not end:
        return "nothing"
    at, bit = target.chance.randrange(end), target.chance.randrange(8)
    data[at] ^= 1 << bit
    path.write_bytes(data)
    return f"bit {bit} of byte {at}, in {bytes(data[max(0, at - 12) : at + 8])!r}"


def _scramble(target: Target, name: str) -> None:
    path = target.root / name
    data = bytearray(path.read_bytes())
    for _ in range(target.chance.randrange(2, 50) if data else 0):
        data[target.chance.randrange(len(data))] = target.chance.randrange(256)
    path.write_bytes(data)


def _zero(target: Target, name: str) -> None:
    path = target.root / name
    path.write_bytes(bytes(path.stat().st_size))


def _zero_block(target: Target, name: str) -> str:
    """As a page that the kernel had not written when the power went."""
    path = target.root / name
    data = bytearray(path.read_bytes())
    at = 512 * target.chance.randrange(1 + len(data) // 512)
    data[at : at + 512] = bytes(len(data[at : at + 512]))
    path.write_bytes(data)
    return f"from byte {at}"


def _garbage(target: Target, name: str) -> None:
    size = target.chance.randrange(1, 5000)
    (target.root / name).write_bytes(target.chance.randbytes(size))


def _append(target: Target, name: str) -> str:
    path = target.root / name
    data = path.read_bytes()
    what = target.chance.choice(["zeros", "garbage", "itself"])
    more = {"zeros": bytes(4096), "garbage": b"garbage", "itself": data}[what]
    path.write_bytes(data + more)
    return what


def _lose_line(target: Target, name: str) -> str:
    path = target.root / name
    lines = path.read_bytes().splitlines(keepends=True)
    at = target.chance.randrange(len(lines)) if lines else 0
    path.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
    return f"line {at + 1} of {len(lines)}"


def _delete(target: Target, name: str) -> None:
    (target.root / name).unlink()


def _delete_newest(target: Target, name: str) -> str:
    """As a copy that was made while files were added, or that was not finished."""
    directory = (target.root / name).parent
    here = sorted(path for path in directory.iterdir() if path.is_file())
    count = target.chance.randrange(1, 1 + len(here))
    for path in here[-count:]:
        path.unlink()
    return f"the last {count} of {len(here)} files beside it"


def _duplicate(target: Target, name: str) -> str:
    path = target.root / name
    names = (*_JOURNAL_NAMES, f"{path.name}.bak", f"copy of {path.name}")
    other = path.with_name(target.chance.choice(names))
    if other != path:
        shutil.copy(path, other)
    return f"as {other.name}"


def _swap(target: Target, name: str) -> str:
    other = target.chance.choice(files_of(target.root))
    first, second = target.root / name, target.root / other
    data = first.read_bytes(), second.read_bytes()
    first.write_bytes(data[1])
    second.write_bytes(data[0])
    return f"with {other}"


def _older(target: Target, name: str) -> str:
    """As a restored backup, or a synchronization that went the other way."""
    older = target.chance.choice(target.older)
    if not (older / name).is_file():
        (target.root / name).unlink()
        return f"was not in {older.name}"
    shutil.copy(older / name, target.root / name)
    return f"of {older.name}"


def _foreign(target: Target, name: str) -> str:
    source = target.chance.choice(target.foreign)
    other = target.chance.choice(
        [n for n in files_of(source) if n.endswith((".json", ".jsonl", ".txt"))]
    )
    path = target.root / name
    stray = (*_JOURNAL_NAMES, "x.txt", ".DS_Store", path.name, path.name)
    place = path.with_name(target.chance.choice(stray))
    shutil.copy(source / other, place)
    return f"{place.name} from {source.name}/{other}"


def _late(target: Target, name: str) -> str:
    """As a search writes that was stopped in a commit when another one took over."""
    journal = target.root / "journal"
    paths = [p for p in journal.glob("*-*.jsonl") if "slot" not in p.name]
    if not paths:
        return "nothing"
    owner = json.loads((target.root / "study.json").read_bytes())["id"]
    read = [journal_file.decode(owner, path.read_bytes())[0] for path in paths]
    blocks = sorted((b for found in read for b in found), key=lambda block: block.first)
    run = target.chance.choice(sorted({block.run for block in blocks}))
    first = next(block for block in blocks if block.run == run)
    records = [r for b in blocks for r in b.records() if r["kind"] == "ended"]
    record = {**target.chance.choice(records), "score": 0.0, "status": "COMPLETED"}
    lines = (journal_file.dump(record),) * target.chance.randrange(1, 4)
    block = journal_file.Block(first.first, lines, first.before, run - 1)
    path = journal / journal_file.file_name("commit", block.first, "0badc0de")
    path.write_bytes(journal_file.encode(owner, block))
    return f"records {block.first} to {block.last}, of run {block.run}"


def _directory(target: Target, name: str) -> None:
    (target.root / name).unlink()
    (target.root / name).mkdir()
    (target.root / name / "x").touch()


def _link(target: Target, name: str) -> str:
    path = target.root / name
    place = target.chance.choice([path.name, "/nonexistent", "/dev/null", "/"])
    path.unlink()
    path.symlink_to(place)
    return f"to {place}"


def _edit(target: Target, name: str) -> str:
    """As a person does, or a program that knows a part of the format."""
    path = target.root / name
    content = json.loads(path.read_bytes())
    places = list(_places(content))
    place, key = target.chance.choice(places)
    if target.chance.random() < 0.4:
        del place[key]
        how = "removed"
    else:
        place[key] = target.chance.choice(_EDITS)
        how = f"= {place[key]!r}"
    path.write_text(json.dumps(content))
    return f"{key!r} {how}"


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Every value in a JSON document: what it is in, and its key there."""
    keys = content if isinstance(content, dict) else range(len(content))
    found = []
    for key in list(keys):
        found.append((content, key))
        if isinstance(content[key], (dict, list)):
            found += _places(content[key])
    return found


_WAYS: dict[str, Callable[[Target, str], str | None]] = {
    function.__name__.removeprefix("_"): function
    for function in (
        *(_truncate, _empty, _flip, _scramble, _zero, _zero_block, _garbage, _append),
        *(_lose_line, _delete, _delete_newest, _duplicate, _swap, _older, _foreign),
        *(_directory, _link, _edit, _late),
    )
}
