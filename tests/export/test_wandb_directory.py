"""What is noted of runs beside the files that wandb keeps of them."""

from pathlib import Path

import pytest

from tuner_component.export.wandb_directory import Directory, Told

TOLD = Told("COMPLETED", ["x"], {"best/score": 0.5})
TARGET = ["", "", "tuner_component"]


def run(path: Path, run_id: str, kind: str = "offline-run") -> str:
    directory = path / f"{kind}-20260102_030405-{run_id}"
    directory.mkdir()
    return str(directory)


def test_only_what_is_told_whole_counts(tmp_path: Path) -> None:
    """A run that a crash cut off would stay so."""
    directory = Directory(str(tmp_path), True, TARGET)
    directory.note(run(tmp_path, "s-0"), TOLD)
    run(tmp_path, "s-1")
    assert directory.told() == {"s-0": TOLD}


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"status": "COMPLETED"}', "\x00"])
def test_damaged_note_is_none(torn: str, tmp_path: Path) -> None:
    """One torn file would keep a whole search out."""
    directory = Directory(str(tmp_path), True, TARGET)
    Path(run(tmp_path, "s-0"), "tuner_component.json").write_text(torn)
    assert directory.told() == {}


def test_what_was_told_elsewhere_is_not_told_here(tmp_path: Path) -> None:
    """Who logs in, or takes another project, would never see earlier trials there."""
    Directory(str(tmp_path), True, TARGET).note(run(tmp_path, "s-0"), TOLD)
    assert Directory(str(tmp_path), True, ["", "", "other"]).told() == {}
    assert Directory(str(tmp_path), False, TARGET).told() == {}


def test_only_the_run_itself_is_removed(tmp_path: Path) -> None:
    """Runs of the user's, or of other trials, would be lost."""
    others = [
        run(tmp_path, "s-01"),
        run(tmp_path, "x-s-0"),
        run(tmp_path, "s-0", "run"),
    ]
    gone = run(tmp_path, "s-0")
    Directory(str(tmp_path), True, TARGET).remove("s-0")
    assert not Path(gone).exists()
    assert all(Path(other).exists() for other in others)


def test_no_directory_has_no_runs(tmp_path: Path) -> None:
    """The first search of all would fail."""
    directory = Directory(str(tmp_path / "wandb"), True, TARGET)
    directory.remove("s-0")
    assert directory.told() == {}
