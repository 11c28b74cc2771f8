"""What open-source Vizier answers when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest

from tuner_component.vizier.open_source import OpenSourceVizier
from tuner_component.vizier.service import ServiceError, UnreachableError

# As the real one was seen to say it.
_DATABASE = (
    "Exception calling application: (sqlite3.InterfaceError) Cursor needed to be reset "
    "because of commit/rollback and can no longer be fetched from."
)


class _Failing(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers all calls with what it is to say."""

    said = ""

    def service(self, details: Any) -> Any:
        def fail(request: bytes, context: grpc.ServicerContext) -> None:
            context.abort(grpc.StatusCode.UNKNOWN, self.said)

        return grpc.unary_unary_rpc_method_handler(fail)


@pytest.fixture(name="failing")
def _failing() -> Iterator[tuple[_Failing, OpenSourceVizier]]:
    handler = _Failing()
    server = grpc.server(futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    service = OpenSourceVizier(f"127.0.0.1:{port}")
    yield handler, service
    service.close()
    server.stop(None).wait()


def test_a_database_that_fails_is_asked_again(
    failing: tuple[_Failing, OpenSourceVizier],
) -> None:
    """Two searches at one service would end each other."""
    handler, service = failing
    handler.said = _DATABASE
    with pytest.raises(UnreachableError, match="Cursor needed to be reset"):
        service.suggest("owners/o/studies/s", "client")


def test_all_else_that_it_cannot_do_is_an_error(
    failing: tuple[_Failing, OpenSourceVizier],
) -> None:
    """A search would ask for ten minutes what the service will never do."""
    handler, service = failing
    handler.said = "Exception calling application: no such method"
    with pytest.raises(ServiceError, match="no such method") as caught:
        service.trials("owners/o/studies/s")
    assert not isinstance(caught.value, UnreachableError)
