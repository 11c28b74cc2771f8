"""A stand-in for the server of Weights & Biases: as much as its real client needs."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

_PLACE = {"name": "p", "entity": {"id": "e", "name": "me"}, "id": "p"}


class Server(http.server.ThreadingHTTPServer):
    """Takes runs.

    Attributes:
        begun: The ids of the runs that were begun, in order.
        ended: The exit codes of those that ended, by their ids.
        silent_after: Answers nobody any more once so many runs have ended.
        fell_silent: Set when somebody is not answered.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.begun: list[str] = []
        self.ended: dict[str, int] = {}
        self.silent_after: int | None = None
        self.fell_silent, self.over = threading.Event(), threading.Event()

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may be killed."""

    def answer(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        """What it says to a request."""
        query, given = asked.get("query", ""), asked.get("variables", {})
        if "upsertBucket" in query:
            if given.get("groupName"):
                self.begun.append(given["name"])
            bucket = {"id": "b", "name": given["name"], "project": _PLACE}
            return {"data": {"upsertBucket": {"inserted": True, "bucket": bucket}}}
        if "createRunFiles" in query:
            place = {"uploadUrl": f"{self.address}/upload"}
            files = [{"name": name, **place} for name in given["files"]]
            told = {"runID": "r", "uploadHeaders": [], "files": files}
            return {"data": {"createRunFiles": told}}
        if path.endswith("/file_stream") and asked.get("complete"):
            self.ended[path.split("/")[-2]] = asked["exitcode"]
        return {"data": {"serverInfo": {"features": []}}}


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/upload":
            body = b"{}"
        limit = self.server.silent_after
        if limit is not None and len(self.server.ended) >= limit:
            self.server.fell_silent.set()
            self.server.over.wait()
        answer = json.dumps(self.server.answer(self.path, json.loads(body))).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_PUT = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server that answers while the block runs."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
