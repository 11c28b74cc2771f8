"""The command line that a search was started with, kept beside what it writes."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tuner_component.documents import decoding
from tuner_component.documents.decoding import DecodingError
from tuner_component.search.errors import StudyLockedError
from tuner_component.search.storage import files

_NAME = "command.json"


class Command(msgspec.Struct):
    """A command line.

    Attributes:
        arguments: All that followed the program's name.
        directory: The working directory, which paths in it are relative to.
    """

    arguments: list[str]
    directory: str


@contextlib.contextmanager
def keeping(out: str, arguments: Sequence[str]) -> Iterator[None]:
    """Keeps the command line of this process, which runs the search meanwhile.

    If another process runs that search already, its command line stays.

    Args:
        out: The directory for everything that the search writes.
        arguments: All that follows the program's name.
    """
    told = {"arguments": list(arguments), "directory": os.getcwd()}
    own = json.dumps(told, indent=2).encode()
    path = files.join(out, _NAME)
    files.makedirs(out)
    before = files.read_bytes(path) if files.exists(path) else None
    files.write_bytes(path, own)
    try:
        yield
    except StudyLockedError:
        # One that took the search over has written its own.
        if before is not None and files.read_bytes(path) == own:
            files.write_bytes(path, before)
        raise


def kept(out: str) -> Command | None:
    """The command line that is kept in a directory; None if there is none.

    Raises:
        ValueError: If it cannot be read.
    """
    path = files.join(out, _NAME)
    try:
        content: Any = decoding.decode(files.read_bytes(path), dict[str, Any])
        return decoding.check(content, Command)
    except FileNotFoundError:
        return None
    except DecodingError as error:
        raise ValueError(
            f"Expected {path} to hold the command line of a search. Received: {error}. "
            "Remove the file, and run `tuner-component tune` as before: it runs again "
            "what was asked for."
        ) from error
