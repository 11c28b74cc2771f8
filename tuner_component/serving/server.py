"""The server of `tuner-component serve`: pages, and the events that keep them up to date."""

import argparse
import asyncio
import contextlib
import ipaddress
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator
from concurrent import futures
from urllib.parse import quote

import tornado.httpserver
import tornado.iostream
import tornado.netutil
import tornado.web

from tuner_component.report import page
from tuner_component.search.storage import files
from tuner_component.serving.asked import Requests
from tuner_component.serving.control import Control
from tuner_component.serving.handling import Guard, Handler
from tuner_component.serving.index import Index

TOKEN_VARIABLE = "TUNER_COMPONENT_TOKEN"
# More than anything that is sent here.
_LARGEST = 1 << 20
# A line that means nothing, so often: it shows whether anyone still listens.
_BEAT_S = 15.0
_LAST_PORT = 65535


def run(args: argparse.Namespace) -> None:
    """Runs the command, until it is told to end.

    Raises:
        ValueError: If there is no such directory, or the address cannot be had.
    """
    if not files.exists(args.directory):
        raise ValueError(
            f"Expected the directory of a search, or one above. Received: "
            f"{args.directory}, and there is no such directory."
        )
    asyncio.run(_serve(args))


async def _serve(args: argparse.Namespace) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    served = serving(args.directory, args.host, args.port, control=args.control)
    async with served as address:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        print(f"Serving {args.directory} at {address}", flush=True)
        what = "It only reads."
        if args.control:
            what = "Whoever has this address can stop trials and searches, and enqueue."
        print(f"{what} Press Ctrl-C to end it.", flush=True)
        await ended.wait()


@contextlib.asynccontextmanager
async def serving(
    directory: str, host: str, port: int, control: bool = False
) -> AsyncIterator[str]:
    """Serves the pages of the studies below a directory.

    Args:
        directory: Path or URI.
        host: The address to listen at. All but loopback needs a token: that of the
            variable `TUNER_COMPONENT_TOKEN`, or a new one.
        port: The port to listen at; any free one if 0.
        control: Whether searches can be steered from their pages. That takes a token at
            any address: on this machine may be others, who may read and no more.

    Yields:
        The address to open, with the token if it takes one.

    Raises:
        ValueError: If the address cannot be had.
    """
    listening = _bound(host, port)
    host, port = listening.getsockname()[:2]
    is_local = ipaddress.ip_address(host).is_loopback
    given = os.environ.get(TOKEN_VARIABLE, "").strip() or secrets.token_urlsafe(16)
    token = None if is_local and not control else given
    with futures.ThreadPoolExecutor(2, "serving") as pool:
        what = {
            "index": Index(directory, pool),
            "pool": pool,
            "guard": Guard(port, token, is_local),
            "control": Control() if control else None,
        }
        steered = [(r"/requests/([\w-]+)", Requests, what)] if control else []
        application = tornado.web.Application(
            [
                (r"/", _Home, what),
                (r"/study/([\w-]+)", _Study, what),
                *steered,
                (r"/events/([\w-]+)", _Events, what),
            ],
            default_handler_class=_Missing,
            default_handler_args=what,
            log_function=lambda handler: None,  # Tokens are in addresses.
        )
        server = tornado.httpserver.HTTPServer(application, max_body_size=_LARGEST)
        server.add_sockets([listening])
        shown = f"[{host}]" if ":" in host else host
        try:
            query = f"?token={quote(token, safe='')}" if token else ""
            yield f"http://{shown}:{port}/{query}"
        finally:
            server.stop()
            await server.close_all_connections()


def _bound(host: str, port: int) -> socket.socket:
    try:
        if not 0 <= port <= _LAST_PORT:  # It would be taken for another one.
            raise OverflowError(f"the last port is {_LAST_PORT}")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        # The first one only: of two, the second might have another port.
        address = str(found[0][4][0])
        return tornado.netutil.bind_sockets(port, address, family)[0]
    except (OSError, OverflowError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(
            f"Expected an address of this machine and a free port. Received: {host}, "
            f"port {port} ({why}). Name others: --host, --port."
        ) from error


class _Page(Handler):
    """The page of a study."""

    async def show(self, name: str) -> None:
        """Answers with the page of a study."""
        feed = await self.feed_of(name)
        study = await feed.read()
        events = f"/events/{name}?seen={feed.version}"
        control = self.control

        def drawn() -> str:
            own = control.part(name, study) if control else ""
            return page.render(study, directory=feed.place.own, events=events, part=own)

        await self.finish(await self.in_pool(drawn))


class _Home(_Page):
    """The only study, or the list of all."""

    async def get(self) -> None:
        found = await self.in_pool(self.index.find)
        if len(found) == 1:
            await self.show(found[0][0])
        else:
            await self.finish(await self.in_pool(self.index.page))


class _Study(_Page):
    async def get(self, name: str) -> None:
        await self.show(name)


class _Missing(Handler):
    async def get(self) -> None:
        raise tornado.web.HTTPError(404)


class _Events(Handler):
    """Server-sent events: the data of a study, whenever they have changed."""

    async def get(self, name: str) -> None:
        feed = await self.feed_of(name)
        seen = self.request.headers.get("Last-Event-ID") or self.get_query_argument(
            "seen", ""
        )
        self.set_header("Content-Type", "text/event-stream")
        with contextlib.suppress(tornado.iostream.StreamClosedError):
            self.write(": welcome\n\n")
            await self.flush()
            while True:
                is_newer = await feed.newer_than(seen, _BEAT_S)
                if is_newer and feed.version != seen:
                    seen = feed.version
                    self.write(f"id: {seen}\nevent: study\ndata: {feed.data}\n\n")
                elif is_newer:
                    self.write(f"event: over\ndata: {feed.over}\n\n")
                    await self.flush()
                    return
                else:
                    self.write(":\n\n")
                await self.flush()
