"""What the driver does about workers and trials that go wrong."""

import dataclasses
import os
import re
import signal
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.search.conftest import Mount
from tests.support import families, limits, meeting, processes, scripts
from tuner_component.search.errors import (
    SearchFailedError,
    SearchInterruptedError,
    StorageError,
)
from tuner_component.search.kerastuner import codec
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel.driver import instructions as todo
from tuner_component.search.parallel.driver.supervisor import Supervisor
from tuner_component.search.study.study import StudyState

TWO = SearchOptions(num_workers=2)


@dataclasses.dataclass
class Searches:
    """Starts toy searches on one study."""

    executors: processes.Executors
    root: Path

    def script(self, **changes: object) -> scripts.Script:
        """A toy search in the test's directory."""
        return scripts.Script(str(self.root / "work"), **changes)  # type: ignore[arg-type]

    def start(
        self, script: scripts.Script, options: SearchOptions = TWO
    ) -> processes.Executor:
        """Starts an executor's process on it."""
        return self.executors.start(
            scripts.search, script.entry(), str(self.root / "study"), options
        )

    def run(self, script: scripts.Script, options: SearchOptions = TWO) -> SearchResult:
        """Runs it to its end."""
        result: SearchResult = self.start(script, options).result()
        return result

    def wait_for_log(self, text: str) -> None:
        """Waits until the driver has written something."""
        log = self.root / "study/logs/driver.log"
        while text not in log.read_text():
            time.sleep(0.01)


@pytest.fixture
def searches(executors: processes.Executors, tmp_path: Path) -> Searches:
    """Toy searches in a directory of their own."""
    return Searches(executors, tmp_path)


def _ids(trials: list[dict[str, object]]) -> list[int]:
    return sorted(int(str(trial["trial_id"])) for trial in trials)


def test_a_trial_whose_worker_is_killed_is_repeated(searches: Searches) -> None:
    """One death would cost a trial, or count it twice."""
    script = searches.script(acts={"1": ["die", "ok"]})
    result = searches.run(script)
    assert _ids(result.completed) == [0, 1, 2, 3]
    assert scripts.attempts(script) == {0: 1, 1: 2, 2: 1, 3: 1}


def test_a_trial_that_kills_every_worker_fails_with_the_reason(
    searches: Searches,
) -> None:
    """A poisonous trial would be repeated forever, or fail without a word."""
    script = searches.script(acts={"1": ["print", "die"][1:]})
    result = searches.run(script)
    assert _ids(result.completed) == [0, 2, 3]
    [failed] = result.failed
    assert scripts.attempts(script)[1] == 3
    assert "killed by signal 9 (SIGKILL), at attempt 3" in failed["message"]
    assert str(searches.root / "study/trials/1/log.txt") in failed["message"]


def test_nothing_that_a_worker_says_ends_the_search(searches: Searches) -> None:
    """One confused worker would end the search, and every further run of it."""
    acts = {
        0: ("say garbage", "a worker that sent what is no message"),
        1: ("say a wrong epoch", "Expected epoch to be from 0 to 999999"),
        2: ("say a wrong trial", "Expected a trial that create_trial returned"),
        3: ("say to finish", "has no attribute 'finish'"),
        4: ("say to report a wrong epoch", "Expected epoch to be from 0 to 999999"),
        5: ("die of a signal without a name", "killed by signal 40 (SIGRTMIN+6)"),
        6: ("say to answer nobody", "no message of the driver's"),
    }
    script = searches.script(
        trials=8, acts={str(number): [act] for number, (act, _) in acts.items()}
    )
    result = searches.run(script, SearchOptions(num_workers=2, max_retries=0))
    assert _ids(result.completed) == [7]
    said = {int(trial["trial_id"]): trial["message"] for trial in result.failed}
    assert said.keys() == acts.keys()
    for number, (_, expected) in acts.items():
        assert expected in said[number]


def test_a_check_that_is_not_sure_warns_where_people_look(
    searches: Searches, executors: processes.Executors
) -> None:
    """It would end the search, or say so in a worker's log only."""
    script = searches.script()
    options = SearchOptions(num_workers=2, preflight=True)
    result, warnings = executors.start(
        scripts.logged_search, script.entry(), str(searches.root / "study"), options
    ).result()
    assert len(result.completed) == 4
    assert any("only in the check" in warning for warning in warnings)


def test_retries_can_be_switched_off(searches: Searches) -> None:
    """max_retries would be ignored."""
    script = searches.script(acts={"1": ["die"]})
    result = searches.run(script, SearchOptions(num_workers=2, max_retries=0))
    assert scripts.attempts(script)[1] == 1
    assert _ids(result.failed) == [1]


def test_a_segmentation_fault_shows_where(searches: Searches) -> None:
    """The user would not learn which native call crashed."""
    result = searches.run(
        searches.script(acts={"0": ["crash"]}),
        SearchOptions(num_workers=1, max_retries=0),
    )
    [failed] = result.failed
    assert "signal 11 (SIGSEGV)" in failed["message"]
    assert "toys.py" in failed["message"]  # faulthandler's last lines.


def test_a_worker_that_leaves_in_a_trial_is_replaced(searches: Searches) -> None:
    """sys.exit in user code would stop the search."""
    script = searches.script(acts={"2": ["exit", "ok"]})
    assert _ids(searches.run(script).completed) == [0, 1, 2, 3]


def test_death_is_noticed_at_once(searches: Searches, place: meeting.Meeting) -> None:
    """A dead worker's slot would stand empty until it is taken for hung, a minute."""
    script = searches.script(trials=1, act="meet", meeting=place.address)
    executor = searches.start(script, SearchOptions(num_workers=1))
    guest = place.next()
    started = time.monotonic()
    os.kill(guest.pid, signal.SIGKILL)
    again = place.next()
    assert time.monotonic() - started < limits.END_S
    assert again.pid != guest.pid
    again.release()
    assert _ids(executor.result().completed) == [0]


def test_a_stopped_worker_is_taken_for_hung(searches: Searches) -> None:
    """A worker that shows no life would hold its trial forever."""
    script = searches.script(trials=2, acts={"0": ["stop", "ok"]})
    options = SearchOptions(num_workers=2, heartbeat_timeout_s=3)
    started = time.monotonic()
    result = searches.run(script, options)
    assert 3 < time.monotonic() - started < limits.SEARCH_S
    assert _ids(result.completed) == [0, 1]
    assert scripts.attempts(script) == {0: 2, 1: 1}


def test_a_trial_beyond_its_time_limit_is_ended(searches: Searches) -> None:
    """A trial that never ends would hold up the search; its worker is alive."""
    script = searches.script(trials=2, acts={"0": ["hang"]})
    options = SearchOptions(num_workers=2, trial_timeout_s=1, max_retries=1)
    started = time.monotonic()
    result = searches.run(script, options)
    assert 2 < time.monotonic() - started < limits.SEARCH_S
    [failed] = result.failed
    assert "longer than its limit of 1 seconds, at attempt 2" in failed["message"]


def test_a_trial_out_of_memory_is_repeated_once_alone(
    searches: Searches, place: meeting.Meeting
) -> None:
    """It would be repeated beside the very trials that took the memory."""
    script = searches.script(
        trials=5,
        acts={
            "0": ["meet, run out of memory", "meet"],
            "1": ["meet", "ok"],
            "2": ["meet", "ok"],
        },
        meeting=place.address,
    )
    executor = searches.start(script, SearchOptions(num_workers=3))
    guests = {guest.news["trial"]: guest for guest in (place.next() for _ in range(3))}
    guests[0].release()
    searches.wait_for_log("out of memory")
    guests[1].release()
    assert place.stays_empty(1)  # There is a free worker, but trial 2 still runs.
    guests[2].release()
    alone = place.next()
    assert alone.news["trial"] == 0
    assert alone.pid != guests[0].pid  # The old process may hold on to memory.
    alone.release()
    assert _ids(executor.result().completed) == [0, 1, 2, 3, 4]
    assert scripts.attempts(script) == {0: 2, 1: 1, 2: 1, 3: 1, 4: 1}
    times = scripts.times(script)
    _, began, ended = [attempt for attempt in times if attempt[0] == 0][-1]
    others = [attempt for attempt in times if attempt[0] != 0]
    assert all(end <= began or begin >= ended for _, begin, end in others)


def test_the_kernel_killing_for_memory_is_out_of_memory(
    searches: Searches, place: meeting.Meeting, memory_group: Path
) -> None:
    """It would look like any other kill, and be repeated beside other trials."""
    script = searches.script(
        trials=2, acts={"0": ["meet, take 1 GiB", "ok"]}, meeting=place.address
    )
    executor = searches.start(script)
    guest = place.next()
    (memory_group / "cgroup.procs").write_text(str(guest.pid))
    guest.release()
    assert _ids(executor.result().completed) == [0, 1]
    assert scripts.attempts(script)[0] == 2
    log = (searches.root / "study/logs/driver.log").read_text()
    assert "Trial 0 will be repeated: a worker that the kernel killed" in log


def test_out_of_memory_alone_is_a_failure(searches: Searches) -> None:
    """A trial that is too large for the machine would be repeated forever."""
    script = searches.script(acts={"0": ["memory"]})
    result = searches.run(script)
    assert scripts.attempts(script)[0] == 2
    [failed] = result.failed
    assert "MemoryError" in failed["message"]


def test_a_trial_that_raises_is_a_result(searches: Searches) -> None:
    """One broken trial would end the search, or its traceback would be lost."""
    script = searches.script(acts={"1": ["raise"]})
    result = searches.run(script)
    assert _ids(result.completed) == [0, 2, 3]
    [failed] = result.failed
    assert "ValueError: trial 1 is broken" in failed["message"]
    assert str(searches.root / "study/trials/1/log.txt") in failed["message"]
    assert scripts.attempts(script)[1] == 1


def test_nan_is_a_failure(searches: Searches) -> None:
    """A diverged trial would be published as the best."""
    result = searches.run(searches.script(acts={"0": ["nan"]}))
    assert _ids(result.completed) == [1, 2, 3]
    assert _ids(result.failed) == [0]


def test_too_many_failed_trials_end_the_search(searches: Searches) -> None:
    """A search that cannot succeed would burn hours."""
    script = searches.script(trials=100, act="raise")
    with pytest.raises(SearchFailedError, match="at most 3 failed") as caught:
        searches.run(script, SearchOptions(num_workers=2, max_failed_trials=3))
    assert "is broken" in (caught.value.first_traceback or "")
    assert len(scripts.attempts(script)) < 8


def test_no_completed_trial_is_an_error(searches: Searches) -> None:
    """The component would publish nothing without saying why."""
    with pytest.raises(SearchFailedError, match="trial [01] is broken"):
        searches.run(searches.script(trials=2, act="raise"))


def test_a_fatal_error_ends_the_search_as_in_process(searches: Searches) -> None:
    """KerasTuner's FatalError means that no trial can work."""
    executor = searches.executors.start(
        scripts.search_error,
        searches.script(act="fatal").entry(),
        str(searches.root / "study"),
        TWO,
    )
    kind, message = executor.result()
    assert kind == "keras_tuner.src.errors.FatalValueError"
    assert "no trial can work" in message and "toys.py" in message


@pytest.mark.parametrize("study_too", [True, False])
def test_a_full_disk_ends_the_search_and_no_trial(
    executors: processes.Executors, tmp_path: Path, mount: Mount, study_too: bool
) -> None:
    """Healthy trials would fail, one after the other, for want of space."""
    disk = mount("size=4m")
    searches = Searches(executors, disk if study_too else tmp_path)
    script = scripts.Script(
        str(disk / "work"), trials=6, acts={"2": ["fill the disk", "ok"]}
    )
    with pytest.raises(StorageError, match=r"Received.*No space left") as caught:
        searches.run(script)
    assert str(searches.root / "study") in str(caught.value)
    assert "then run the same search again" in str(caught.value)
    (disk / "work/ballast").unlink()
    result = searches.run(script)
    assert _ids(result.completed) == [0, 1, 2, 3, 4, 5]
    assert not result.failed
    assert scripts.attempts(script)[2] == 2
    assert sum(scripts.attempts(script).values()) <= 8  # Those that ran at that time.


def test_workers_that_never_get_to_a_trial_end_the_search(searches: Searches) -> None:
    """They would be restarted forever."""
    script = searches.script(worker_fault="exit")
    with pytest.raises(SearchFailedError, match="status 4, 3 times in a row"):
        searches.run(script)


def test_workers_are_recycled(searches: Searches) -> None:
    """Leaks would add up over a long search."""
    script = searches.script(trials=6)
    options = SearchOptions(num_workers=1, max_trials_per_worker=2)
    assert len(searches.run(script, options).completed) == 6
    pids = [p.read_text() for p in sorted((searches.root / "work").glob("pid-*"))]
    assert len(set(pids)) == 3
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4] == pids[5]


def test_the_time_budget_publishes_what_there_is(
    searches: Searches, place: meeting.Meeting
) -> None:
    """A search with a time budget would end without a result."""
    script = searches.script(
        trials=100, acts={"2": ["meet"], "3": ["meet"]}, meeting=place.address
    )
    options = SearchOptions(
        num_workers=2, time_budget_s=limits.BUDGET_S, grace_period_s=1
    )
    result = searches.run(script, options)
    assert _ids(result.completed) == [0, 1]
    # On a busy machine the oracle is slow, and one more is suggested ahead.
    assert result.unfinished in (2, 3) and not result.complete
    # There is more time: the study goes on where it stopped.
    script = dataclasses.replace(script, act="ok", acts={}, trials=6)
    result = searches.run(script, SearchOptions(num_workers=2, time_budget_s=60))
    assert _ids(result.completed) == [0, 1, 2, 3, 4, 5]
    assert scripts.attempts(script) == {0: 1, 1: 1, 2: 2, 3: 2, 4: 1, 5: 1}


def test_a_budget_too_small_for_one_trial_says_so(searches: Searches) -> None:
    """An empty result would be published."""
    options = SearchOptions(num_workers=1, time_budget_s=1, grace_period_s=0)
    with pytest.raises(SearchInterruptedError, match="Raise the time budget"):
        searches.run(searches.script(act="hang"), options)


def test_sigterm_lets_running_trials_finish(
    searches: Searches, place: meeting.Meeting
) -> None:
    """Preemption would throw away what was nearly done."""
    script = searches.script(act="meet", meeting=place.address)
    executor = searches.start(script)
    guests = [place.next(), place.next()]
    os.kill(executor.pid, signal.SIGTERM)
    searches.wait_for_log("asked to stop")
    for guest in guests:
        guest.release()
    with pytest.raises(SearchInterruptedError, match="2 trials have completed") as e:
        executor.result()
    assert "run the same search again" in str(e.value)
    script.act = "ok"
    assert len(searches.run(script).completed) == 4
    assert scripts.attempts(script) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_the_grace_period_ends(searches: Searches, place: meeting.Meeting) -> None:
    """A search that was told to stop would go on as long as its trials."""
    script = searches.script(act="meet", meeting=place.address)
    executor = searches.start(script, SearchOptions(num_workers=2, grace_period_s=1))
    guests = [place.next(), place.next()]
    started = time.monotonic()
    os.kill(executor.pid, signal.SIGTERM)
    with pytest.raises(
        SearchInterruptedError, match="0 trials have completed, and [23] are unfinished"
    ):
        executor.result()
    assert 1 <= time.monotonic() - started < limits.END_S
    processes.wait_until_gone(_pids(guests), 0)


def test_a_second_signal_does_not_wait(
    searches: Searches, place: meeting.Meeting
) -> None:
    """Ctrl-C pressed twice would still wait for the grace period."""
    script = searches.script(act="meet", meeting=place.address)
    executor = searches.start(script, SearchOptions(num_workers=2, grace_period_s=600))
    _guests = [place.next(), place.next()]
    os.kill(executor.pid, signal.SIGINT)
    searches.wait_for_log("asked to stop")  # Two signals at a time are one.
    os.kill(executor.pid, signal.SIGINT)
    with pytest.raises(SearchInterruptedError):
        executor.result(limits.SEARCH_S)


def test_a_signal_before_the_search_has_begun(searches: Searches) -> None:
    """Ctrl-C during start-up would have to wait until all is ready."""
    executor = searches.start(searches.script(driver_fault="hang"))
    while not (searches.root / "work" / "driver").exists():
        time.sleep(0.01)
    os.kill(executor.pid, signal.SIGTERM)
    with pytest.raises(SearchInterruptedError, match="SIGTERM"):
        executor.result(limits.END_S)


def test_a_killed_driver_ends_its_workers(
    searches: Searches, place: meeting.Meeting
) -> None:
    """Orphaned workers would go on training for nobody."""
    script = searches.script(act="meet", meeting=place.address)
    executor = searches.start(script)
    guests = [place.next(), place.next()]
    os.kill(families.of(executor.pid).driver, signal.SIGKILL)
    assert processes.wait_until_gone(_pids(guests), limits.END_S) < limits.END_S
    with pytest.raises(SearchInterruptedError, match="driver was killed by signal 9"):
        executor.result()


def test_a_killed_executor_leaves_nothing(
    searches: Searches, place: meeting.Meeting
) -> None:
    """Every killed pipeline would leave processes behind."""
    script = searches.script(act="meet", meeting=place.address)
    executor = searches.start(script)
    _guests = [place.next(), place.next()]
    family = families.of(executor.pid)
    assert len(family.workers) == 2
    os.kill(executor.pid, signal.SIGKILL)
    assert processes.wait_until_gone(family.all, limits.END_S) < limits.END_S


def test_a_killed_fork_server_leaves_nothing(
    searches: Searches, place: meeting.Meeting
) -> None:
    """Its children would be nobody's."""
    script = searches.script(act="meet", meeting=place.address)
    executor = searches.start(script)
    _guests = [place.next(), place.next()]
    family = families.of(executor.pid)
    os.kill(family.server, signal.SIGKILL)
    assert processes.wait_until_gone(family.all[1:], limits.END_S) < limits.END_S
    with pytest.raises(SearchInterruptedError, match="fork server was killed"):
        executor.result()


def test_workers_are_not_taken_for_hung_when_the_machine_has_slept(
    searches: Searches, place: meeting.Meeting
) -> None:
    """A suspended container would lose an attempt of each trial when it wakes up."""
    script = searches.script(act="meet", meeting=place.address)
    options = SearchOptions(num_workers=2, heartbeat_timeout_s=2)
    executor = searches.start(script, options)
    guests = [place.next(), place.next()]
    family = families.of(executor.pid).all[1:]
    for number in (signal.SIGSTOP, signal.SIGCONT):
        # The driver wakes up first; the workers are the last ones.
        for pid in family:
            os.kill(pid, number)
        if number is signal.SIGSTOP:
            assert place.stays_empty(4)
    script.act = "ok"
    for guest in guests:
        guest.release()
    for _ in range(2):
        place.next().release()
    assert len(executor.result().completed) == 4
    assert set(scripts.attempts(script).values()) == {1}


def test_what_a_trial_started_ends_with_its_worker(
    searches: Searches, place: meeting.Meeting
) -> None:
    """Data loaders and the like would outlive a killed worker."""
    script = searches.script(trials=1, act="spawn and meet", meeting=place.address)
    executor = searches.start(script)
    guest = place.next()
    [child] = processes.descendants(guest.pid)
    os.kill(guest.pid, signal.SIGKILL)
    processes.wait_until_gone([child], limits.END_S)
    place.next().release()
    executor.result()


def test_a_second_driver_is_refused(searches: Searches, place: meeting.Meeting) -> None:
    """Two drivers on one study would give each trial twice."""
    script = searches.script(act="meet", meeting=place.address)
    first = searches.start(script)
    guests = [place.next(), place.next()]
    with pytest.raises(Exception, match="Expected") as caught:
        searches.run(script)
    assert type(caught.value).__name__ == "StudyLockedError"
    assert re.search(r"pid|process", str(caught.value))
    os.kill(first.pid, signal.SIGKILL)
    processes.wait_until_gone(_pids(guests), 3)


@pytest.mark.parametrize("trials", [4, 2])
def test_a_finished_study_is_reported_not_repeated(
    searches: Searches, trials: int
) -> None:
    """Running the pipeline again would repeat a search that is done."""
    script = searches.script()
    first = searches.run(script)
    again = searches.run(dataclasses.replace(script, trials=trials))
    assert again.completed == first.completed
    assert again.found is StudyState.FINISHED and again.complete
    assert scripts.attempts(script) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_a_finished_study_goes_on_if_its_tuner_wants_more(searches: Searches) -> None:
    """The only way to more trials would be to begin anew."""
    script = searches.script()
    first = searches.run(script)
    again = searches.run(dataclasses.replace(script, trials=8))
    assert again.completed[:4] == first.completed and len(again.completed) == 8
    assert set(scripts.attempts(script).values()) == {1}


def _pids(guests: list[meeting.Guest]) -> list[int]:
    return [guest.pid for guest in guests]


@pytest.fixture(name="idle")
def _idle() -> Iterator[Any]:
    """A driver's loop that does not run, with two workers that wait for a trial."""
    actions = types.SimpleNamespace(
        oracle=types.SimpleNamespace(commit=None, attempts_so_far=dict),
        carry_out=lambda order: None,
        looks_ahead=False,
    )
    workers = types.SimpleNamespace(workers=[], answer=lambda *_: None)
    job = types.SimpleNamespace(options=TWO, logs=None)
    never: Any = lambda *_: None
    made = Supervisor(job, workers, actions, None, never, never)  # type: ignore[arg-type]
    for worker_id in "ab":
        made._handle(todo.WorkerAdded(worker_id))
        made._handle(todo.TrialWanted(todo.Caller(worker_id, 0)))
    yield made
    made._oracle_thread.close()


def test_the_oracles_thread_is_woken_once_for_all_orders(
    idle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would be a commit of its own when the trials of many workers end together."""
    submitted: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        idle._oracle_thread, "submit", lambda *tasks: submitted.append(tasks)
    )
    idle._submit()
    idle._submit()
    [tasks] = submitted
    assert [task.suggests for task in tasks] == [True, True]


@pytest.mark.parametrize("looks_ahead", [False, True])
def test_it_looks_ahead_only_if_that_is_of_use(idle: Any, looks_ahead: bool) -> None:
    """Each trial would wake the oracle's thread, and the driver, for nothing."""
    idle._submit()
    idle._actions.looks_ahead = looks_ahead
    values = {"hyperparameters": {"values": {}}}
    trial = codec.TrialState({"trial_id": "0", "status": "RUNNING", **values})
    order, suggested = todo.Suggest(todo.Caller("a", 0)), todo.Suggested(trial)
    idle._handle(todo.OracleAnswered(order, suggested))
    assert [task.suggests for task in idle._tasks] == [True] * looks_ahead
    assert idle._dispatcher._orders[todo.LookAhead] == looks_ahead


def test_weights_are_deleted_when_nobody_waits_for_the_oracle(idle: Any) -> None:
    """A worker would wait for its next trial until files of its last one are deleted."""
    idle._submit()
    idle._order(todo.CleanUp("0"))
    [task] = idle._tasks
    # With no trial running, the end of the search may depend on it.
    assert task.later and task.wakes
