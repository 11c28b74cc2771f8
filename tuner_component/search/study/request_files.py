"""Where requests are: files in a study's directory, each written whole by whoever asks.

`requests/<id>.request` is one that waits, `<id>.answer` what became of it. Nobody who
asks needs the study's lock, nor a connection to whoever has it; a request waits there if
nobody has. What is no request is set aside, into `requests/quarantine/`.
"""

import contextlib
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tuner_component.documents.decoding import DecodingError
from tuner_component.search.errors import SearchError, StorageError
from tuner_component.search.storage import faults, files
from tuner_component.search.study import requests
from tuner_component.search.study.fingerprint import STUDY_FILE
from tuner_component.search.study.requests import Answer, Request

DIRECTORY = "requests"
_QUARANTINE = "quarantine"
_REQUEST, _ANSWER = ".request", ".answer"
# In one look; somebody may fill the directory.
_AT_A_TIME = 100

_ANSWERED_BEFORE = faults.declare(
    "request.answered.before", "a request's effect is durable, it has no answer yet"
)
_ANSWERED_AFTER = faults.declare(
    "request.answered.after", "a request is answered, its file is still there"
)

_log = logging.getLogger(__name__)


class Standing(NamedTuple):
    """A request, and what became of it.

    Attributes:
        request: The request.
        answer: None as long as it waits.
    """

    request: Request
    answer: Answer | None


def send(directory: str, request: Request) -> None:
    """Leaves a request with a study.

    Args:
        directory: Path or URI of the study.
        request: What is asked.

    Raises:
        FileNotFoundError: If there is no study.
        StorageError: If it cannot be written.
    """
    if not files.exists(files.join(directory, STUDY_FILE)):
        raise FileNotFoundError(
            f"Expected the study {directory}. Received: none there any more. It may have "
            "been moved."
        )
    place = _place(directory)
    files.makedirs(place)
    files.write_bytes(
        files.join(place, request.id + _REQUEST), requests.encoded(request)
    )


def standing(directory: str, request_id: str, study: str) -> Standing | None:
    """What became of one request; None if there is none of that id.

    Args:
        directory: Path or URI of the study.
        request_id: The request's id.
        study: The study's id.

    Raises:
        StorageError: If that cannot be read.
    """
    # First the answer: it is written before the request is removed.
    for _ in range(2):
        if answer := _answer(directory, request_id):
            return Standing(answer.request, answer)
        with contextlib.suppress(FileNotFoundError, DecodingError):
            path = files.join(_place(directory), request_id + _REQUEST)
            data = _read(path)
            return Standing(requests.request_of(data, request_id, study), None)
    return None


def latest(directory: str, study: str, count: int) -> list[Standing]:
    """The requests that were made last, in the order of time.

    Raises:
        StorageError: If they cannot be read.
    """
    names = (name.rpartition(".")[0] for name in files.list_names(_place(directory)))
    ids = sorted({name for name in names if requests.is_id(name)})[-count:]
    return [one for i in ids if (one := standing(directory, i, study))]


class Requests:
    """The requests of one study, for whoever owns it.

    Args:
        directory: Path or URI of the study.
        study: The study's id.

    Attributes:
        is_remote: Whether it takes a while to look for them.
    """

    def __init__(self, directory: str, study: str) -> None:
        self._directory, self._study = directory, study
        self.is_remote = files.is_remote(directory)
        self._place = _place(directory)
        # What is no request and cannot be set aside.
        self._strange: set[str] = set()

    def waiting(self) -> Iterator[Request]:
        """Those that wait, in the order of time.

        Raises:
            StorageError: If they cannot be read.
        """
        names = files.list_names(self._place)
        answered = {n.removesuffix(_ANSWER) for n in names if n.endswith(_ANSWER)}
        found = [n for n in names if n.endswith(_REQUEST) and n not in self._strange]
        for name in found[:_AT_A_TIME]:
            request_id = name.removesuffix(_REQUEST)
            if request_id in answered and _answer(self._directory, request_id):
                self._remove(name)
                continue
            if request := self._request(name, request_id):
                yield request

    def answer(self, request: Request, outcome: str, message: str) -> None:
        """Says what became of a request, which then waits no more.

        Args:
            request: The request.
            outcome: `requests.DONE`, whose effect is durable, or `requests.REFUSED`.
            message: What happens now, or why nothing does.

        Raises:
            StorageError: If it cannot be written.
        """
        faults.point(_ANSWERED_BEFORE)
        told = "done" if outcome == requests.DONE else "refused"
        answer = Answer(
            outcome=told,  # type: ignore[arg-type]
            message=message,
            request=request,
            time=time.time(),
        )
        path = files.join(self._place, request.id + _ANSWER)
        files.write_bytes(path, requests.encoded(answer))
        faults.point(_ANSWERED_AFTER)
        self._remove(request.id + _REQUEST)

    def close(self, settle: Callable[[Request], tuple[str, str]]) -> None:
        """Answers all that waits, when nothing more will be done; costs a warning at most.

        Args:
            settle: Tells the outcome and the message.
        """
        try:
            for request in self.waiting():
                self.answer(request, *settle(request))
        except SearchError as error:
            _log.warning("Requests to the search were not answered: %s", error)

    def _request(self, name: str, request_id: str) -> Request | None:
        try:
            if not requests.is_id(request_id):
                raise DecodingError("a name that no request has")
            data = _read(files.join(self._place, name))
            return requests.request_of(data, request_id, self._study)
        except FileNotFoundError:
            return None  # Who made it has taken it back.
        except DecodingError as error:
            self._set_aside(name, str(error))
        return None

    def _set_aside(self, name: str, reason: str) -> None:
        _log.warning(
            "Setting aside %s: expected a request to this search. Received: %s.",
            *(files.join(self._place, name), reason),
        )
        self._strange.add(name)
        target = files.join(self._place, _QUARANTINE)
        with contextlib.suppress(SearchError, FileNotFoundError):
            files.makedirs(target)
            files.move(files.join(self._place, name), files.join(target, name))
            self._strange.discard(name)

    def _remove(self, name: str) -> None:
        with contextlib.suppress(StorageError):
            files.remove(files.join(self._place, name))


def _place(directory: str) -> str:
    return files.join(directory, DIRECTORY)


def _answer(directory: str, request_id: str) -> Answer | None:
    path = files.join(_place(directory), request_id + _ANSWER)
    with contextlib.suppress(FileNotFoundError, DecodingError):
        return requests.answer_of(_read(path), request_id)
    return None


def _read(path: str) -> bytes:
    """The content of a file; of one that is no plain file nothing is read.

    Raises:
        DecodingError: It is a link, a pipe, a directory, or too long.
    """
    if not files.is_remote(path):
        with files.explained("read", path, may_lack=True):
            mode = os.lstat(files.local_path(path)).st_mode
        if not stat.S_ISREG(mode):
            raise DecodingError("what is no plain file")
    data = files.read_bytes(path, requests.LARGEST + 1)
    if len(data) > requests.LARGEST:
        raise DecodingError(f"more than {requests.LARGEST} bytes")
    return data
