"""Searches as a whole: an executor's process, and all that it starts."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import families, limits, meeting, processes, scripts
from tests.support.project import ROOT
from tuner_component.search import events
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.local import launch
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.study.study import StudyState


def _search(
    executors: processes.Executors,
    script: scripts.Script,
    study: Path,
    workers: int = 2,
    preload: tuple[str, ...] = (),
) -> processes.Executor:
    options = SearchOptions(num_workers=workers)
    return executors.start(scripts.search, script.entry(), str(study), options, preload)


def test_returns_the_completed_trials_best_first(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """The result would be of no use to whoever publishes it."""
    script = scripts.Script(str(tmp_path / "work"), trials=6)
    result = _search(executors, script, tmp_path / "study", workers=3).result()
    scores = [trial["score"] for trial in result.completed]
    assert scores == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert result.complete and not result.failed and not result.unfinished
    assert result.best_hyperparameters["space"][0]["config"]["name"] == "x"


def _search_after_timeout(*told: Any) -> Any:
    socket.setdefaulttimeout(77.0)
    return scripts.search(*told)


def test_script_may_set_a_timeout_for_all_sockets(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """No search of a script that downloads with a timeout would ever begin."""
    script = scripts.Script(str(tmp_path / "work"), trials=2)
    told = script.entry(), str(tmp_path / "study"), SearchOptions(num_workers=2)
    result = executors.start(_search_after_timeout, *told).result()
    assert scripts.scores(result) == {"0": 0.0, "1": 0.1}


def test_observer_is_told_what_happens(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """Nobody could watch the search: no terminal, no TensorBoard."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=3, acts={"1": ["die", "raise"]}
    )
    study, options = str(tmp_path / "study"), SearchOptions(num_workers=1)
    executor = executors.start(scripts.observed_search, script.entry(), study, options)
    _, told = executor.result()
    began, *others = (e for e in told if not isinstance(e, events.PlacesChanged))
    assert (began.study_directory, began.max_trials, began.workers) == (study, 3, 1)
    assert [entry["config"]["name"] for entry in began.space] == ["x"]
    story = [(type(event).__name__, event.trial_id) for event in others]
    assert story == [
        ("TrialStarted", "0"),
        ("TrialEnded", "0"),
        ("TrialStarted", "1"),
        ("AttemptLost", "1"),
        ("TrialStarted", "1"),
        ("TrialEnded", "1"),
        ("TrialStarted", "2"),
        ("TrialEnded", "2"),
    ]
    assert others[0].values.keys() == {"x"}
    assert "ValueError: trial 1 is broken" in others[5].message


def test_warnings_of_the_driver_are_logged_here(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """They would lie in a log that nobody opens while all goes well."""
    study, options = str(tmp_path / "study"), SearchOptions(num_workers=1)
    told = []
    for trials in (4, 2):
        script = scripts.Script(str(tmp_path / "work"), trials=trials)
        executor = executors.start(
            scripts.logged_search, script.entry(), study, options
        )
        result, warnings = executor.result()
        told.append(warnings)
    assert len(result.completed) == 4
    assert told[0] == []
    assert len(told[1]) == 1
    assert "max_trials (was 4, is 2; " in told[1][0]


def test_heavy_modules_are_imported_once(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """Each worker would spend the first minute on imports."""
    (tmp_path / "heavy_module.py").write_text(
        textwrap.dedent(
            f"""
            import os

            with open({str(tmp_path / "importers")!r}, "a") as file:
                file.write(f"{{os.getpid()}}\\n")
            """
        )
    )
    script = scripts.Script(str(tmp_path / "work"), trials=8, module="heavy_module")
    executors.start(
        scripts.search,
        script.entry(),
        str(tmp_path / "study"),
        SearchOptions(num_workers=4),
        ("heavy_module",),
        str(tmp_path),
    ).result()
    # On a cluster once on each node, too.
    importers = (tmp_path / "importers").read_text().split()
    assert len(importers) <= (4 if limits.ON_CLUSTER else 1)


def test_a_module_that_cannot_be_preloaded_is_left_to_the_user(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """A module that only some code path needs would stop the search."""
    script = scripts.Script(str(tmp_path / "work"))
    preload = ("there_is_no_such_module",)
    executor = _search(executors, script, tmp_path / "study", preload=preload)
    assert len(executor.result().completed) == 4


@pytest.mark.skipif(limits.ON_CLUSTER, reason="a cluster's nodes talk over ports")
def test_no_port_is_opened(
    executors: processes.Executors, tmp_path: Path, place: meeting.Meeting
) -> None:
    """Others on the network could talk to the search."""
    script = scripts.Script(str(tmp_path / "work"), act="meet", meeting=place.address)
    executor = _search(executors, script, tmp_path / "study")
    guests = [place.next(), place.next()]
    family = [executor.pid, *processes.descendants(executor.pid)]
    assert len(family) == 5
    inodes = {inode for pid in family for inode in _socket_inodes(pid)}
    assert inodes, "the processes are connected somehow"
    assert not inodes & _internet_inodes()
    for guest in guests:
        guest.release()
    for _ in range(2):
        place.next().release()
    executor.result()


def test_the_check_for_ports_can_fail() -> None:
    """The test above would pass whatever is open."""
    import socket

    with socket.create_server(("127.0.0.1", 0)):
        assert _socket_inodes(os.getpid()) & _internet_inodes()


def test_each_trial_has_a_log_of_all_that_was_printed(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """What a trial printed would be lost among that of others, or altogether."""
    script = scripts.Script(str(tmp_path / "work"), acts={"1": ["print"]})
    _search(executors, script, tmp_path / "study").result()
    logs = {i: (tmp_path / f"study/trials/{i}/log.txt").read_text() for i in range(4)}
    assert "from Python\n" in logs[1] and "from C\n" in logs[1]
    assert "from" not in logs[0]
    assert all(f"Trial {i} on worker-" in log for i, log in logs.items())


@pytest.mark.skipif(limits.ON_CLUSTER, reason="all nodes must see the study")
def test_a_study_may_lie_on_another_filesystem(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """Searches would be bound to the local disk, by their logs if nothing else."""
    script = scripts.Script(str(tmp_path / "work"), acts={"1": ["raise"]})
    options = SearchOptions(num_workers=2)
    # In memory, where each process has its own: only the driver's matters here.
    executor = executors.start(
        scripts.search, script.entry(), "ram://studies/one", options
    )
    result = executor.result()
    assert len(result.completed) == 3
    log = "ram://studies/one/trials/1/log.txt"
    assert f"The trial's log is {log}." in result.failed[0]["message"]


def test_a_module_that_computes_when_imported_is_not_shared(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """Forked workers would inherit a running framework, and hang."""
    (tmp_path / "computes.py").write_text(
        textwrap.dedent(
            f"""
            import os
            import keras

            ONE = keras.ops.convert_to_tensor(1.0)
            with open({str(tmp_path / "importers")!r}, "a") as file:
                print(os.getpid(), file=file)
            """
        )
    )
    script = scripts.Script(str(tmp_path / "work"), module="computes")
    result = executors.start(
        scripts.search,
        script.entry(),
        str(tmp_path / "study"),
        SearchOptions(num_workers=2),
        ("computes",),
        str(tmp_path),
    ).result()
    assert len(result.completed) == 4
    importers = (tmp_path / "importers").read_text().split()
    # The first fork server, then the driver and each worker.
    assert len(importers) == len(set(importers)) == 4


def test_a_search_runs_in_any_thread(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """Only the main thread can see to signals; others would fail to try."""
    script = scripts.Script(str(tmp_path / "work"))
    executor = executors.start(
        scripts.search_in_thread,
        script.entry(),
        str(tmp_path / "study"),
        SearchOptions(num_workers=2),
    )
    assert len(executor.result().completed) == 4


def test_an_error_of_tuner_fn_in_the_driver_is_raised_here(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """The user would see a broken connection in place of the error."""
    script = scripts.Script(str(tmp_path / "work"), module="there_is_no_such_module")
    with pytest.raises(ModuleNotFoundError) as caught:
        _search(executors, script, tmp_path / "study").result()
    assert "tuner_fn" in str(caught.value) and "toys.py" in str(caught.value)


def test_an_error_of_tuner_fn_in_workers_is_raised_here(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """Workers that cannot begin would be restarted without end."""
    script = scripts.Script(str(tmp_path / "work"), worker_fault="raise")
    with pytest.raises(RuntimeError, match="only in workers") as caught:
        _search(executors, script, tmp_path / "study").result()
    assert "toys.py" in str(caught.value)


def test_a_driver_that_cannot_begin_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message would quote an empty log, of a broken installation for example."""
    (tmp_path / "keras_tuner.py").write_text("raise OSError('half installed')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        SearchInterruptedError, match=r"(?s)server\.log ends with:.*half installed"
    ):
        launch.run_parallel(
            EntryPoint("toys:make"), str(tmp_path / "study"), {}, SearchOptions()
        )


def test_tuners_that_overwrite_leave_the_others_alone(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """A worker that starts late would delete the checkpoints of the others."""
    script = scripts.Script(str(tmp_path / "work"), trials=4, overwrite=True)
    options = SearchOptions(num_workers=1, max_trials_per_worker=1)
    executors.start(
        scripts.search, script.entry(), str(tmp_path / "study"), options
    ).result()
    kept = sorted(p.name for p in (tmp_path / "work/toy").glob("checkpoint-*"))
    assert kept == ["checkpoint-0", "checkpoint-1", "checkpoint-2", "checkpoint-3"]


def test_further_workers_start_fast(
    executors: processes.Executors, tmp_path: Path, place: meeting.Meeting
) -> None:
    """A replaced worker would cost as much as the first one."""
    script = scripts.Script(
        str(tmp_path / "work"), trials=3, act="meet", meeting=place.address
    )
    started = time.monotonic()
    executor = _search(executors, script, tmp_path / "study", workers=1)
    guest = place.next()
    first = time.monotonic() - started
    os.kill(guest.pid, 9)
    started = time.monotonic()
    guest = place.next()
    # The first one imports for some seconds, and for longer on a busy machine.
    assert time.monotonic() - started < max(first, 5)
    guest.release()
    for _ in range(2):
        place.next().release()
    executor.result()


def test_a_new_run_resumes_with_other_numbers_of_workers(
    executors: processes.Executors, tmp_path: Path, place: meeting.Meeting
) -> None:
    """A crash would cost what had been found."""
    script = scripts.Script(
        str(tmp_path / "work"), acts={"2": ["meet"]}, meeting=place.address
    )
    executor = _search(executors, script, tmp_path / "study", workers=1)
    guest = place.next()  # Held: without it the trial would wait no longer, and fail.
    family = families.kill(executor.pid)
    assert guest.pid in family
    processes.wait_until_gone(family[1:], limits.END_S)
    script = dataclasses.replace(script, acts={})
    result = _search(executors, script, tmp_path / "study", workers=3).result()
    assert result.found is StudyState.RESUMED and len(result.completed) == 4
    assert scripts.attempts(script) == {0: 1, 1: 1, 2: 2, 3: 1}


@pytest.mark.slow
def test_what_a_script_has_set_is_set_for_its_trials(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """A module that reads a flag of the script would fail, or models differ."""
    script = scripts.Script(str(tmp_path / "work"), trials=1, act="print settings")
    study, options = tmp_path / "study", SearchOptions(num_workers=1)
    search = scripts.search_with_settings
    executors.start(search, script.entry(), str(study), options).result()
    log = (study / "trials" / "0" / "log.txt").read_text()
    assert "settings 4321 raise 9" in log


def test_a_script_is_as_it_is_in_process(tmp_path: Path) -> None:
    """Workers would import the main script, or miss what its process has set up."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "scripts/sibling.py").write_text("VALUE = 0.5\n")
    (tmp_path / "scripts/user_code.py").write_text(
        textwrap.dedent(
            """
            import json, logging, os, sys, types
            from absl import flags
            import keras_tuner
            import sibling

            class Tuner(keras_tuner.Tuner):
                def run_trial(self, trial):
                    logging.getLogger("user").info("logged")
                    facts = dict(
                        cwd=os.getcwd(),
                        argv=sys.argv,
                        variable=os.environ["A_VARIABLE"],
                        flag=flags.FLAGS.user_flag,
                        path=sys.path[0],
                        main=hasattr(sys.modules["__main__"], "RUNS"),
                    )
                    with open(os.environ["A_VARIABLE"], "a") as file:
                        file.write(json.dumps(facts) + "\\n")
                    return sibling.VALUE

            def make(argument, role):
                space = keras_tuner.HyperParameters()
                space.Float("x", 0, 1)
                oracle = keras_tuner.oracles.RandomSearchOracle(
                    max_trials=2, hyperparameters=space
                )
                tuner = Tuner(oracle, directory=argument.decode())
                return types.SimpleNamespace(tuner=tuner, fit_kwargs={})
            """
        )
    )
    main = tmp_path / "scripts/main.py"
    main.write_text(
        textwrap.dedent(
            f"""
            import logging, os, sys
            from absl import flags
            sys.path.append({str(ROOT)!r})
            from tuner_component.search.parallel.local import launch
            from tuner_component.search.options import SearchOptions
            from tuner_component.search.parallel.protocol import EntryPoint

            RUNS = 1
            with open({str(tmp_path / "runs")!r}, "a") as file:
                file.write("run\\n")
            flags.DEFINE_string("user_flag", "default", "")
            flags.FLAGS(sys.argv)
            logging.basicConfig(format="OWN FORMAT %(message)s", level=logging.INFO)
            os.environ["A_VARIABLE"] = {str(tmp_path / "facts")!r}
            os.chdir({str(tmp_path / "elsewhere")!r})
            result = launch.run_parallel(
                EntryPoint("user_code:make", {str(tmp_path / "work")!r}.encode()),
                {str(tmp_path / "study")!r},
                {{}},
                SearchOptions(num_workers=2),
                preload=["absl.flags"],
            )
            print([trial["score"] for trial in result.completed])
            """
        )
    )
    command = [sys.executable, str(main), "--user_flag=given", "rest"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0.5, 0.5]\n"
    assert (tmp_path / "runs").read_text() == "run\n"
    facts = [json.loads(line) for line in (tmp_path / "facts").open()]
    assert (
        facts
        == [
            {
                "cwd": str(tmp_path / "elsewhere"),
                "argv": command[1:],
                "variable": str(tmp_path / "facts"),
                "flag": "given",
                "path": str(tmp_path / "scripts"),
                "main": False,
            }
        ]
        * 2
    )
    assert "OWN FORMAT logged" in (tmp_path / "study/trials/0/log.txt").read_text()
    assert "OWN FORMAT Trial 1 completed" in done.stderr


def _socket_inodes(pid: int) -> set[str]:
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(link)
        except FileNotFoundError:
            continue  # That of the directory itself.
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    return inodes


def _internet_inodes() -> set[str]:
    inodes = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            inodes.add(line.split()[9])
    return inodes
