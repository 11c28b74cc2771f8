"""What pages ask of searches.

It becomes a request in the study, as what the command line asks: the server talks to no
search. It takes nothing but JSON, from a page that it has made itself.
"""

import hmac
import json
from typing import Any

import msgspec
import tornado.web

from tuner_component.console import asking
from tuner_component.console.place import Place
from tuner_component.documents import decoding
from tuner_component.documents.decoding import DecodingError
from tuner_component.report.record import PAUSED, RUNNING
from tuner_component.search.errors import SearchError
from tuner_component.search.study import requests
from tuner_component.search.study.request_files import Standing
from tuner_component.serving.control import HEADER
from tuner_component.serving.handling import Handler

# What a page shows of what was asked.
_SHOWN = 20


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What a page sends."""

    kind: str
    trial: str | None = None
    values: dict[str, requests.Value] | None = None
    workers: int | None = None

    def content(self) -> dict[str, Any]:
        """What was set, but for the kind."""
        told = {"trial": self.trial, "values": self.values, "workers": self.workers}
        return {name: value for name, value in told.items() if value is not None}


class Requests(Handler):
    """What was asked of a search; and what is asked of it now."""

    async def get(self, name: str) -> None:
        feed = await self.feed_of(name)
        study = feed.study or await feed.read()
        known = await self.in_pool(asking.latest, feed.place, study, _SHOWN)
        every = [t for t in study.trials if t.status in (RUNNING, PAUSED)]
        self.tell(
            200,
            {
                "over": feed.over,
                "trials": [
                    {"trial": t.trial_id, "status": t.status.lower()} for t in every
                ],
                "requests": known,
            },
        )

    async def post(self, name: str) -> None:
        self._check_origin()
        feed = await self.feed_of(name)
        try:
            asked = decoding.decode(self.request.body, _Asked)
        except DecodingError as error:
            self.tell(400, {"error": f"Expected a request. Received: {error}."})
            return
        try:
            told = await self.in_pool(_ask, feed.place, asked)
        except FileNotFoundError as error:
            self.tell(404, {"error": str(error)})
        except (SearchError, OSError) as error:
            self.tell(500, {"error": str(error)})
        except ValueError as error:
            self.tell(400, {"error": str(error)})
        else:
            self.tell(202, told)

    def _check_origin(self) -> None:
        """Raises unless the request is from a page of this server."""
        headers = self.request.headers
        key = headers.get(HEADER, "").encode()
        origin = headers.get("Origin")
        own = origin in (
            None,
            f"http://{self.request.host}",
            f"https://{self.request.host}",
        )
        own = own and headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
        known = self.control.key.encode() if self.control else b""
        if not (own and known and hmac.compare_digest(key, known)):
            raise tornado.web.HTTPError(403)
        kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise tornado.web.HTTPError(415)
        if len(self.request.body) > requests.LARGEST:
            raise tornado.web.HTTPError(413)

    def tell(self, status: int, content: Any) -> None:
        """Answers with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(content))


def _ask(place: Place, asked: _Asked) -> dict[str, Any]:
    request = asking.ask(place, asked.kind, **asked.content())
    return asking.facts(Standing(request, None))
