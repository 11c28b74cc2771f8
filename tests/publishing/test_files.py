"""What was found is published whole, or what was published before stays."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import signal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support import crashes, studies
from tuner_component import load_tuner_results
from tuner_component.publishing import files as published_files
from tuner_component.report import page
from tuner_component.report.record import StudyRecord
from tuner_component.search.errors import StorageError
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.storage import files
from tuner_component.search.study.study import StudyState

NUMBERS = (
    "best_hyperparameters/best_hyperparameters.txt",
    "tuner_results/study.json",
    "tuner_results/tuner_results.json",
)
REPORT = "tuner_results/report.html"


@pytest.fixture(params=["local", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[str]:
    """Where artifacts are, on each kind of filesystem."""
    if request.param == "local":
        yield str(tmp_path)
        return
    directory = f"ram://{uuid.uuid4().hex}"
    files.makedirs(directory)
    yield directory
    files.remove_tree(directory)


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that takes no time, and tells which study it is of."""
    monkeypatch.setattr(
        page, "render", lambda study, directory=None: f"<html> {study.study_id}"
    )


def study(study_id: str, message: str = "") -> StudyRecord:
    records = [studies.created("0"), studies.ended("0")]
    if message:
        records += [studies.created("1"), studies.failed("1", message)]
    return studies.study(*records, id=study_id)


def published(
    root: str, record: StudyRecord, values: dict[str, Any] | None = None
) -> tuple[str, str]:
    """Publishes a search; returns the directories."""
    config = {"space": [], "values": values or {"of": record.study_id}}
    result = SearchResult(
        completed=[{"trial_id": "0", "score": 0.5, "hyperparameters": config}],
        failed=[],
        unfinished=0,
        objective="val_loss",
        direction="min",
        seed=7,
        found=StudyState.NEW,
        complete=True,
    )
    best, results = (
        files.join(root, name) for name in ("best_hyperparameters", "tuner_results")
    )
    published_files.write_numbers(result, record, best, results)
    published_files.draw_report(record, results)
    return best, results


def there(root: str) -> dict[str, bytes]:
    """The content of all files in both artifacts."""
    return {
        f"{key}/{name}": files.read_bytes(files.join(root, key, name))
        for key in ("best_hyperparameters", "tuner_results")
        for name in files.list_names(files.join(root, key))
    }


def fail_at(monkeypatch: pytest.MonkeyPatch, name: str, nth: int) -> Callable[[], None]:
    """Has a function of `files` fail at its nth call, once; returns what undoes it."""
    real, calls = getattr(files, name), iter(range(1, 100))

    def full(*args: Any) -> None:
        if next(calls) == nth:
            raise StorageError(os.strerror(errno.ENOSPC))
        real(*args)

    monkeypatch.setattr(files, name, full)
    return lambda: monkeypatch.setattr(files, name, real)


@pytest.mark.parametrize(
    ("function", "nth"),
    [("write_bytes", 1), ("write_bytes", 3), ("move", 1), ("move", 2), ("move", 3)],
)
def test_what_fails_leaves_what_was_published_before(
    root: str, function: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk would cost the result of an earlier search."""
    published(root, study("first"))
    before = there(root)
    assert set(before) == {*NUMBERS, REPORT}
    undo = fail_at(monkeypatch, function, nth)
    with pytest.raises(StorageError, match="No space left"):
        published(root, study("second"))
    undo()
    assert there(root) == before
    published(root, study("second"))
    assert all(b"second" in content for content in there(root).values())


def test_it_is_said_whose_results_are_replaced(
    root: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A changed model would take the place of a better one without a word."""
    caplog.set_level("INFO")
    for record in ("first", "first", "second"):
        assert "This replaces" not in caplog.text
        published(root, study(record))
    score = study("first").trials[0].score
    assert (
        f"This replaces the results of study first (best {score:.6g})." in caplog.text
    )


def test_results_that_cannot_be_read_are_replaced(
    root: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged file would be there for ever, and the new results nowhere."""
    caplog.set_level("INFO")
    published(root, study("first"))
    files.write_bytes(files.join(root, "tuner_results", "study.json"), b"{damaged")
    published(root, study("second"))
    assert "This replaces" not in caplog.text
    assert all(b"second" in content for content in there(root).values())


def test_a_file_that_is_too_large_leaves_what_was_published_before(
    tmp_path: Any,
) -> None:
    """A limit that the system sets would cost the result of an earlier search."""
    published(str(tmp_path), study("first"))
    before = there(str(tmp_path))

    def publish_another() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # More than the table of trials and the best hyperparameters have.
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
        with contextlib.suppress(Exception):
            published(str(tmp_path), study("second"))

    assert crashes.run(publish_another)
    assert there(str(tmp_path)) == before


def test_first_publication_that_fails_leaves_nothing(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a result would be taken for one."""
    fail_at(monkeypatch, "move", 3)
    with pytest.raises(StorageError):
        published(root, study("first"))
    assert there(root) == {}


@pytest.mark.parametrize(
    "fault",
    [
        *(f"files.write.written:{n}" for n in (1, 3)),
        "publish.numbers.aside",
        *(f"publish.numbers.moved:{n}" for n in (1, 2, 3)),
        "publish.numbers.done",
    ],
)
def test_kill_leaves_whole_files_and_is_mended_by_the_next_run(
    tmp_path: Any, fault: str
) -> None:
    """A pod killed at the wrong moment would leave nothing that can be used."""
    root = str(tmp_path)
    published(root, study("first"))
    # The template has drawn no report yet, and need not: the kill comes before.
    assert not crashes.run(lambda: published(root, study("second")), fault)
    best = tmp_path / "best_hyperparameters"
    assert [path.name for path in best.iterdir()] == ["best_hyperparameters.txt"]
    for name in NUMBERS:
        content = (tmp_path / name).read_text()
        json.loads(content)
        assert ("first" in content) != ("second" in content)
    published(root, study("second"))
    found = {
        str(path.relative_to(root)): "second" in path.read_text()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == dict.fromkeys((*NUMBERS, REPORT), True)
    assert not list(tmp_path.rglob(".publishing*"))


def test_report_that_fails_costs_no_numbers_and_leaves_no_older_one(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture would throw a result away; or that of another search stand beside it."""
    published(root, study("first"))

    def broken(record: StudyRecord, directory: str | None = None) -> str:
        raise RecursionError

    monkeypatch.setattr(page, "render", broken)
    published(root, study("second"))
    assert set(there(root)) == set(NUMBERS)
    assert all(b"second" in content for content in there(root).values())


def test_message_that_is_no_text_is_published(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial that fails on a file with a name of bytes would cost the whole search."""
    monkeypatch.undo()
    published(str(tmp_path), study("0", os.fsdecode(b"OSError: caf\xe9.csv")))
    assert r"OSError: caf\udce9.csv" in (tmp_path / REPORT).read_text()
    record = json.loads((tmp_path / "tuner_results" / "study.json").read_text())
    assert os.fsencode(record["trials"][1]["cause"]) == b"OSError: caf\xe9.csv"


def test_hyperparameter_named_like_a_column_has_another_one(tmp_path: Any) -> None:
    """The score of a trial would be that of its hyperparameter of the same name."""
    values = {"score": 9, "trial_id": 8, "hp.score": 7, "rate": 0.1}
    best, uri = published(str(tmp_path), study("0"), values)
    [row] = json.loads(files.read_bytes(files.join(uri, "tuner_results.json")))
    assert row == {
        "trial_id": "0",
        "score": 0.5,
        "rate": 0.1,
        "hp.score": 9,
        "hp.trial_id": 8,
        "hp.hp.score": 7,
    }
    [trial] = load_tuner_results(uri)
    assert (trial.trial_id, trial.score) == ("0", 0.5)
    assert trial.hyperparameters == values
    content = files.read_bytes(files.join(best, "best_hyperparameters.txt"))
    assert json.loads(content)["values"] == values
