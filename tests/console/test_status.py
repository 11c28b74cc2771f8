"""`status`: what is shown of a search that runs, has stopped, or is over."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.console.conftest import Searches, dead, ended
from tests.support import studies
from tests.support.project import ROOT
from tuner_component.cli.main import main
from tuner_component.console import status

TRACEBACK = "Traceback (most recent call last):\n"


def sleep_by(monkeypatch: pytest.MonkeyPatch, sleep: Callable[[float], None]) -> None:
    """Has `status` alone sleep so: other tests may have left threads, which sleep, too."""
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=sleep)
    monkeypatch.setattr(status, "time", clock)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits for nothing between two looks; the list has how long it would have."""
    waited: list[float] = []
    sleep_by(monkeypatch, waited.append)
    return waited


def test_leaderboard_has_all_metrics(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the objective could be seen without a browser."""
    searches.study("out/studies/00000000000000ab", *ended([0.5, 0.25, 1.0]))
    assert main(["status", "out"]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("trial"))
    assert lines[start].split()[:3] == ["trial", "val_loss", "val_accuracy"]
    table = [line.split()[:3] for line in lines[start + 1 : start + 4]]
    assert table == [
        ["01", "0.25", "0.975"],
        ["00", "0.5", "0.95"],
        ["02", "1", "0.9"],
    ]


def test_time_that_is_left_and_paths_are_told(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person would have to count trials, and to look for the logs."""
    running = studies.created("09", time=time.time())
    study = searches.study("out/studies/00000000000000ab", *ended([0.5, 0.25]), running)
    searches.log(study, "09", "Epoch 1")
    searches.held(study)
    assert main(["status", "out"]) == 0
    out = capsys.readouterr().out
    # 8 of 10 trials of a minute, one at a time; and a slow machine.
    assert re.search(r"About (8 min 0|7 min \d+) s left\.", out)
    assert "Logs:   out/studies/00000000000000ab/trials/TRIAL/log.txt" in out
    assert "Report: `tuner-component report out` writes it." in out
    assert f"Worked on by: host {os.uname().nodename}, pid {os.getpid()}" in out
    assert main(["status", "--json", "out"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert 400 < facts["seconds_left"] <= 480
    assert facts["directory"] == "out/studies/00000000000000ab"
    assert facts["leaderboard"][0]["metrics"]["val_accuracy"] == 0.975


def test_search_that_nobody_works_on_is_named(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search that has died would look as if it ran for ever."""
    study = searches.study("out/studies/00000000000000ab", studies.created("00"))
    searches.held(study, pid=dead())
    assert main(["status", "out"]) == 0
    out = capsys.readouterr().out
    assert "No process works on it any more" in out
    # `list` calls it so, too.
    assert out.splitlines()[0].endswith(": interrupted.") and "Interrupted:" in out


@pytest.mark.parametrize("lock", ["", "{", "[]", '{"pid": "x"}', '{"pid": -1}'])
def test_any_lock_is_no_error(
    searches: Searches, lock: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lock that is being written, or was by something else, would hide the study."""
    study = searches.study("out/studies/00000000000000ab", *ended([0.5]))
    (study / "lock").write_text(lock)
    assert main(["status", "out"]) == 0
    assert "1 of 10 trials completed" in capsys.readouterr().out


def test_lock_that_is_a_pipe_is_not_waited_for(searches: Searches) -> None:
    """`status` would hang for ever."""
    study = searches.study("out/studies/00000000000000ab", *ended([0.5]))
    os.mkfifo(study / "lock")
    assert main(["status", "out"]) == 0


def test_root_of_a_pipeline_has_its_study(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """People would have to know the names of nodes, and of a hidden directory."""
    searches.study("root/Tuner/.system/studies/00000000000000ab", *ended([0.5]))
    (searches.root / "root" / "Trainer" / ".system").mkdir(parents=True)
    (searches.root / "root" / "metadata.sqlite").touch()
    assert main(["status", "root"]) == 0
    assert "Study 00000000000000ab" in capsys.readouterr().out


def test_watching_ends_with_the_search(
    searches: Searches,
    patient: list[float],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A script that waits for a search would wait for ever."""
    study = searches.study("out/studies/00000000000000ab", *ended([0.5]))

    def goes_on(seconds: float) -> None:
        patient.append(seconds)
        content = json.loads((study / "study.json").read_text())
        if len(patient) == 2:
            content["status"] = "finished"
        (study / "study.json").write_text(json.dumps(content))

    sleep_by(monkeypatch, goes_on)
    assert main(["status", "--watch", "out"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 of 10 trials completed, 0 failed. Best val_loss: 0.5")
    # What has not changed is not told again.
    assert sum(line.startswith("1 of 10 trials") for line in lines) == 2
    assert lines[1].endswith("finished.")
    assert len(patient) == 2 and min(patient) >= 2


def test_watching_ends_when_nobody_works_on_the_search(
    searches: Searches, patient: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """It would show a search that was killed, for ever."""
    study = searches.study("out/studies/00000000000000ab", *ended([0.5]))
    searches.held(study, pid=dead())
    assert main(["status", "--watch", "--json", "out"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["completed"] == 1
    assert not patient


def test_ctrl_c_ends_watching_quietly(
    searches: Searches,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It would say that the search was interrupted, which goes on."""

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    sleep_by(monkeypatch, interrupted)
    searches.study("out/studies/00000000000000ab", *ended([0.5]))
    assert main(["status", "--watch", "out"]) == 0
    assert capsys.readouterr().err == ""


def on_terminal(directory: Path, columns: int, *arguments: str) -> str:
    """Runs the command on a terminal of so many columns; returns what is left there."""
    ours, theirs = pty.openpty()
    size = f"stty cols {columns} rows 24; exec "
    command = f"{size} {sys.executable} -m tuner_component {' '.join(arguments)}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    shell = subprocess.Popen(
        ["sh", "-c", command],
        cwd=directory,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            block = os.read(ours, 4096)
        except OSError:  # The other end is closed.
            break
        shown += block
        if not block:
            break
    assert shell.wait() == 0, shown.decode()
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize("arguments", [["status"], ["status", "--watch"], ["best"]])
def test_nothing_is_wider_than_a_terminal(
    searches: Searches, arguments: list[str]
) -> None:
    """Tables of 60 trials with many hyperparameters would be broken into pieces."""
    values = {f"hyperparameter_with_a_name_{i}": 0.123456789 * i for i in range(20)}
    searches.study(
        "o/studies/00000000000000ab",
        *ended([1 / (i + 1) for i in range(60)], values=values),
        status="finished",
        finished="2025-06-15T16:06:40+0000",
    )
    shown = on_terminal(searches.root, 80, *arguments, "o")
    lines = shown.rpartition("\x1b[?1049l")[2].splitlines()
    table = [line for line in lines if "0.0166667" in line]
    assert table and max(map(len, lines)) <= 80, lines
    if arguments[0] == "status":
        assert any(line.startswith("Too wide for this terminal:") for line in lines)


def test_view_on_a_terminal_is_no_longer_than_it(searches: Searches) -> None:
    """The trials that run would be pushed out of sight by failures."""
    causes = [f"{TRACEBACK}ValueError: {'x' * i}" for i in range(40)]
    records = [
        record
        for i, cause in enumerate(causes)
        for record in (studies.created(str(i)), studies.failed(str(i), cause))
    ]
    study = searches.study("o/studies/00000000000000ab", *records)
    searches.held(study, pid=dead())
    shown = on_terminal(searches.root, 80, "status", "--watch", "o")
    view, _, after = shown.partition("\x1b[?1049l")
    assert 0 < view.count("\n") <= 24
    assert "trials completed, 40 failed." in after


def test_all_failed_has_no_table(
    searches: Searches, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty table would be shown, or an error in place of the failures."""
    failed = [
        studies.created("0"),
        studies.failed("0", f"{TRACEBACK}OSError: \x1b[31m"),
    ]
    searches.study("out/studies/00000000000000ab", *failed)
    assert main(["status", "out"]) == 0
    out = capsys.readouterr().out
    assert "  1 x OSError: \\x1b[31m" in out and "trial  " not in out


def test_all_times_are_those_of_this_machine(
    searches: Searches,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A search would seem to have begun hours before its first trial, or after it."""
    searches.study("out/studies/00000000000000ab", created="2026-05-01T05:40:00+0000")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert main(["status", "out"]) == 0
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "started 2026-05-01 14:40:00: running." in capsys.readouterr().out


def test_summary_is_what_tune_prints() -> None:
    """A search that has ended would print nothing, or what a program reads."""
    lines = status.summary(studies.big_study(30))
    assert "29 of 30 trials completed, 1 failed." in lines
