"""One worker of several processes, as the driver sees it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from multiprocessing import connection
from typing import Any

import pytest

from tuner_component.search import events
from tuner_component.search.kerastuner import codec
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.engine import (
    BadMessageError,
    WorkerEnds,
    WorkerExited,
    WorkerStarted,
)
from tuner_component.search.parallel.local.engine import pair, worker_channel
from tuner_component.search.parallel.ray.engine import gang
from tuner_component.search.parallel.ray.links import WorkerLink
from tuner_component.search.parallel.worker import follower_link

_EPOCH = events.EpochEnded("0", 0, 0, {"loss": 1.0})
_KILLED = -9


class _Gang:
    """Two processes of a worker, without the processes."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.killed: list[str] = []
        self.gangs = gang.Gangs(self.killed.append)
        channels, self.processes = {}, []
        for name in ("worker-0@n", "worker-0-rank-1@n"):
            ours, theirs = pair()
            channels[name] = worker_channel(ours, WorkerLink)
            self.processes.append(stack.enter_context(theirs))
        self.channel = self.gangs.add("worker-0@n", channels)
        stack.callback(self.channel.close)

    def heard(self) -> list[Any]:
        """All that the driver hears now."""
        heard = []
        while self.channel.poll():
            heard.append(self.channel.recv())
        return heard

    def ask(self, rank: int, number: int, method: str, *args: Any) -> Any:
        """A process asks; returns what the driver hears."""
        self.processes[rank].send(protocol.Request(number, method, args))
        return self.heard()


@pytest.fixture
def pack() -> Iterator[_Gang]:
    with contextlib.ExitStack() as stack:
        yield _Gang(stack)


def _told(process: connection.Connection) -> list[Any]:
    told = []
    while process.poll():
        told.append(process.recv())
    return told


def _handed_in(status: str) -> codec.TrialState:
    return codec.TrialState({"trial_id": "0", "status": status})


@pytest.mark.parametrize("method", sorted(protocol.SHARED - {"end_trial"}))
def test_what_the_first_is_told_all_are_told(pack: _Gang, method: str) -> None:
    """They would train different trials, or stop after different epochs."""
    first, second = pack.processes
    assert pack.ask(1, 0, method) == []
    (request,) = pack.ask(0, 5, method)
    pack.channel.send(protocol.Reply(request.request_id, "answer"))
    assert _told(first) == [protocol.Reply(5, "answer")]
    assert _told(second) == [protocol.Told(method, "answer")]


def test_what_one_asks_for_itself_is_answered_to_it(pack: _Gang) -> None:
    """A process that looks at other trials would wait for ever, or get another's answer."""
    asked = [*pack.ask(0, 3, "get_space"), *pack.ask(1, 3, "get_trial", "0")]
    assert [request.method for request in asked] == ["get_space", "get_trial"]
    for request in reversed(asked):
        pack.channel.send(protocol.Reply(request.request_id, request.method))
    assert _told(pack.processes[0]) == [protocol.Reply(3, "get_space")]
    assert _told(pack.processes[1]) == [protocol.Reply(3, "get_trial")]


def test_only_the_first_reports_epochs(pack: _Gang) -> None:
    """A trial would have each epoch twice, and the values of any process."""
    for process in pack.processes:
        process.send(_EPOCH)
        process.send(protocol.Logged("tuner_component", 30, "a warning"))
    heard = pack.heard()
    assert heard.count(_EPOCH) == 1 and len(heard) == 3


def test_a_worker_is_alive_if_all_of_its_processes_are(pack: _Gang) -> None:
    """One that hangs would keep the others waiting, which beat as they wait."""
    first, second = pack.processes
    for _ in range(3):
        first.send(protocol.Heartbeat())
        assert pack.heard() == []
    second.send(protocol.Heartbeat())
    assert pack.heard() == [protocol.Heartbeat()]
    second.send(protocol.Heartbeat())
    assert pack.heard() == []


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    "word",
    [
        protocol.Request("a", "end_trial", ()),  # type: ignore[arg-type]
        protocol.Request(1, [], ()),  # type: ignore[arg-type]
        protocol.RemoteError("", "", ""),
    ],
)
def test_what_is_no_message_is_the_workers_end(
    pack: _Gang, rank: int, word: object
) -> None:
    """What a process says would end the driver, and the search with it."""
    pack.processes[rank].send(word)
    assert pack.channel.poll()
    with pytest.raises(BadMessageError):
        pack.channel.recv()


def test_the_end_of_the_first_is_the_end(pack: _Gang) -> None:
    """The driver would wait for words of a worker that is gone."""
    pack.processes[0].send(_EPOCH)
    pack.processes[0].close()
    pack.processes[1].send(_EPOCH)
    assert pack.channel.recv() == _EPOCH
    with pytest.raises(EOFError):
        pack.channel.recv()


def test_after_a_failed_trial_the_processes_are_ended(pack: _Gang) -> None:
    """One may still be in that trial, and would miss the next one."""
    (request,) = pack.ask(0, 1, "end_trial", _handed_in("FAILED"))
    assert pack.ask(0, 2, "create_trial", "tuner") == []
    assert pack.killed == []
    pack.channel.send(protocol.Reply(request.request_id, "FAILED"))
    assert sorted(pack.killed) == ["worker-0-rank-1@n", "worker-0@n"]


def test_after_a_completed_trial_they_go_on(pack: _Gang) -> None:
    """Each trial would pay for new processes."""
    (request,) = pack.ask(0, 1, "end_trial", _handed_in("COMPLETED"))
    pack.channel.send(protocol.Reply(request.request_id, "COMPLETED"))
    assert len(pack.ask(0, 2, "create_trial", "tuner")) == 1
    assert pack.killed == []


def test_a_process_that_connects_is_heard(pack: _Gang) -> None:
    """Its words would wait for ever behind the connection that stood for it."""
    with contextlib.ExitStack() as stack:
        other = _Gang(stack)
        left, right = pair()
        with left, right:
            number = other.channel._channels[1].fileno()
            os.dup2(left.fileno(), number)
            other.gangs.connected("worker-0-rank-1@n")
            right.send(protocol.Logged("tuner_component", 30, "here"))
            assert [message.text for message in other.heard()] == ["here"]
        other.gangs.connected("an unknown one")


def test_one_start_and_one_end_are_told(pack: _Gang) -> None:
    """The driver would take the processes for workers of its own."""
    tell = pack.gangs.told
    start = [WorkerStarted("worker-0-rank-1@n", 2), WorkerStarted("worker-0@n", 1)]
    assert tell(start) == [start[1]]
    assert tell([WorkerExited("worker-0-rank-1@n", _KILLED, 5)]) == []
    assert pack.killed == ["worker-0@n"]
    (end,) = tell([WorkerExited("worker-0@n", _KILLED, 7)])
    assert (end.worker_id, end.status, end.peak_memory) == ("worker-0@n", _KILLED, 7)
    assert "process of rank 1 was killed by SIGKILL" in end.lost
    assert "worker-0-rank-1@n.log" in end.lost
    others = [WorkerExited("worker-7@n", 0)]
    assert tell(others) == others


def test_who_writes_knows_that_the_worker_will_be_ended(pack: _Gang) -> None:
    """What they have trained would be lost with the node of any of them."""
    ends = [WorkerEnds("worker-0-rank-1@n"), WorkerEnds("worker-7@n")]
    assert pack.gangs.told(ends) == [WorkerEnds("worker-0@n"), WorkerEnds("worker-7@n")]
    pack.channel.send(protocol.Ending())
    assert [_told(process) for process in pack.processes] == [[protocol.Ending()], []]


@pytest.mark.parametrize("excused", [True, False])
def test_what_was_the_nodes_fault_is_nobodys(pack: _Gang, excused: bool) -> None:
    """A trial would fail since a machine was taken away."""
    lost = WorkerExited("worker-0@n", _KILLED, lost="its node", excused=excused)
    assert pack.gangs.told([lost]) == []
    (end,) = pack.gangs.told([WorkerExited("worker-0-rank-1@n", _KILLED)])
    assert (end.lost, end.excused) == ("its node", excused)


def test_processes_that_end_well_end_together(
    pack: _Gang, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process would be left that waits for those that have no more trials."""
    monkeypatch.setattr(gang, "_END_TOGETHER_S", 0.0)
    assert pack.gangs.told([WorkerExited("worker-0-rank-1@n", 0)]) == []
    assert pack.killed == []
    pack.gangs.meet_deadlines()
    assert pack.killed == ["worker-0@n"]
    (end,) = pack.gangs.told([WorkerExited("worker-0@n", 0)])
    assert (end.status, end.lost) == (0, "")


def test_frameworks_find_the_other_processes() -> None:
    """They would train alone, or wait at an address where nothing listens."""
    found = gang.environment(1, ["a:1", "[fd00::7]:2"])
    config = json.loads(found["TF_CONFIG"])
    assert config["cluster"] == {"worker": ["a:1", "[fd00::7]:2"]}
    assert config["task"] == {"type": "worker", "index": 1}
    for prefix in ("JAX", "KERAS_DISTRIBUTION"):
        assert found[f"{prefix}_NUM_PROCESSES"] == "2"
        assert found[f"{prefix}_PROCESS_ID"] == "1"
    assert found["JAX_COORDINATOR_ADDRESS"] == "a:1"
    assert found["KERAS_DISTRIBUTION_JOB_ADDRESSES"] == "a:1"


class _Link(follower_link.FollowerLink):
    def __init__(self) -> None:
        ours, self.theirs = pair()
        super().__init__(ours)


def test_a_follower_waits_for_what_the_first_is_told() -> None:
    """It would ask for a trial of its own."""
    link = _Link()
    link.take(protocol.Told("report_epoch", True))
    link.take(protocol.Told("create_trial", "a trial"))
    assert link.call("create_trial", "tuner") == "a trial"
    assert link.call("report_epoch", "0", 0, 0, {}) is True
    assert not link.theirs.poll()


def test_a_follower_hears_of_errors() -> None:
    """It would go on with a trial that there is none of."""
    link = _Link()
    error = protocol.RemoteError("ValueError", "no", "")
    link.take(protocol.Told("create_trial", None, error))
    with pytest.raises(ValueError, match="no"):
        link.call("create_trial", "tuner")
