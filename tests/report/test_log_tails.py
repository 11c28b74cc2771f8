"""The report has the ends of the logs that people ask about."""

from pathlib import Path

from tests.support import reports, studies
from tuner_component.report import log_tails, page
from tuner_component.report.record import StudyRecord


def study(*more: dict) -> StudyRecord:
    """Trial 0 is the best; 1 completed, 2 failed and 3 runs."""
    return studies.study(
        studies.ended("0", 0.1),
        studies.ended("1", 0.2),
        studies.failed("2", "ValueError: x"),
        studies.created("3"),
        *more,
    )


def logged(directory: Path, trial_id: str, text: bytes) -> None:
    path = Path(log_tails.log_file(str(directory), trial_id))
    path.parent.mkdir(parents=True)
    path.write_bytes(text)


def test_best_failed_and_running_trials_have_theirs(tmp_path: Path) -> None:
    """Who sees a failure in the report would have to look for its log."""
    for trial_id in "0123":
        logged(tmp_path, trial_id, f"log of {trial_id}\n".encode())
    found = log_tails.tails(study(), str(tmp_path))
    assert found == {i: f"log of {i}\n" for i in "023"}


def test_only_the_end_of_a_long_log_is_there(tmp_path: Path) -> None:
    """A report of a search that prints much could not be sent or opened."""
    lines = [f"line {i}\n" for i in range(100_000)]
    logged(tmp_path, "2", "".join(lines).encode())
    (text,) = log_tails.tails(study(), str(tmp_path)).values()
    assert text.startswith("[...]\nline ") and text.endswith(lines[-1])
    assert len(text) < 5000


def test_a_report_without_logs_is_whole(tmp_path: Path) -> None:
    """A log that is no file, no text or not there would cost the report."""
    logged(tmp_path, "2", b"\xff\xfe\x00 no text \xf0")
    Path(log_tails.log_file(str(tmp_path), "0")).mkdir(parents=True)
    found = log_tails.tails(study(), str(tmp_path))
    assert list(found) == ["2"] and "no text" in found["2"]
    assert log_tails.tails(study(), None) == {}
    rows = reports.data_of(page.render(study(), directory=str(tmp_path)))["trials"]
    assert [row["id"] for row in rows["rows"] if "log" in row] == ["2"]
