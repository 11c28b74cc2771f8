"""Object stores on this machine: what a search in a bucket talks to, over real HTTP.

The server understands what the client libraries of Google's and Amazon's stores send for
whole objects: read, write and delete, with conditions. Its objects are files, so that a
test can look at them, and so that a stand-in for TensorFlow's file interface, which cannot
be sent to another server, sees the same ones.
"""

import contextlib
import hashlib
import http.client
import itertools
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tuner_component.search.storage import files

_OBJECTS = "/storage/v1/b/"
_temporary = itertools.count()


class Bucket:
    """A server with the objects below a directory: `<directory>/<bucket>/<name>`.

    Args:
        directory: That directory.
        address: This machine's address at which to listen.

    Attributes:
        directory: Where the objects are.
        heeds: Conditions that it takes notice of: that an object is a version, or none.
        refuses: Whether it answers that nobody may do anything.
        before_put: Called with the name of an object before it is looked at and written.
        loses: How many answers to writes to lose from here on.
        puts: Names of the objects that were written, in order.
    """

    def __init__(self, directory: Path, address: str = "127.0.0.1") -> None:
        self.directory = directory
        self._address = address
        self.heeds = {"version", "none"}
        self.refuses = False
        self.before_put: Callable[[str], None] = lambda name: None
        self.loses = 0
        self.puts: list[str] = []
        self.mutex = threading.Lock()
        self._generation = 0
        handler = type("Handler", (_Handler,), {"bucket": self})
        self._server = ThreadingHTTPServer((address, 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def environ(self) -> dict[str, str]:
        """What sends the client libraries here."""
        return environ_of(f"{self._address}:{self._server.server_port}")

    def close(self) -> None:
        """Ends the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def put(self, name: str, data: bytes) -> None:
        """Writes an object, which then has another generation than any before."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, data)
        self._generation = max(self._generation + 1, time.time_ns())
        os.utime(path, ns=(self._generation, self._generation))
        self.puts.append(name)


@contextlib.contextmanager
def serving(directory: Path, address: str = "127.0.0.1") -> Iterator[Bucket]:
    """A bucket's server, and a process that sees it; as before at the end."""
    bucket = Bucket(directory, address)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in bucket.environ.items():
            patch.setenv(name, value)
        patch.setattr(files, "_gfile", lambda: gfile(directory))
        try:
            yield bucket
        finally:
            bucket.close()


@contextlib.contextmanager
def serving_moto(name: str) -> Iterator[None]:
    """Another server that speaks S3's language, with an empty bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        request = http.client.HTTPConnection(host, port)
        with contextlib.closing(request), pytest.MonkeyPatch.context() as patch:
            # All of its servers in a process have the same objects.
            for method, path in (("POST", "/moto-api/reset"), ("PUT", f"/{name}")):
                request.request(method, path)
                answer = request.getresponse()
                assert answer.read() is not None and answer.status == 200
            for variable, value in environ_of(f"{host}:{port}").items():
                patch.setenv(variable, value)
            yield
    finally:
        server.stop()


def environ_of(address: str) -> dict[str, str]:
    """What sends the client libraries to a server."""
    return {
        "STORAGE_EMULATOR_HOST": f"http://{address}",
        "S3_ENDPOINT": address,
        "S3_USE_HTTPS": "0",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "us-east-1",
    }


def see(directory: Path, environ: Mapping[str, str]) -> None:
    """Makes this process, and those that it starts, see a bucket.

    Args:
        directory: The bucket's.
        environ: The bucket's.
    """
    os.environ.update(environ)
    files._gfile = lambda: gfile(directory)


def see_in_tuners(directory: Path) -> None:
    """Makes KerasTuner see a bucket: TensorFlow's own client asks Google alone.

    Args:
        directory: The bucket's.
    """
    from keras_tuner.src.backend import io

    def at(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda path, *more: real(_local(directory, path), *more)

    for name in ("File", "exists", "makedirs", "rmtree"):
        setattr(io, name, at(getattr(io, name)))


def _local(directory: Path, path: str) -> str:
    _, scheme, name = str(path).partition("://")
    return str(directory / name) if scheme else path


def write(path: Path, data: bytes) -> None:
    """Writes a file at once, as stores do, without a trace among the objects."""
    name = f"bucket-{os.getpid()}-{threading.get_ident()}-{next(_temporary)}"
    temporary = Path(tempfile.gettempdir(), name)
    temporary.write_bytes(data)
    with contextlib.suppress(OSError):
        os.replace(temporary, path)
        return
    shutil.move(temporary, path)  # On another filesystem.


def gfile(directory: Path) -> Any:
    """What `tf.io.gfile` would be, with the objects below a directory."""

    def place(uri: str) -> Path:
        return directory / uri.partition("://")[2]

    @contextlib.contextmanager
    def opened(uri: str, mode: str) -> Iterator[Any]:
        if mode == "rb":
            with open(place(uri), "rb") as file:
                yield file
            return
        parts: list[bytes] = []
        yield SimpleNamespace(write=parts.append)
        write(place(uri), b"".join(parts))

    return SimpleNamespace(
        GFile=opened,
        exists=lambda uri: place(uri).exists(),
        listdir=lambda uri: os.listdir(place(uri)),
        makedirs=lambda uri: place(uri).mkdir(parents=True, exist_ok=True),
        remove=lambda uri: place(uri).unlink(),
        rmtree=lambda uri: shutil.rmtree(place(uri)),
        stat=lambda uri: SimpleNamespace(length=place(uri).stat().st_size),
    )


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    bucket: Bucket
    protocol_version = "HTTP/1.1"
    # Otherwise the parts of an answer wait for each other.
    disable_nagle_algorithm = True

    def log_message(self, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        """Reads an object."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Writes an object of Google's."""
        self._serve("PUT")

    def do_PUT(self) -> None:
        """Writes an object of Amazon's."""
        self._serve("PUT")

    def do_DELETE(self) -> None:
        """Removes an object."""
        self._serve("DELETE")

    def _serve(self, action: str) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._is_googles = _OBJECTS in url.path
        if self._is_googles:
            name, data, wanted = self._of_google(url.path, parse_qs(url.query), body)
        else:
            name, data, wanted = unquote(url.path[1:]), body, self._of_amazon()
        if action == "PUT":
            self.bucket.before_put(name)
        with self.bucket.mutex:
            status, content = self._answer(action, name, data, wanted)
            path = self.bucket.directory / name
            version = _versions(path)[not self._is_googles] if path.is_file() else ""
            is_lost = action == "PUT" and status == 200 and self.bucket.loses > 0
            self.bucket.loses -= is_lost
        if is_lost:
            self.close_connection = True
            return
        if action == "PUT" and status == 200 and self._is_googles:
            content = json.dumps({"name": name, "generation": version}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if version:
            self.send_header("X-Goog-Generation", version)
            self.send_header("ETag", version)
        self.end_headers()
        self.wfile.write(content)

    def _of_google(
        self, path: str, query: dict[str, list[str]], body: bytes
    ) -> tuple[str, bytes, str | None]:
        """Name and content of an object, and which version it must have."""
        kind, _, rest = path.partition(_OBJECTS)
        bucket, _, name = rest.partition("/o")
        (wanted,) = query.get("ifGenerationMatch", [None])  # type: ignore[list-item]
        if kind != "/upload":
            return f"{bucket}/{unquote(name[1:])}", b"", wanted
        boundary = self.headers["Content-Type"].partition("boundary=")[2].strip("\"'")
        # Both parts have a head and a line's end behind them, which is not content.
        told, data = (
            part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            for part in body.split(f"--{boundary}".encode())[1:3]
        )
        return f"{bucket}/{json.loads(told)['name']}", data, wanted

    def _of_amazon(self) -> str | None:
        none = self.headers.get("If-None-Match")
        assert none in (None, "*")
        return "0" if none else self.headers.get("If-Match")

    def _answer(
        self, action: str, name: str, data: bytes, wanted: str | None
    ) -> tuple[int, bytes]:
        path = self.bucket.directory / name
        is_there = path.is_file()
        if self.bucket.refuses:
            return self._refusal(403, "AccessDenied")
        if action == "GET":
            if not is_there:
                return self._refusal(404, "NoSuchKey")
            return 200, path.read_bytes()
        if wanted == "0" and "none" in self.bucket.heeds and is_there:
            return self._refusal(412, "PreconditionFailed")
        if wanted not in (None, "0") and "version" in self.bucket.heeds:
            if not is_there and not self._is_googles:
                return self._refusal(404, "NoSuchKey")
            if not is_there or wanted not in _versions(path):
                return self._refusal(412, "PreconditionFailed")
        if action == "DELETE":
            path.unlink(missing_ok=True)
            return 204, b""
        self.bucket.put(name, data)
        return 200, b""

    def _refusal(self, status: int, code: str) -> tuple[int, bytes]:
        if self._is_googles:
            return status, json.dumps({"error": {"message": code}}).encode()
        return status, f"<Error><Code>{code}</Code></Error>".encode()


def _versions(path: Path) -> tuple[str, str]:
    """Google's generation of an object, and Amazon's entity tag."""
    checksum = hashlib.md5(path.read_bytes()).hexdigest()
    return str(path.stat().st_mtime_ns), f'"{checksum}"'
