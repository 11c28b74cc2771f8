"""Requests in a study's directory: whoever writes what there, a search goes on."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support import crashes
from tuner_component.documents import seal
from tuner_component.documents.decoding import DecodingError
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files
from tuner_component.search.study import request_files, requests
from tuner_component.search.study.request_files import Requests
from tuner_component.search.study.request_watch import RequestWatch
from tuner_component.search.study.requests import DONE, REFUSED, Request

STUDY = "0123"


@pytest.fixture(name="study")
def _study(tmp_path: Path) -> Path:
    (tmp_path / "study.json").write_text("{}")
    return tmp_path


def send(study: Path, kind: str = "stop_search", **content: Any) -> Request:
    request = requests.new(STUDY, kind, **content)
    request_files.send(str(study), request)
    return request


def waiting(study: Path) -> list[str]:
    return [request.id for request in Requests(str(study), STUDY).waiting()]


def test_they_come_in_the_order_of_time(study: Path) -> None:
    """A trial would be stopped before another, or a search before all of it."""
    sent = [send(study, "workers", workers=number).id for number in range(1, 20)]
    assert waiting(study) == sent
    assert len(set(sent)) == 19


def test_answer_is_found_beside(study: Path) -> None:
    """Nobody would know what became of it."""
    request = send(study, "enqueue", values={"x": 0.5, "kind": "a", "deep": True})
    known = request_files.standing(str(study), request.id, STUDY)
    assert known == (request, None)
    owner = Requests(str(study), STUDY)
    owner.answer(request, REFUSED, "Expected another.")
    known = request_files.standing(str(study), request.id, STUDY)
    assert known is not None and known.answer is not None
    assert (known.answer.outcome, known.answer.message) == (
        "refused",
        "Expected another.",
    )
    assert known.request == request
    assert waiting(study) == []
    assert request_files.standing(str(study), "0" * 20 + "-" + "0" * 16, STUDY) is None
    assert [one.request for one in request_files.latest(str(study), STUDY, 5)] == [
        request
    ]


def test_answered_request_is_not_done_again(study: Path) -> None:
    """Whoever died between the answer and its end would do it again."""
    request = send(study)

    def answer() -> None:
        Requests(str(study), STUDY).answer(request, DONE, "It ends.")

    assert not crashes.run(answer, "request.answered.after")
    assert len(os.listdir(study / "requests")) == 2
    assert waiting(study) == []
    assert len(os.listdir(study / "requests")) == 1


def good(**changed: Any) -> bytes:
    """A request as it is written, with some of it changed and the checksum right."""
    known = json.loads(requests.encoded(requests.new(STUDY, "stop_search")))
    return json.dumps(seal.sealed({**known, **changed})).encode()


NAME = "00000000001234567890-0123456789abcdef"
STRANGE: dict[str, bytes] = {
    "empty": b"",
    "torn": good(id=NAME)[:-30],
    "no JSON": b"\xff\x00garbage",
    "another's": good(),
    "another study's": good(id=NAME, study="4567"),
    "of another kind": good(id=NAME, kind="delete_all"),
    "of a later release": good(id=NAME, format=2),
    "incomplete": good(id=NAME, kind="stop_trial"),
    "of no type": good(id=NAME, kind="workers", workers="many"),
    "of no time": good(id=NAME, made=float("nan")),
    "changed": good(id=NAME).replace(b"stop_search", b"stop_trials"),
    "unsealed": json.dumps(
        {"id": NAME, "study": STUDY, "kind": "stop_search"}
    ).encode(),
    "deep": b"[" * 50_000,
    "with no number": good(id=NAME, kind="enqueue", values={"x": float("nan")}),
    "with a list": good(id=NAME, kind="enqueue", values={"x": [1, 2]}),
    "large": b" " * (1 << 17),
}


@pytest.mark.parametrize("what", STRANGE)
def test_what_is_no_request_is_set_aside(
    study: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that anyone may have written would end the search, or hold up the others."""
    place = study / "requests"
    place.mkdir()
    (place / f"{NAME}.request").write_bytes(STRANGE[what])
    real = send(study)
    with caplog.at_level(logging.WARNING):
        assert waiting(study) == [real.id]
        assert waiting(study) == [real.id]
    assert len(caplog.records) == 1 and "Received" in caplog.text
    assert (place / "quarantine" / f"{NAME}.request").read_bytes() == STRANGE[what]


def test_what_is_no_file_is_not_opened(study: Path, tmp_path: Path) -> None:
    """A pipe would be waited for, for ever, and a link lead to what it likes."""
    place = study / "requests"
    place.mkdir()
    real = requests.new(STUDY, "stop_search")
    (tmp_path / "elsewhere").write_bytes(requests.encoded(real))
    (place / f"{real.id}.request").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(place / f"{NAME}.request")
    (place / f"{NAME[:-1]}0.request").mkdir()
    with (place / f"{NAME[:-1]}1.request").open("wb") as file:
        file.truncate(100 << 20)
    (place / "../odd.request").write_text("")
    (place / "odd.request").write_text("")
    assert waiting(study) == []
    assert len(os.listdir(place / "quarantine")) == 5
    assert (tmp_path / "elsewhere").exists()


def test_what_cannot_be_set_aside_is_said_once(
    study: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log would have it twice each second."""

    def refuse(*names: str) -> None:
        raise StorageError("read only")

    (study / "requests").mkdir()
    (study / "requests" / f"{NAME}.request").write_text("")
    owner = Requests(str(study), STUDY)
    monkeypatch.setattr(request_files.files, "move", refuse)
    assert [list(owner.waiting()) for _ in range(3)] == [[], [], []]
    assert len(caplog.records) == 1


def test_request_of_the_future_is_done(study: Path) -> None:
    """A clock that is wrong would have it wait for years."""
    request_id = "99999999999999999999-0123456789abcdef"
    path = study / "requests" / f"{request_id}.request"
    path.parent.mkdir()
    path.write_bytes(good(id=request_id, made=9e12))
    assert waiting(study) == [request_id]


def test_study_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    """A request would leave a directory where a study was, that no search opens."""
    gone = tmp_path / "gone"
    with pytest.raises(FileNotFoundError, match="may have been moved"):
        send(gone)
    assert not gone.exists()


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "enqueue", "values": {"x": "y" * 100_000}},
        {"kind": "enqueue", "values": {"x": None}},
        {"kind": "enqueue", "values": {"x": float("-inf")}},
        {"kind": "enqueue"},
        {"kind": "stop_trial"},
        {"kind": "workers", "workers": 1.5},
        {"kind": "other"},
    ],
)
def test_request_that_is_none_cannot_be_made(content: Any) -> None:
    """Whoever makes a mistake would wait for an answer that never comes."""
    with pytest.raises(ValueError, match="Received"):
        requests.new(STUDY, **content)


def test_wrong_answer_is_none(study: Path) -> None:
    """Somebody's file would pass for what became of a request."""
    request = send(study)
    path = study / "requests" / f"{request.id}.answer"
    for data in (b"", b"{}", good(id=request.id)):
        path.write_bytes(data)
        known = request_files.standing(str(study), request.id, STUDY)
        assert known == (request, None)
    with pytest.raises(DecodingError):
        requests.answer_of(b"{}", request.id)
    assert waiting(study) == [request.id]


def test_watch_does_and_answers(study: Path) -> None:
    """Requests would wait for the end of the search."""
    seen: list[str] = []
    done = threading.Event()

    def do(request: Request) -> tuple[str, str]:
        seen.append(request.id)
        if len(seen) == 1:
            raise StorageError("a disk is full")  # It is tried again.
        if len(seen) == 3:
            done.set()
        return DONE, "so be it"

    sent = [send(study).id, send(study).id]
    with RequestWatch(Requests(str(study), STUDY), do).looking():
        assert done.wait(30)
    assert seen == [sent[0], *sent]
    assert waiting(study) == []


def test_request_that_breaks_something_is_refused(
    study: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be tried again twice each second, and the others never."""
    second = threading.Event()

    def do(request: Request) -> tuple[str, str]:
        if request.id == sent[0].id:
            raise KeyError("x")
        second.set()
        return DONE, "so be it"

    sent = [send(study), send(study)]
    with RequestWatch(Requests(str(study), STUDY), do).looking():
        assert second.wait(30)
    known = request_files.standing(str(study), sent[0].id, STUDY)
    assert known is not None and known.answer is not None
    assert (known.answer.outcome, "KeyError('x')" in known.answer.message) == (
        "refused",
        True,
    )


def test_watch_leaves_what_it_cannot_do(study: Path) -> None:
    """A request that came when the search was interrupted would be lost."""
    asked = threading.Event()

    def do(request: Request) -> None:
        asked.set()

    sent = send(study)
    with RequestWatch(Requests(str(study), STUDY), do).looking():
        assert asked.wait(30)
    assert waiting(study) == [sent.id]


def test_rest_is_answered_at_the_end(study: Path) -> None:
    """Whoever asked too late would wait for an answer for ever."""
    sent = send(study)
    Requests(str(study), STUDY).close(lambda request: (REFUSED, "over"))
    known = request_files.standing(str(study), sent.id, STUDY)
    assert known is not None and known.answer is not None
    assert known.answer.message == "over"


def test_study_in_a_store() -> None:
    """A search in a bucket could not be asked anything."""
    place = "ram://requests/study"
    files.makedirs(place)
    files.write_bytes(f"{place}/study.json", b"{}")
    request = requests.new(STUDY, "workers", workers=2)
    request_files.send(place, request)
    files.write_bytes(f"{place}/requests/{NAME}.request", b"")
    owner = Requests(place, STUDY)
    assert owner.is_remote and list(owner.waiting()) == [request]
    owner.answer(request, DONE, "so be it")
    known = request_files.standing(place, request.id, STUDY)
    assert known is not None and known.answer is not None
    names = files.list_names(f"{place}/requests")
    assert names == [f"{request.id}.answer", "quarantine"]
    assert list(owner.waiting()) == []
