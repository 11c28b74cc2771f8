"""`serve --control`: a page that steers its search, for those who may, and no other page."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.console.conftest import ended
from tests.serving.test_server import ask
from tests.support import limits, studies
from tuner_component.search.study.request_files import Requests
from tuner_component.search.study.requests import DONE, REFUSED, Request
from tuner_component.serving.server import TOKEN_VARIABLE

Serve = Callable[..., str]
STOP = {"kind": "stop_search"}


class Server:
    """A server with one study, of which trial 02 runs, and who is allowed to steer it."""

    def __init__(self, study: Path, address: str) -> None:
        self.study = study
        self.address = address
        cookie = ask(address, f"/?{urlsplit(address).query}")[2]["Set-Cookie"]
        self.cookie = cookie.split(";")[0]
        page = ask(address, "/study/0123", Cookie=self.cookie)[1]
        found = re.search(r'data-key="([^"]+)"', page)
        assert found is not None
        self.key = found[1]
        self.page = page

    def post(
        self, content: object, path: str = "/requests/0123", **changed: str | None
    ) -> tuple[int, dict[str, Any]]:
        """Posts as the page does; headers that are None are left out."""
        parts = urlsplit(self.address)
        headers = {
            "Content-Type": "application/json",
            "X-Tuner-Component-Control": self.key,
            "Origin": f"http://{parts.netloc}",
            "Cookie": self.cookie,
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        sent = {name: value for name, value in headers.items() if value is not None}
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        connection = http.client.HTTPConnection(parts.netloc, timeout=limits.WAIT_S)
        connection.request("POST", path, body, sent)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.status, json.loads(data) if is_json else {}

    def waiting(self) -> list[Request]:
        """What waits for the search."""
        return list(Requests(str(self.study), "0123").waiting())


@pytest.fixture(name="server")
def _server(searches: Any, serve: Serve) -> Iterator[Server]:
    study = searches.study("studies/0123", *ended([0.5, 0.4]), studies.created("02"))
    searches.held(study)
    yield Server(study, serve(searches.root, control=True))


@pytest.mark.parametrize(
    "asked",
    [
        STOP,
        {"kind": "stop_trial", "trial": "02"},
        {"kind": "enqueue", "values": {"units": 16, "activation": "tanh"}},
        {"kind": "workers", "workers": 3},
    ],
)
def test_what_is_asked_waits_for_the_search(
    server: Server, asked: dict[str, Any]
) -> None:
    """A button would do nothing."""
    status, told = server.post(asked)
    assert (status, told["state"]) == (202, "requested")
    (request,) = server.waiting()
    content = {"trial": request.trial, "values": request.values}
    known = {"kind": request.kind, "workers": request.workers, **content}
    assert {k: v for k, v in known.items() if v is not None} == asked
    Requests(str(server.study), "0123").answer(request, REFUSED, "Expected another.")
    listed = json.loads(ask(server.address, "/requests/0123", Cookie=server.cookie)[1])
    assert listed["requests"][0]["message"] == "Expected another."
    assert listed["requests"][0]["state"] == "refused"
    assert listed["trials"] == [{"trial": "02", "status": "running"}]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"X_Tuner_Component_Control": None}, 403),
        ({"X_Tuner_Component_Control": "guess"}, 403),
        ({"Cookie": None}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_page_of_someone_else_cannot_ask(
    server: Server, changed: dict[str, str | None], status: int
) -> None:
    """Whatever site somebody looks at could stop the search."""
    assert server.post(STOP, **changed)[0] == status
    assert server.waiting() == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"kind": "stop_search", "more": 1}',
        b'{"kind": "delete"}',
        b'{"kind": "stop_trial"}',
        b'{"kind": "enqueue", "values": {"x": NaN}}',
        b'{"kind": "enqueue", "values": {"x": Infinity}}',
        b'{"kind": "enqueue", "values": {"x": [1]}}',
        b'{"kind": "workers", "workers": "3"}',
        b"[" * 10_000,
        b'{"kind": "enqueue", "values": {"x": "' + b"y" * 66_000 + b'"}}',
    ],
)
def test_what_is_no_request_is_refused(server: Server, content: bytes) -> None:
    """It would end in a traceback, or be left with the search."""
    assert server.post(content)[0] in (400, 413)
    assert server.waiting() == []


def test_finished_search_is_not_asked(
    searches: Any, serve: Serve, server: Server
) -> None:
    """Somebody would wait for an answer that never comes."""
    path = server.study / "study.json"
    path.write_text(path.read_text().replace("running", "finished"))
    status, told = server.post(STOP)
    assert status == 400 and "is finished" in told["error"]
    assert server.waiting() == []


def test_study_that_is_gone_is_said(server: Server) -> None:
    """It would end in a traceback, or be made anew by the request."""
    server.study.rename(server.study.with_name("moved"))
    status, _ = server.post(STOP)
    assert status in (404, 500)
    assert not server.study.exists()
    assert server.post(STOP, "/requests/none")[0] == 404


def test_default_of_each_hyperparameter_is_told(server: Server) -> None:
    """Where a module names none, which is mostly so, it would be said to be null."""
    found = re.search(r"<script[^>]*json[^>]*>(\[.*?)</script>", server.page, re.DOTALL)
    assert found is not None
    told = {one["name"]: one["default"] for one in json.loads(found[1])}
    assert told == {"units": "8", "rate": "0.0001", "activation": "relu"}


def test_without_control_there_is_nothing(searches: Any, serve: Serve) -> None:
    """Whoever may read could do more."""
    searches.study("studies/0123", *ended([0.5]))
    address = serve(searches.root)
    status, page, _ = ask(address, "/study/0123")
    assert status == 200 and "Steer this search" not in page
    assert ask(address, "/requests/0123")[0] == 404
    assert ask(address, "/requests/0123", "POST")[0] in (404, 405)


def test_looking_changes_nothing(server: Server) -> None:
    """A link, or an image, could stop the search."""
    for query in ("?kind=stop_search", "?kind=stop_trial&trial=02"):
        path = f"/requests/0123{query}"
        assert ask(server.address, path, Cookie=server.cookie)[0] == 200
    assert server.waiting() == []


def test_it_takes_a_token_on_this_machine_too(server: Server) -> None:
    """Other users of the machine could stop the search."""
    assert "?token=" in server.address
    assert ask(server.address, "/study/0123")[0] == 403
    assert ask(server.address, "/requests/0123")[0] == 403


def test_two_servers_ask_one_search(
    searches: Any, serve: Serve, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One would write over what the other has asked."""
    monkeypatch.setenv(TOKEN_VARIABLE, "another")
    other = Server(server.study, serve(searches.root, control=True))
    for number in range(1, 6):
        for one in (server, other):
            assert one.post({"kind": "workers", "workers": number})[0] == 202
    asked = [request.workers for request in server.waiting()]
    assert asked == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    # A page of one is none of the other.
    other.key = server.key
    assert other.post(STOP)[0] == 403


def test_page_steers(browser: Any, server: Server) -> None:
    """The buttons would do nothing, or more than was confirmed."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server.address)
    page.get_by_role("heading", name="Steer this search").wait_for()
    owner = Requests(str(server.study), "0123")
    page.get_by_role("button", name="Stop trial 02").click()
    page.get_by_role("button", name="Cancel").click()
    assert server.waiting() == []
    page.get_by_role("button", name="Stop trial 02").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stop trial 02: requested").wait_for()
    (request,) = server.waiting()
    owner.answer(request, DONE, "It ends <b>soon</b>.")
    page.get_by_text("Stop trial 02: done. It ends <b>soon</b>.").wait_for()
    form = page.locator("#control-enqueue")
    form.get_by_label("activation").fill("tanh")
    form.get_by_label("units").fill("16")
    page.get_by_role("button", name="Enqueue").dblclick()
    page.get_by_text('Try units=16, activation="tanh": requested').first.wait_for()
    request = server.waiting()[0]
    assert request.values == {"units": 16, "activation": "tanh"}
    for one in server.waiting():
        owner.answer(one, REFUSED, "Expected a configuration that was not tried.")
    page.get_by_text("refused. Expected a configuration that").first.wait_for()
    page.get_by_label("Number of workers").fill("4")
    page.get_by_role("button", name="Change").click()
    page.get_by_text("Trials at a time: 4: requested").wait_for()
    page.get_by_role("button", name="Stop the search").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stop the search: requested").wait_for()
    kinds = [request.kind for request in server.waiting()]
    assert kinds == ["workers", "stop_search"]
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_controls_are_accessible(browser: Any, server: Server, scheme: str) -> None:
    """Who hears a page, or has no mouse, could not steer."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = browser.new_page(color_scheme=scheme)
    page.goto(server.address)
    page.get_by_role("button", name="Stop trial 02").wait_for()
    found = axe.run(page, context="#control").response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    page.get_by_role("button", name="Stop trial 02").press("Enter")
    page.get_by_role("dialog").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Cancel"
    found = axe.run(page, context="#control").response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
