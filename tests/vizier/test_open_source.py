"""What open-source Vizier answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest

from tuner_component.proto import vizier_pb2 as pb
from tuner_component.vizier.open_source import OpenSourceVizier
from tuner_component.vizier.service import ServiceError, UnreachableError

# As the real one was seen to say it.
_DATABASE = (
    "Exception calling application: (sqlite3.InterfaceError) Cursor needed to be reset "
    "because of commit/rollback and can no longer be fetched from."
)


class _Answering(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers all calls with what it is to say: that it fails, or a message."""

    said: str | bytes = ""

    def service(self, details: Any) -> Any:
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if isinstance(self.said, str):
                context.abort(grpc.StatusCode.UNKNOWN, self.said)
            return self.said

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture(name="answering")
def _answering() -> Iterator[tuple[_Answering, OpenSourceVizier]]:
    handler = _Answering()
    server = grpc.server(futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    service = OpenSourceVizier(f"127.0.0.1:{port}")
    yield handler, service
    service.close()
    server.stop(None).wait()


def test_a_database_that_fails_is_asked_again(
    answering: tuple[_Answering, OpenSourceVizier],
) -> None:
    """Two searches at one service would end each other."""
    handler, service = answering
    handler.said = _DATABASE
    with pytest.raises(UnreachableError, match="Cursor needed to be reset"):
        service.suggest("owners/o/studies/s", "client")


def test_all_else_that_it_cannot_do_is_an_error(
    answering: tuple[_Answering, OpenSourceVizier],
) -> None:
    """A search would ask for ten minutes what the service will never do."""
    handler, service = answering
    handler.said = "Exception calling application: no such method"
    with pytest.raises(ServiceError, match="no such method") as caught:
        service.trials("owners/o/studies/s")
    assert not isinstance(caught.value, UnreachableError)


def test_all_trials_of_a_long_search_are_heard(
    answering: tuple[_Answering, OpenSourceVizier],
) -> None:
    """It could not end, and nobody could go on with it: gRPC takes 4 MB by itself."""
    handler, service = answering
    long = "x" * 10_000
    trials = [pb.Trial(name=f"t/{n}", client_id=long) for n in range(500)]
    handler.said = pb.ListTrialsResponse(trials=trials).SerializeToString()
    assert len(handler.said) > 4 << 20
    assert len(service.trials("owners/o/studies/s")) == 500
