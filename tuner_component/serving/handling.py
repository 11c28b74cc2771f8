"""Who may see the pages, and what all answers have in common."""

import asyncio
import hmac
import ipaddress
import re
from concurrent import futures
from typing import Any
from urllib.parse import quote, unquote

import tornado.web

from tuner_component.search.errors import SearchError
from tuner_component.serving.control import Control
from tuner_component.serving.feed import Feed
from tuner_component.serving.index import Index

# What a page may load: nothing from anywhere else.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
# What is wrong with a study, or with where it is: the message says it.
_TOLD = (SearchError, OSError, ValueError)
# Who a request is meant for. Browsers leave out the port if it is 80.
_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:[0-9]+)?")


class Guard:
    """Who may see the pages.

    At a loopback address, whoever can get there; but the request must be meant for it:
    else any page that a browser shows could have a name of its own lead here, and read
    what is here. At other addresses, who has the token.

    Args:
        port: The port that is served.
        token: What to show; None if whoever gets here may see the pages.
        is_local: Whether it is served at a loopback address.

    Attributes:
        cookie: What the token is kept as. A browser keeps one for all ports of a machine.
    """

    def __init__(self, port: int, token: str | None, is_local: bool = True) -> None:
        self._token, self._is_local = token, is_local
        self.cookie = f"tuner_component_token_{port}"

    def allows(self, host: str, shown: str | None) -> bool:
        """Whether a request may be answered.

        Args:
            host: Who it is meant for.
            shown: The token that came with it.
        """
        if self._is_local:
            meant = _HOST.fullmatch(host)
            known = meant is not None and _is_loopback(meant[1])
            if not known or self._token is None:
                return known
        if self._token is None:
            return False
        return hmac.compare_digest((shown or "").encode(), self._token.encode())


def _is_loopback(name: str) -> bool:
    if name.lower() == "localhost":
        return True  # The port may be that of a tunnel.
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


class Handler(tornado.web.RequestHandler):
    """Answers who may ask."""

    def initialize(
        self,
        index: Index,
        pool: futures.Executor,
        guard: Guard,
        control: Control | None,
    ) -> None:
        self.index, self.pool, self.guard = index, pool, guard
        self.control = control

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    def prepare(self) -> None:
        given = self.get_query_argument("token", None)
        kept = unquote(self.get_cookie(self.guard.cookie, None) or "")
        if not self.guard.allows(self.request.host, given or kept):
            raise tornado.web.HTTPError(403)
        if given is not None:
            # Out of the address, which people copy and show. Not all characters can be in
            # a cookie.
            value = quote(given, safe="")
            self.set_cookie(self.guard.cookie, value, httponly=True, samesite="Strict")
            # With two slashes it would be the address of another server.
            self.redirect("/" + self.request.path.lstrip("/"))

    def write(self, chunk: str | bytes | dict[Any, Any]) -> None:
        """Sends text, and escapes what cannot be: a file may have any name."""
        if isinstance(chunk, str):
            chunk = chunk.encode(errors="backslashreplace")
        super().write(chunk)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        told = {
            403: "Open the address that the command has printed, with its token.",
            404: "There is no such study here any more.",
        }
        text = told.get(status_code, "The study cannot be read.")
        if isinstance(error := kwargs.get("exc_info", (None, None))[1], _TOLD):
            text = str(error)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{text}\n")

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Shows the traceback of a fault of ours; all else is told who asks."""
        if not isinstance(value, _TOLD):
            super().log_exception(typ, value, tb)

    async def in_pool(self, what: Any, *args: Any) -> Any:
        """Does what takes time where others are not kept waiting."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, what, *args)

    async def feed_of(self, name: str) -> Feed:
        feed = await self.in_pool(self.index.feed, name)
        if feed is None:
            raise tornado.web.HTTPError(404)
        return feed  # type: ignore[no-any-return]
