"""Replicas that form a Ray cluster for one search, each on a machine of its own."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import buckets, meeting, replicas, scripts
from tuner_component import load_study
from tuner_component.extensions.flock.board import Board

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.on_demand]

_COUNT = 3
# Three times TensorFlow and Ray, on a busy machine.
_START_S = 400.0
_END_S = 120.0


class Flock:
    """The replicas of a job, as a service starts them."""

    def __init__(
        self,
        directory: Path,
        machines: replicas.Machines,
        root: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory, self.machines = directory, machines
        self._environment = environment or {}
        root = root or str(directory)
        self.board = Board(f"{root}/board")
        self.board.make()
        self.study = f"{root}/study"
        (directory / "work").mkdir()

    def start(self, number: int, script: scripts.Script) -> replicas.Running:
        """Starts one of them; the first is the chief."""
        cluster = {
            "workerpool0": self.machines.ends([0]),
            "workerpool1": self.machines.ends(range(1, _COUNT)),
        }
        pool, index = (0, 0) if number == 0 else (1, number - 1)
        task = {"type": f"workerpool{pool}", "index": index}
        spec = json.dumps({"cluster": cluster, "task": task, "environment": "cloud"})
        command = ["python", "-m", "tests.support.flock_search"]
        arguments = [self.board.directory, self.study, json.dumps(vars(script))]
        return self.machines.start(
            number, [*command, *arguments], {**self._environment, "CLUSTER_SPEC": spec}
        )

    def wait_for(self, name: str) -> None:
        """Waits until there is a file on the board."""
        until = time.monotonic() + _END_S
        while not Path(self.board.directory, name).exists():
            assert time.monotonic() < until, f"no {name}"
            time.sleep(0.1)

    def script(self, **what: object) -> scripts.Script:
        """What the search does."""
        return scripts.Script(str(self.directory / "work"), **what)  # type: ignore[arg-type]


@pytest.fixture
def flock(tmp_path: Path) -> Iterator[Flock]:
    """Machines for the replicas of a job."""
    with tempfile.TemporaryDirectory(prefix="fl") as directory:
        machines = replicas.Machines(Path(directory), _COUNT)
        try:
            yield Flock(tmp_path, machines)
        finally:
            machines.close()


@pytest.fixture
def bucket_flock(tmp_path: Path) -> Iterator[Flock]:
    """The same, with all that replicas share in a bucket."""
    with tempfile.TemporaryDirectory(prefix="fl") as directory:
        machines = replicas.Machines(Path(directory), _COUNT)
        objects = tmp_path / "objects"
        try:
            with buckets.serving(objects, machines.outside) as bucket:
                there = {**bucket.environ, "TEST_BUCKET": str(objects)}
                yield Flock(tmp_path, machines, "gs://bucket", there)
        finally:
            machines.close()


def scores_of(chief: replicas.Running) -> dict[str, float]:
    """What the search found, as the first replica printed it."""
    said = chief.said()
    lines = [line for line in said.splitlines() if line.startswith("SCORES ")]
    assert lines, said
    found: dict[str, float] = json.loads(lines[-1].removeprefix("SCORES "))
    return found


def test_replicas_run_trials_and_end_with_the_search(
    flock: Flock, place: meeting.Meeting
) -> None:
    """A job would run on one machine only, or cost money after its end."""
    script = flock.script(trials=4, acts={"0": ["meet"], "1": ["meet"], "2": ["meet"]})
    script.meeting = place.address
    started = [flock.start(number, script) for number in range(_COUNT)]
    # All three at once.
    guests = [place.next(_START_S) for _ in range(_COUNT)]
    for guest in guests:
        guest.release()
    assert [one.wait(_START_S) for one in started] == [0] * _COUNT
    assert scores_of(started[0]) == {str(n): n / 10 for n in range(4)}
    nodes = {a.node for t in load_study(flock.study).trials for a in t.attempts}
    assert len(nodes) == _COUNT
    secret = flock.board.token()
    assert not any(secret in one.said() for one in started)
    written = [path for path in Path(flock.study).rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in written)


def test_a_machine_that_comes_late_or_dies_costs_one_attempt(
    flock: Flock, place: meeting.Meeting
) -> None:
    """A preempted machine would end the search, or the search would wait for it."""
    # The first attempts of two trials wait for the test.
    script = flock.script(trials=3, acts={"0": ["meet", "ok"], "1": ["meet", "ok"]})
    script.meeting = place.address
    chief, first = flock.start(0, script), flock.start(1, script)
    # The search begins, though the third has not come.
    guests = [place.next(_START_S + 60) for _ in range(2)]
    late = flock.start(2, script)
    first.kill()  # With the trial that waits there.
    started_again = flock.start(1, script)
    for guest in guests:
        guest.release()
    assert [r.wait(_START_S) for r in (chief, started_again, late)] == [0] * 3
    assert scores_of(chief) == {str(number): number / 10 for number in range(3)}
    attempts = sorted(scripts.attempts(script).values())
    assert attempts == [1, 1, 2]


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_a_search_goes_on_when_its_first_machine_is_taken_away(
    flock: Flock, place: meeting.Meeting, how: str
) -> None:
    """All machines would wait for ever for the one with the search, or end without it."""
    script = flock.script(trials=4, acts={"1": ["meet", "ok"], "2": ["meet", "ok"]})
    script.meeting = place.address
    chief, *others = [flock.start(number, script) for number in range(_COUNT)]
    guests = [place.next(_START_S) for _ in range(2)]
    getattr(chief, how)()
    chief.wait(_END_S)  # The running trials have a grace period.
    chief = flock.start(0, script)
    assert [r.wait(_START_S + 60) for r in (chief, *others)] == [0] * 3
    assert scores_of(chief) == {str(number): number / 10 for number in range(4)}
    attempts = scripts.attempts(script)
    assert attempts[1] == attempts[2] == 2
    del guests  # Until now their trials could not end.
    assert attempts[0] == 1, "a completed trial was run again"


def test_a_study_in_a_bucket_goes_on_with_another_first_machine(
    bucket_flock: Flock, place: meeting.Meeting
) -> None:
    """A bucket is where a job of the cloud has its study: it could not be preempted."""
    flock = bucket_flock
    script = flock.script(trials=4, acts={"1": ["meet", "ok"], "2": ["meet", "ok"]})
    script.meeting = place.address
    chief, *others = [flock.start(number, script) for number in range(_COUNT)]
    guests = [place.next(_START_S) for _ in range(2)]
    chief.kill()
    chief = flock.start(0, script)
    assert [r.wait(_START_S + 120) for r in (chief, *others)] == [0] * 3
    del guests
    assert scores_of(chief) == {str(number): number / 10 for number in range(4)}
    attempts = scripts.attempts(script)
    assert (attempts[0], attempts[1], attempts[2]) == (1, 2, 2)
    assert load_study(flock.study).status == "finished"
    assert not list(flock.directory.rglob("gs:*")), "a path was taken for a URI"
    flock.board.remove()
    assert not list(flock.directory.rglob("token"))


def test_a_search_that_fails_ends_all_machines(flock: Flock) -> None:
    """They would cost money for ever, or the job would pass for one that succeeded."""
    script = flock.script(trials=2, act="raise")
    chief, *others = [flock.start(number, script) for number in range(_COUNT)]
    assert chief.wait(_START_S) == 1
    assert [other.wait(_END_S) for other in others] == [0, 0]
    (failure,) = flock.board.failures().values()
    assert failure.type_path.endswith(":SearchFailedError")


def test_machines_end_when_the_job_is_given_up(flock: Flock) -> None:
    """They would wait for a first machine that nobody starts any more."""
    script = flock.script(trials=1)
    other = flock.start(1, script)
    flock.wait_for("replica-workerpool1-0.json")
    flock.board.remove()
    assert other.wait(_END_S) == 1
    assert "removed because the pipeline gave the job up" in other.said()


def test_a_machine_that_is_told_to_end_says_so(flock: Flock) -> None:
    """The service would have to kill it, after its grace period."""
    script = flock.script(trials=1)
    other = flock.start(1, script)
    flock.wait_for("replica-workerpool1-0.json")
    other.terminate()
    assert other.wait(_END_S) == 1
    (failure,) = flock.board.failures().values()
    assert "Received: SIGTERM" in failure.message
