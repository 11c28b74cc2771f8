"""Whether anybody answers: clients of servers try for minutes."""

import socket
import urllib.parse
import urllib.request

_PORTS = {"http": 80, "https": 443}
_ANSWER_S = 5.0


def reach(uri: str) -> None:
    """Raises if nobody answers.

    Args:
        uri: Of a server. Of anything else, and behind a proxy, nothing is known.

    Raises:
        OSError: If nobody does.
    """
    parts = urllib.parse.urlsplit(uri)
    host = parts.hostname or ""
    by_proxy = parts.scheme in urllib.request.getproxies()
    if parts.scheme not in _PORTS or (
        by_proxy and not urllib.request.proxy_bypass(host)
    ):
        return
    address = host, parts.port or _PORTS[parts.scheme]
    socket.create_connection(address, _ANSWER_S).close()
