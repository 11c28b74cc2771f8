"""The doors of a stand-in for Google's cloud: a proxy, and servers for gRPC and HTTPS.

The proxy leads to the stand-in's own servers by host name, and nowhere else.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

from tests.support import ports

# What answers a request: the host, the path and the body in, status and body out.
Answer = Callable[[str, str, str, bytes], tuple[int, Any]]


class Proxy:
    """A proxy for CONNECT, as gRPC and requests use it.

    Args:
        ports: Where to connect to on this machine, by host name.
        address: This machine's address at which to listen.

    Attributes:
        address: Where it listens.
        refused: The hosts that were asked for and that are none of these.
    """

    def __init__(self, ports: Mapping[str, int], address: str = "127.0.0.1") -> None:
        self._ports = ports
        self.refused: list[str] = []
        self._listening = socket.create_server((address, 0))
        self.address = f"http://{address}:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._lead, args=[client], daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (more := client.recv(4096)):
                    return
                head += more
            host = head.split()[1].decode().partition(":")[0]
            if host not in self._ports:
                self.refused.append(host)
                client.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self._ports[host])) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_pass_on, args=[server, client])
                back.start()
                _pass_on(client, server)
                back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Https:
    """A server for requests over HTTPS.

    Args:
        directory: Has `ca.pem` and `key.pem`.
        answer: Answers requests.
    """

    def __init__(self, directory: Path, answer: Answer) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                host = self.headers["Host"].partition(":")[0]
                status, said = answer(host, self.path, token, body)
                data = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "ca.pem", directory / "key.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Answers no more."""
        self._server.shutdown()
        self._server.server_close()


class Refused(Exception):
    """A call is answered with an error."""

    def __init__(
        self, code: grpc.StatusCode, details: str = "as it was told to"
    ) -> None:
        super().__init__(details)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Method:
    """A method of a service.

    Attributes:
        name: Its name.
        request: The message that it takes.
        do: Does what it does, and returns a message; may raise `Refused`.
    """

    name: str
    request: Any
    do: Callable[[Any], Any]


# What does a method: the credentials and the request in, the answer out.
Call = Callable[[Method, str, Any], Any]


class Grpc(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A server for calls over TLS.

    Args:
        directory: Has `ca.pem` and `key.pem`.
        methods: By the paths of gRPC.
        call: Does one of them.
        unknown: Takes the paths that are asked for and are none of these.

    Attributes:
        port: Where it listens.
    """

    def __init__(
        self,
        directory: Path,
        methods: Mapping[str, Method],
        call: Call,
        unknown: list[str],
    ) -> None:
        self._methods, self._call = methods, call
        pem, key = ((directory / name).read_bytes() for name in ("ca.pem", "key.pem"))
        self._credentials = grpc.ssl_server_credentials([(key, pem)])
        self._held = ports.hold()
        self.port = ports.number(self._held)
        self._unknown = unknown
        self.start()

    def start(self) -> None:
        """Starts it, at the port where it was before."""
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self,))
        port = self._server.add_secure_port(f"127.0.0.1:{self.port}", self._credentials)
        assert port, "the port is taken"
        self._server.start()

    def stop(self) -> None:
        """Ends it, until it is started again."""
        self._server.stop(None).wait()

    def close(self) -> None:
        """Ends it for good."""
        self.stop()
        self._held.close()

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """See `grpc.GenericRpcHandler`."""
        method = self._methods.get(details.method)
        if method is None:
            self._unknown.append(details.method)
            return None  # gRPC answers that it is not implemented.

        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            given = dict(context.invocation_metadata()).get("authorization", "")
            try:
                return self._call(method, given.removeprefix("Bearer "), request)
            except Refused as refused:
                context.abort(refused.code, str(refused))

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=method.request.FromString,
            response_serializer=lambda answer: answer.SerializeToString(),
        )
