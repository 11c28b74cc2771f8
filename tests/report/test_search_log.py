"""What a search says of itself goes to standard output, and only there."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator

import pytest
from absl import flags
from absl import logging as absl_logging

from tests.conftest import Run
from tuner_component.report import search_log

SEARCH = logging.getLogger("tuner_component")


class CurrentStderr:
    """What is standard error now: pytest has another one in fixtures than in tests."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


@pytest.fixture
def absl_handler(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """TFX's log as in a pod: absl's handler, at INFO."""
    root, handler = logging.getLogger(), absl_logging.get_absl_handler()
    monkeypatch.setattr(root, "handlers", [*root.handlers, handler])
    # Once another test has parsed flags, absl stays with the stream that it had then.
    monkeypatch.setattr(handler.python_handler, "stream", CurrentStderr())
    verbosity = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.INFO)
    yield
    absl_logging.set_verbosity(verbosity)


class Stream(io.StringIO):
    """Notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def write(self, text: str) -> int:
        self.calls.append(text)
        return len(text)

    def flush(self) -> None:
        self.calls.append("flush")


@pytest.mark.parametrize("parsed", [False, True])
@pytest.mark.usefixtures("absl_handler")
def test_lines_of_the_search_are_not_among_the_errors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, parsed: bool
) -> None:
    """A cluster's log viewer would mark each of them as an error."""
    # Before flags are parsed, absl writes to standard error, whatever its stream.
    monkeypatch.setattr(type(flags.FLAGS), "is_parsed", lambda _: parsed)
    with search_log.on_stdout():
        logging.getLogger("tuner_component.search.lock.lease").warning("waiting")
        SEARCH.info("Trial 0 completed")
        absl_logging.info("a line of TFX")
        logging.getLogger("tuner_components").warning("of somebody else")
    shown = capsys.readouterr()
    assert messages(shown.out) == ["waiting", "Trial 0 completed"]
    assert messages(shown.err) == ["a line of TFX", "of somebody else"]


@pytest.mark.usefixtures("absl_handler")
def test_line_is_written_whole_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines would come in blocks, the last ones never, or be torn by other output."""
    stream = Stream()
    monkeypatch.setattr(sys, "stdout", stream)
    with search_log.on_stdout():
        SEARCH.info("one")
        SEARCH.info("two")
    assert [call.rpartition("] ")[2] for call in stream.calls] == [
        *("one\n", "flush"),
        *("two\n", "flush"),
    ]


@pytest.mark.usefixtures("absl_handler")
def test_line_is_written_whatever_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial's message would be lost in a stack trace of the log's own."""
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    with search_log.on_stdout():
        SEARCH.info("no file caf\udce9 – é")
    assert shown.getvalue().endswith(rb"no file caf\udce9 \u2013 \xe9" + b"\n")


@pytest.mark.usefixtures("absl_handler")
def test_handlers_of_other_places_get_the_lines(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log file would lack the search."""
    with search_log.on_stdout():
        SEARCH.info("Trial 0 completed")
    assert caplog.messages == ["Trial 0 completed"]


@pytest.mark.usefixtures("absl_handler")
def test_a_log_that_somebody_has_set_up_is_left_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user who wants only warnings, or another place, would get all of it here."""
    monkeypatch.setattr(SEARCH, "level", logging.WARNING)
    with search_log.on_stdout():
        SEARCH.info("Trial 0 completed")
        SEARCH.warning("waiting")
    shown = capsys.readouterr()
    assert not shown.out
    assert "waiting" in shown.err and "Trial 0" not in shown.err


@pytest.mark.usefixtures("absl_handler")
def test_afterwards_all_is_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipeline's next step, in the same process, would log otherwise."""
    with pytest.raises(KeyError), search_log.on_stdout():
        raise KeyError
    assert not SEARCH.handlers and SEARCH.level == logging.NOTSET
    SEARCH.warning("later")
    shown = capsys.readouterr()
    assert not shown.out and "later" in shown.err


@pytest.mark.usefixtures("absl_handler")
def test_executor_logs_there(toy_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The component would say where its study is on standard error."""
    toy_run()
    shown = capsys.readouterr()
    for line in ("The study is kept in", "The search is over: 5 trials", "Written: "):
        assert line in shown.out
        assert line not in shown.err


def messages(text: str) -> list[str]:
    """What was logged, without what absl puts before it, or says of its own."""
    return [line.split("] ")[1] for line in text.splitlines() if "] " in line]
