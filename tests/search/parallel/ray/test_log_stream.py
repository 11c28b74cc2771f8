"""Bringing lines of logs to the study."""

import os
import threading
from pathlib import Path

import pytest

from tuner_component.search.parallel.logs import Logs
from tuner_component.search.parallel.ray import log_stream
from tuner_component.search.parallel.ray.messages import LogGrew
from tuner_component.search.storage import files


def _bring(tail: log_stream.LogTail, logs: Logs) -> None:
    sink = log_stream.LogSink(logs)
    for grown in tail.news():
        sink.take(grown)


def test_logs_grow_in_the_study_as_they_do_on_the_node(tmp_path: Path) -> None:
    """What a trial prints would be seen when it has ended, or twice."""
    there, here = tmp_path / "node", Logs(str(tmp_path / "study"), "study")
    (there / "trials" / "1").mkdir(parents=True)
    log = there / "trials" / "1" / "log.txt"
    tail = log_stream.LogTail(str(there))
    with open(log, "wb") as file:
        for line in (b"one\n", b"two, half ", b"of it\n"):
            file.write(line)
            file.flush()
            _bring(tail, here)
            assert Path(here.trial("1")).read_bytes() == log.read_bytes()
    assert not list(tail.news())


def test_the_driver_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each trial would wait until the directories of other trials' logs are durable."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    study = tmp_path / "a" / "study"
    logs = Logs(str(study), "study")
    log_stream.LogSink(logs).take(LogGrew("trials/1/log.txt", b"one\n"))
    with files.holding(str(study)):
        log_stream.LogSink(logs).take(LogGrew("trials/2/log.txt", b"two\n"))
        log_stream.LogSink(logs).take(LogGrew("log.txt", b"three\n"))
    written = [Path(logs.trial(i)).read_bytes() for i in ("1", "2")]
    assert written == [b"one\n", b"two\n"]
    assert (study / "log.txt").read_bytes() == b"three\n"
    assert not synced


def test_a_part_of_the_logs_has_the_names_that_it_has_in_all(tmp_path: Path) -> None:
    """A driver on a node would send each trial's log twice, or its own to nowhere."""
    for name in ("logs", "trials"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "driver.log").write_bytes(b"line\n")
    tail = log_stream.LogTail(str(tmp_path), "logs")
    assert list(tail.news()) == [LogGrew("logs/driver.log", b"line\n")]


def test_the_next_attempt_goes_on_in_the_same_log(tmp_path: Path) -> None:
    """The lines of the attempt that was lost would be overwritten."""
    here = Logs(str(tmp_path / "study"), "study")
    for node, line in (("a", b"first\n"), ("b", b"second\n")):
        there = tmp_path / node / "trials" / "1"
        there.mkdir(parents=True)
        (there / "log.txt").write_bytes(line)
        _bring(log_stream.LogTail(str(tmp_path / node)), here)
    assert Path(here.trial("1")).read_bytes() == b"first\nsecond\n"


def test_nothing_is_written_where_a_study_was(tmp_path: Path) -> None:
    """A study that was moved away would begin anew, with half a log."""
    study, there = tmp_path / "study", tmp_path / "node" / "trials" / "1"
    study.mkdir()
    there.mkdir(parents=True)
    with files.holding(str(study)):
        study.rename(tmp_path / "moved")
        (there / "log.txt").write_text("late\n")
        _bring(log_stream.LogTail(str(tmp_path / "node")), Logs(str(study), "study"))
    assert not study.exists()


def test_logs_of_a_study_in_a_bucket_grow_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a trial prints would be seen when the whole search has ended."""
    copied = threading.Event()
    copy = Logs.copy

    def and_tell(logs: Logs, path: str) -> bool:
        done = copy(logs, path)
        copied.set()
        return done

    monkeypatch.setattr(Logs, "copy", and_tell)
    monkeypatch.setattr(log_stream, "_COPY_S", 0)
    sink = log_stream.LogSink(Logs(str(tmp_path), "ram://study"))
    for text in (b"one\n", b"two\n"):
        copied.clear()
        sink.take(LogGrew("trials/1/log.txt", text))
        assert copied.wait(30)
    assert files.read_bytes("ram://study/trials/1/log.txt") == b"one\ntwo\n"
    assert (tmp_path / "trials" / "1" / "log.txt").exists()


def test_one_that_prints_without_end_comes_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gigabyte in one message would hold up all workers of the node."""
    monkeypatch.setattr(log_stream, "_PIECE", 10)
    (tmp_path / "log.txt").write_bytes(b"x" * 25)
    tail = log_stream.LogTail(str(tmp_path))
    sizes = [len(g.data) for _ in range(4) for g in tail.news()]
    assert sizes == [10, 10, 5]


@pytest.mark.parametrize("path", ["../outside", "/tmp/outside", "a/../../outside"])
def test_a_node_writes_nowhere_else(tmp_path: Path, path: str) -> None:
    """A node could overwrite files of the driver's machine."""
    here = Logs(str(tmp_path / "study"), "study")
    log_stream.LogSink(here).take(LogGrew(path, b"x"))
    assert not list(tmp_path.iterdir()) and not Path("/tmp/outside").exists()


def test_a_full_disk_costs_lines_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The driver would end, and the search with it, for a line of a log."""
    (tmp_path / "logs").write_text("a file where a directory is to be")
    here = Logs(str(tmp_path), "study")
    log_stream.LogSink(here).take(LogGrew("logs/worker-0.log", b"x"))
    assert "are lost" in capsys.readouterr().out


def test_nothing_is_kept_of_what_is_where_it_belongs(tmp_path: Path) -> None:
    """A search of days would fill the driver's memory with names of its logs."""
    sink = log_stream.LogSink(Logs(str(tmp_path), str(tmp_path)))
    sink.take(LogGrew("trials/1/log.txt", b"x"))
    assert sink._grown.empty()
