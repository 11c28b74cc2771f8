"""What people ask of a search while it runs, and what became of it: plain data.

A request is a file in the study's directory: see `request_files`. Who owns the study does
what it says, and answers beside it. That it was done is a record of the journal, and that
record is its effect: see `asked`.
"""

import getpass
import json
import math
import os
import re
import secrets
import socket
import time
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tuner_component.documents import decoding, seal
from tuner_component.documents.decoding import DecodingError

FORMAT = 1
# In place of a stopping rule's name, where a person has stopped a trial; and in place of
# a condition's, where one has ended the search.
BY_REQUEST = "request"
# More than any configuration takes. Who can write a file can write a large one.
LARGEST = 1 << 16

STOP_TRIAL, STOP_SEARCH = "stop_trial", "stop_search"
ENQUEUE, WORKERS = "enqueue", "workers"
KINDS = (STOP_TRIAL, STOP_SEARCH, ENQUEUE, WORKERS)
_NEEDED = {STOP_TRIAL: "trial", ENQUEUE: "values", WORKERS: "workers"}

# By their names, requests are in the order of time; and no two have the same.
_ID = re.compile(r"[0-9]{20}-[0-9a-f]{16}")

Value = bool | int | float | str
DONE, REFUSED = "done", "refused"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks of a search.

    Attributes:
        id: Its own; by it, nothing is done twice.
        study: Id of the study that it is for.
        kind: What is wanted: one of `KINDS`.
        made: When, in seconds since the epoch, by the clock of who asks.
        by: Who asks, in words.
        trial: To stop a trial: its id.
        values: To enqueue a configuration: values of hyperparameters by their names.
        workers: How many trials are to run at a time.
    """

    id: str
    study: str
    kind: Literal["stop_trial", "stop_search", "enqueue", "workers"]
    made: float
    by: str = ""
    trial: str | None = None
    values: dict[str, Value] | None = None
    workers: int | None = None
    format: int = FORMAT

    def told(self) -> dict[str, Any]:
        """What it asks for, without what every request has."""
        name = _NEEDED.get(self.kind)
        return {} if name is None else {name: getattr(self, name)}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request.

    Attributes:
        outcome: "done" or "refused".
        message: What happens now, or why nothing does.
        request: What it answers.
        time: When it was answered, in seconds since the epoch.
    """

    outcome: Literal["done", "refused"]
    message: str
    request: Request
    time: float


def new(study: str, kind: str, **content: Any) -> Request:
    """A request that is made now.

    Args:
        study: Id of the study.
        kind: What is wanted: one of `KINDS`.
        **content: What it needs: `trial`, `values` or `workers`.

    Raises:
        ValueError: If it is none that can be made.
    """
    made = time.time()
    # What has no name in the password file has none here.
    try:
        who = getpass.getuser()
    except (KeyError, OSError):
        who = str(os.getuid())
    known = {"study": study, "kind": kind, "made": made, **content}
    known |= {"id": f"{time.time_ns():020d}-{secrets.token_hex(8)}"}
    known |= {"by": f"{who}@{socket.gethostname()}"}
    try:
        found = _checked(known)
        if len(encoded(found)) > LARGEST:
            raise DecodingError(f"more than {LARGEST} bytes")
    except DecodingError as error:
        raise ValueError(
            "Expected a request that names what it needs: a trial, values of "
            "hyperparameters (booleans, numbers and texts), or a number of workers. "
            f"Received: {error}."
        ) from error
    return found


def is_id(text: str) -> bool:
    """Whether a text may be the id of a request."""
    return _ID.fullmatch(text) is not None


def encoded(content: Request | Answer) -> bytes:
    """A request, or an answer, as the content of a file."""
    return json.dumps(seal.sealed(msgspec.to_builtins(content))).encode()


def request_of(data: bytes, request_id: str, study: str) -> Request:
    """The request that a file holds.

    Args:
        data: The file's content.
        request_id: What the file's name says.
        study: Id of the study that it was found in.

    Raises:
        DecodingError: It is no such request. The message completes "Received: ...".
    """
    found = _checked(_content(data))
    if found.id != request_id:
        raise DecodingError("another id than the file's name says")
    if found.study != study:
        raise DecodingError("a request for another study")
    return found


def answer_of(data: bytes, request_id: str) -> Answer:
    """The answer that a file holds.

    Raises:
        DecodingError: It is none to that request.
    """
    found = decoding.check(_content(data), Answer)
    if found.request.id != request_id:
        raise DecodingError("another id than the file's name says")
    return found


def _content(data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST:
        raise DecodingError(f"more than {LARGEST} bytes")
    content = decoding.decode(data, dict[str, Any])
    if not seal.is_sealed(content) or not seal.is_intact(content):
        raise DecodingError("one that is not as it was written, by its checksum")
    return content


def _checked(content: Mapping[str, Any]) -> Request:
    version = content.get("format", FORMAT)
    if type(version) is not int or version > FORMAT:
        raise DecodingError(f"format {version!r}, which a newer release may know")
    found = decoding.check(dict(content), Request)
    needed = _NEEDED.get(found.kind)
    if needed is not None and getattr(found, needed) is None:
        raise DecodingError(f"a request of the kind {found.kind!r} without {needed!r}")
    if not math.isfinite(found.made):
        raise DecodingError("a request of no time")
    if any(map(_is_infinite, (found.values or {}).values())):
        # No JSON of anyone else's has such: a page could not show the request.
        raise DecodingError("a number that is not finite")
    if not is_id(found.id):
        raise DecodingError(f"the id {found.id[:80]!r}")
    return found


def _is_infinite(value: Value) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
