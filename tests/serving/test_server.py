"""`serve`: pages that follow a search, for those who may see them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.console.conftest import dead, ended
from tests.support import limits, studies
from tests.support.project import ROOT
from tests.support.reports import data_of
from tuner_component.cli.main import main
from tuner_component.console import listing
from tuner_component.search.errors import StorageError
from tuner_component.search.journal.journal import Journal
from tuner_component.serving.server import TOKEN_VARIABLE

Serve = Callable[..., str]


def ask(
    address: str, path: str = "/", method: str = "GET", **headers: str
) -> tuple[int, str, dict[str, str]]:
    """The status, the body and the headers of an answer."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(
        str(parts.hostname), parts.port, timeout=limits.WAIT_S
    )
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def more(study: Path, *records: dict[str, Any]) -> None:
    """A search goes on."""
    journal = Journal(str(study / "journal"), study.name)
    for record in records:
        journal.append(record)
    journal.commit()


def test_page_follows_a_search(browser: Any, searches: Any, serve: Serve) -> None:
    """People would have to load the page again, and again."""
    study = searches.study("studies/0123", *ended([0.5, 0.4]))
    searches.held(study)
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(serve(searches.root))
    page.get_by_text("by trial 01").first.wait_for()
    page.locator("#live", has_text="Live").wait_for()
    page.locator("#plot-history").scroll_into_view_if_needed()
    page.wait_for_selector("#plot-history .main-svg")
    page.locator("input[type=search]").fill("0.3")
    more(study, *ended([0.5, 0.4, 0.3])[4:])
    page.get_by_text("by trial 02").first.wait_for()
    assert page.locator("input[type=search]").input_value() == "0.3"
    searches.held(study, pid=dead())
    page.locator("#live", has_text="Nobody works on").wait_for()
    assert errors == []


def test_all_studies_are_listed(searches: Any, serve: Serve) -> None:
    """Of several searches only one could be looked at."""
    address = serve(searches.root)
    assert "There is no study yet" in ask(address)[1]
    searches.study("a/studies/0123", *ended([0.5]))
    searches.study("b/studies/4567", *ended([0.4]), status="finished")
    status, text, _ = ask(address)
    assert status == 200 and "val_loss 0.5" in text and "finished" in text
    status, text, _ = ask(address, "/study/4567")
    assert status == 200 and data_of(text)["study"]["id"] == "4567"


def test_finished_search_is_said_to_be(searches: Any, serve: Serve) -> None:
    """The browser would ask for more for ever."""
    searches.study("studies/0123", *ended([0.5]), status="finished")
    address = serve(searches.root)
    text = ask(address)[1]
    (events,) = [part.split('"')[1] for part in text.split("data-events=")[1:]]
    status, told, headers = ask(address, events)
    assert status == 200 and headers["Content-Type"] == "text/event-stream"
    assert told.endswith("event: over\ndata: finished\n\n")
    # Who comes back with older data gets newer ones first.
    told = ask(address, "/events/0123", **{"Last-Event-ID": "older"})[1]
    assert "event: study\ndata: {" in told and "event: over" in told


def test_nothing_comes_from_elsewhere(searches: Any, serve: Serve) -> None:
    """A name in a study could have the page load and send what it likes."""
    searches.study("studies/0123", *ended([0.5]))
    headers = ask(serve(searches.root))[2]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "127.0.0.1.x:1", "localhost.evil.example:80"],
)
def test_other_names_lead_nowhere(host: str, searches: Any, serve: Serve) -> None:
    """A page of someone else's, with a name that leads here, could read the studies."""
    searches.study("studies/0123", *ended([0.5]))
    address = serve(searches.root)
    assert ask(address, Host=host)[0] == 403
    assert ask(address, "/events/0123", Host=host)[0] == 403


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "localhost:9999", "[::1]", "[::1]:80"]
)
def test_own_names_lead_here(host: str, searches: Any, serve: Serve) -> None:
    """It could not be seen at port 80, or through a tunnel from another port."""
    searches.study("studies/0123", *ended([0.5]))
    assert ask(serve(searches.root), Host=host)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(method: str, searches: Any, serve: Serve) -> None:
    """A page of someone else's could post to it."""
    searches.study("studies/0123", *ended([0.5]))
    assert ask(serve(searches.root), "/study/0123", method)[0] == 405


@pytest.mark.parametrize(
    "path",
    ["/study/none", "/events/none", "/../etc/passwd", "/study/..%2f..%2fetc", "/x"],
)
def test_what_is_not_there_is_not_found(path: str, searches: Any, serve: Serve) -> None:
    """A path could lead out of the directory, or end in a traceback."""
    searches.study("studies/0123", *ended([0.5]))
    status, text, _ = ask(serve(searches.root), path)
    assert (status, "Traceback" in text) == (404, False)


def test_damaged_study_is_said(searches: Any, serve: Serve) -> None:
    """The page would be empty, or a traceback."""
    study = searches.study("studies/0123", *ended([0.5]))
    address = serve(searches.root)
    assert ask(address, "/study/0123")[0] == 200
    (study / "study.json").write_text('{"format": 99}')
    status, text, _ = ask(address, "/study/0123")
    assert status == 500 and text.startswith("Expected")


def test_store_that_does_not_answer_is_said(
    searches: Any,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The terminal would fill with tracebacks, and the page say nothing."""

    def fail(*told: object) -> None:
        raise StorageError("Expected to list it. Received: no answer.")

    address = serve(searches.root)
    monkeypatch.setattr(listing, "studies", fail)
    for path in ("/", "/study/0123"):
        status, text, _ = ask(address, path)
        assert (status, text) == (500, "Expected to list it. Received: no answer.\n")
    assert not caplog.records


def test_names_that_are_no_text_are_shown(searches: Any, serve: Serve) -> None:
    """A trial that failed for a file of an odd name would cost the page of all others."""
    odd = "caf\udce9"
    failed = studies.failed("01", f"FileNotFoundError: {odd}")
    searches.study(f"{odd}/studies/0123", studies.created("01"), failed)
    address = serve(searches.root)
    status, text, _ = ask(address, "/study/0123")
    assert status == 200 and odd in json.dumps(data_of(text), ensure_ascii=False)
    searches.study("studies/4567", *ended([0.5]))
    status, text, _ = ask(address)
    assert status == 200 and "caf\\udce9/studies/0123" in text


def test_other_addresses_take_a_token(
    searches: Any, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is in the network could read the searches."""
    monkeypatch.setenv(TOKEN_VARIABLE, "a-token")
    searches.study("studies/0123", *ended([0.5]))
    address = serve(searches.root, "0.0.0.0").replace("0.0.0.0", "127.0.0.1")
    assert address.endswith("/?token=a-token")
    assert ask(address)[0] == ask(address, "/?token=another")[0] == 403
    status, _, headers = ask(address, "/?token=a-token")
    assert (status, headers["Location"]) == (302, "/")
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert ask(address, Cookie=cookie.split(";")[0])[0] == 200
    wrong = f"{cookie.split('=')[0]}=x"
    assert ask(address, "/events/0123", Cookie=wrong)[0] == 403


def test_token_may_have_any_characters(
    searches: Any, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that is printed would not be let in, or end in a traceback."""
    monkeypatch.setenv(TOKEN_VARIABLE, "a+b/c=;&# \u00fc\u20ac\n")
    searches.study("studies/0123", *ended([0.5]))
    address = serve(searches.root, control=True)
    status, _, headers = ask(address, f"/?{urlsplit(address).query}")
    assert (status, headers["Location"]) == (302, "/")
    assert ask(address, Cookie=headers["Set-Cookie"].split(";")[0])[0] == 200


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example/%2f"])
def test_nobody_is_led_away(path: str, searches: Any, serve: Serve) -> None:
    """A link that begins as this server's would open a page of someone else's."""
    searches.study("studies/0123", *ended([0.5]))
    status, _, headers = ask(serve(searches.root), f"{path}?token=x%20y")
    assert status == 302 and headers["Location"].startswith("/evil.example/")


def test_command_ends_quietly(searches: Any) -> None:
    """Ctrl-C would show a traceback."""
    searches.study("studies/0123", *ended([0.5]))
    process = subprocess.Popen(
        [sys.executable, "-m", "tuner_component", "serve", "--port", "0", "."],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    assert ask(address)[0] == 200
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=limits.WAIT_S)
    assert (process.returncode, errors) == (0, "")


def test_port_that_is_taken_is_said(
    searches: Any, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would end in a traceback of asyncio's."""
    taken = urlsplit(serve(searches.root)).port
    with futures.ThreadPoolExecutor(1) as other:  # The browser has a loop in this one.
        status = other.submit(main, ["serve", "--port", str(taken), "."]).result()
        assert status == 2
        named = ["serve", "--host", "192.0.2.1", "."]
        assert other.submit(main, named).result() == 2
        # 1 would be served in its place.
        assert other.submit(main, ["serve", "--port", "65537", "."]).result() == 2
        assert other.submit(main, ["serve", "--host", "a..b", "."]).result() == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4
    assert all("and a free port. Received: " in line for line in told)
    assert main(["serve", "nowhere"]) == 2
